"""Scenes as still pictures in a page: for galleries, where dozens of live views would be too many for a browser."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from equiviz.view.escape import escape
from equiviz.view.fragments import Fragment

if TYPE_CHECKING:
    from equiviz.view.scene import Scene, SceneRow


def picture_fragment(scene: Scene | SceneRow, caption: str, width: int = 980, height: int = 300) -> Fragment:
    """A scene, or several beside each other, as a PNG for light pages and one for dark pages, with words under it.

    Args:
        scene: what is drawn.
        caption: also what screen readers say.
        width: in CSS pixels, at most; a narrower page shrinks the picture.
        height: in CSS pixels.
    """
    light, dark = (
        "data:image/png;base64," + base64.b64encode(scene.png(width, height, dark, scale=1.5)).decode()
        for dark in (False, True)
    )
    words = escape(caption)
    html = (
        '<figure style="margin:0 0 20px"><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{words}" loading="lazy" style="width:100%;height:auto;max-width:{width:d}px">'
        f'</picture><figcaption><p class="caption">{words}</p></figcaption></figure>'
    )
    return Fragment(html)

"""One HTML file with scenes that can be turned: everything inside, opens from a disk without a network.

It holds the same script as the live widget and the same bytes; a Content-Security-Policy admits that script by its hash
and nothing else, so that no request can leave and no string can run.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from equiviz.structures.atomic_file import write_atomically
from equiviz.view.document import policy, static
from equiviz.view.escape import escape, escape_json
from equiviz.view.shared_ranges import with_shared_ranges
from equiviz.view.wire import camera_header, scene_packet, slab_header

if TYPE_CHECKING:
    from equiviz.view.packet import Header
    from equiviz.view.scene import Scene

_EXPORTS = re.compile(r"export\s*\{[^}]*?([\w$]+) as mount\b[^}]*\};?")
MOUNT = """
const states = JSON.parse(document.getElementById("scenes").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
states.forEach((state, k) => mount(document.getElementById(`scene-${k}`), {
  ...state, packet: bytes(state.packet), height: Math.min(state.height, Math.max(300, innerHeight - 150)),
}));
"""


def scene_page(scenes: Sequence[Scene], title: str, path: str | os.PathLike[str] | None) -> str | Path:
    """The page's text, or, given a path, the file (written atomically)."""
    text = _document(with_shared_ranges(scenes), title)
    return text if path is None else write_atomically(path, text)


def _document(scenes: Sequence[Scene], title: str) -> str:
    script = _script()
    height = 600 if len(scenes) == 1 else 460
    states = [_state(scene, height, "page" if len(scenes) > 1 else "") for scene in scenes]
    title = title or scenes[0].title or "Scene"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy([script]))}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title>",
        f"<style>{static('page.css')}</style></head><body>",
        f"<header><h1>{escape(title)}</h1></header>",
        f'<main><div class="scenes">{"".join(map(_place, range(len(scenes)), scenes))}</div></main>',
        f'<script type="application/json" id="scenes">{escape_json(json.dumps(states))}</script>',
        f'<script type="module">{script}</script>',
        "</body></html>\n",
    ]
    return "\n".join(parts)


@lru_cache(maxsize=1)
def _script() -> str:
    """The bundle, whose `mount` is called where it was exported: a page cannot import from itself."""
    exported = _EXPORTS.search(static("view.js"))
    assert exported is not None, "js/src/bundle.ts exports mount"
    text = static("view.js")
    return f"{text[: exported.start()]}const mount = {exported[1]};{text[exported.end() :]}\n{MOUNT}"


def _place(number: int, scene: Scene) -> str:
    """Where a scene is drawn, and its words for those who cannot see it, or have no WebGL."""
    words = f'<p class="caption">{escape(scene.describe())}</p>'
    return f'<figure><div id="scene-{number}"></div><figcaption>{words}</figcaption></figure>'


def _state(scene: Scene, height: int, linked: str) -> Header:
    return {
        "packet": base64.b64encode(scene_packet(scene)).decode(),
        "camera": camera_header(scene.camera, scene.layers),
        "slab": slab_header(scene.slab, scene.layers),
        "height": height,
        "linked": linked,
    }

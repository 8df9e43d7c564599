"""The live view: a scene in a notebook, whose selection, camera and frame Python can read and set.

The first view of a kernel carries the bundle (js/, 0.5 MB), so that it draws even while the kernel is busy; all others
carry a script of two kilobytes that uses it, or asks for it where the first one is not on the page.
Beside the widget a mime bundle holds a PNG, for GitHub, nbviewer and PDF, and the same words for the same scene.
"""

from __future__ import annotations

import base64
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4
from weakref import WeakKeyDictionary

from equiviz.view.errors import MissingLibrary
from equiviz.view.shared_ranges import with_shared_ranges

if TYPE_CHECKING:
    from equiviz.view.live_widget import SceneView
    from equiviz.view.scene import Scene, SceneRow

_views: WeakKeyDictionary[Scene, Any] = WeakKeyDictionary()
_rows: WeakKeyDictionary[SceneRow, Any] = WeakKeyDictionary()
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


def scene_view(scene: Scene, height: int = 480, linked: str = "") -> SceneView:
    """The live view of one scene, ``height`` CSS pixels high; views with the same word `linked` are turned together.

    Raises:
        MissingLibrary: anywidget is absent.
    """
    try:
        import_module("anywidget")
    except ImportError as reason:
        raise MissingLibrary("anywidget", "notebook") from reason
    from equiviz.view.live_widget import SceneView

    return SceneView(scene, height, linked)


def live_bundle(row: SceneRow) -> dict[str, object]:
    """What a notebook receives: the live views where they can be made, a PNG, and words."""
    title, words = row.title or "Scene", row.describe()
    bundle: dict[str, object] = {"text/plain": f"{title}\n\n{words}"}
    width = 720 if len(row.scenes) == 1 else 1080
    bundle["image/png"] = base64.b64encode(row.png(width, 480)).decode()
    try:
        widget = _shown(row)
    except MissingLibrary:
        return bundle
    return {**bundle, WIDGET_MIME: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}


def _shown(row: SceneRow) -> Any:
    """The views of a row, made once: a widget lives until its kernel ends, and a cell may be run many times."""
    first = row.scenes[0]
    if len(row.scenes) == 1:
        if first not in _views:
            _views[first] = _row_view(row)
        return _views[first]
    if row not in _rows:
        _rows[row] = _row_view(row)
    return _rows[row]


def _row_view(row: SceneRow) -> Any:
    if len(row.scenes) == 1:
        return scene_view(row.scenes[0])
    linked = f"row-{uuid4().hex}"
    views = [scene_view(scene, 420, linked) for scene in with_shared_ranges(row.scenes)]
    from ipywidgets import HBox, Layout

    for view in views:
        cast(Any, view).layout = Layout(flex="1 1 0", min_width="0")
    return HBox(views)

"""SceneView: the widget itself (traits and messages are those of js/PACKET.md). Needs anywidget."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import anywidget
import numpy as np
import traitlets

from equiviz.view.document import static
from equiviz.view.errors import ViewError
from equiviz.view.wire import camera_header, scene_packet, slab_header, update_packet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from equiviz.view.scene import Scene

IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]


_made = itertools.count()


def _script() -> str:
    """The bundle for the first view of a process, so that it draws while the kernel is busy; a stub for all others."""
    return static("view.js" if next(_made) == 0 else "view_stub.js")


class SceneView(anywidget.AnyWidget):
    """A scene that is drawn in the notebook.

    Attributes:
        selected: numbers of the chosen atoms, both ways.
        hovered: number of the atom under the pointer, or None.
        camera: where the scene is seen from, both ways.
        frame: which frame of a trajectory is shown, both ways.
        slab: the slice that is shown, both ways.
        turn: a rotation by which everything is drawn turned, row by row; the rotation hand sets it.
        hand: whether dragging turns the scene (`turn`) instead of moving the camera.
        linked: views of one page with the same word share camera and turn.
        height: in CSS pixels.
        problem: one line that the view shows as a banner; what follows a line break is behind "details".
    """

    _esm = traitlets.Unicode().tag(sync=True)
    packet = traitlets.Bytes(b"").tag(sync=True)
    update = traitlets.Bytes(b"").tag(sync=True)
    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    hovered = traitlets.Int(None, allow_none=True).tag(sync=True)
    camera = traitlets.Dict(None, allow_none=True).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    slab = traitlets.Dict(None, allow_none=True).tag(sync=True)
    turn = traitlets.List(traitlets.Float(), default_value=IDENTITY).tag(sync=True)
    hand = traitlets.Bool(False).tag(sync=True)
    linked = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(480).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)

    def __init__(self, scene: Scene, height: int = 480, linked: str = "") -> None:
        self._pictures: dict[int, Callable[[bytes], object]] = {}
        self._asked = 0
        super().__init__(_esm=_script(), height=height, linked=linked)
        self.show(scene)
        self.on_msg(self._answer)

    def show(self, scene: Scene) -> None:
        """Draw another scene in the same place."""
        camera, slab = camera_header(scene.camera, scene.layers), slab_header(scene.slab, scene.layers)
        packet = scene_packet(scene)  # all of it before anything changes: a scene that cannot be drawn changes nothing
        self.scene, self._changes = scene, dict[int, dict[str, Any]]()
        with self.hold_sync():
            self.selected, self.frame, self.hovered, self.update = [], 0, None, b""
            self.camera, self.slab, self.packet = camera, slab, packet

    def change(self, layer: int = 0, **arrays: ArrayLike) -> None:
        """Send other values, positions, vectors or coefficients of one layer; a few bytes each.

        What was changed before goes along, so that a view that is opened later shows the same.

        Raises:
            ViewError: no such layer or array; another shape than the layer's; positions, vectors or coefficients that
                are not finite.
        """
        changes = {**self._changes, layer: {**self._changes.get(layer, {}), **arrays}}
        self.update = update_packet(list(self.scene.layers), changes)
        self._changes = changes

    @property
    def current(self) -> Scene:
        """The scene with all that `change` sent, to be drawn or saved: ``view.current.png()``."""
        changed = [replace(layer, **self._changes.get(place, {})) for place, layer in enumerate(self.scene.layers)]
        return replace(self.scene, layers=changed)

    @property
    def rotation(self) -> NDArray[np.float64]:
        """`turn` as a matrix ``[3, 3]``."""
        return np.asarray(self.turn, dtype=np.float64).reshape(3, 3)

    def guarded(self, callback: Callable[[Any], object]) -> Callable[[Any], None]:
        """A callback whose errors the view shows, and does not swallow: for `observe`."""

        def called(change: Any) -> None:
            try:
                callback(change)
            except Exception as problem:
                self.problem = f"{type(problem).__name__}: {problem}\n{traceback.format_exc()}"
            else:
                self.problem = ""

        return called

    def screenshot(self, then: Callable[[bytes], object], width: int = 1200) -> None:
        """Ask the page for a PNG of what it shows, ``width`` pixels wide; `then` receives it."""
        if not callable(then):
            raise ViewError(f"screenshot: expected a function that takes the PNG's bytes, got {type(then).__name__}.")
        self._asked += 1
        self._pictures[self._asked] = then
        self.send({"type": "screenshot", "id": self._asked, "width": int(width)})

    def _answer(self, _: object, content: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        if content.get("type") == "bundle":
            self.send({"type": "bundle"}, [static("view.js").encode()])
        if content.get("type") == "screenshot" and buffers:
            then = self._pictures.pop(cast(int, content.get("id")), None)
            if then is not None:
                self.guarded(lambda picture: then(bytes(picture)))(buffers[0])

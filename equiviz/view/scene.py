"""Scene: what is to be seen, as pure data: layers, a camera, a slab, and perhaps the frames of a trajectory.

One scene, four pictures: a live widget (:mod:`equiviz.view.live`), one offline HTML file
(:mod:`equiviz.view.scene_page`), a PNG made without a browser (:mod:`equiviz.view.picture`), and a plotly figure
(:mod:`equiviz.view.drawing`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from equiviz.view.errors import ViewError
from equiviz.view.layers import Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.graph_objects import Figure

    from equiviz.view.live import SceneView


Axis: TypeAlias = Literal["x", "y", "z"]
CHANGING = ("positions", "values", "origins", "vectors", "coefficients")
"""Arrays of a layer that may differ from frame to frame."""


@dataclass(frozen=True)
class Slab:
    """A slider that shows one slice of the scene at a time, because a dense system is opaque.

    Raises :class:`~equiviz.view.errors.ViewError` for another axis, or a thickness that is not positive.
    """

    axis: Axis = "z"
    thickness: float | None = None  # in the scene's length unit; by default a fifth of the scene
    start: float | None = None  # where the first slice is; by default everything is shown

    def __post_init__(self) -> None:
        if self.axis not in get_args(Axis):
            raise ViewError(f"Slab: expected the axis 'x', 'y' or 'z', got {self.axis!r}.")
        if self.thickness is not None and not self.thickness > 0:
            raise ViewError(f"Slab: expected a positive thickness, got {self.thickness!r}.")
        for name in ("thickness", "start"):
            if getattr(self, name) is not None and not np.isfinite(getattr(self, name)):
                raise ViewError(f"Slab: expected a finite {name}, got {getattr(self, name)!r}.")


@dataclass(frozen=True)
class Camera:
    """From where the scene is seen, without perspective: parallel lines stay parallel."""

    direction: tuple[float, float, float] = (1.5, 1.13, 0.77)  # from the centre to the eye
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    centre: tuple[float, float, float] | None = None  # by default the middle of the scene
    height: float | None = None  # of the picture, in the scene's length unit; by default all is seen

    def __post_init__(self) -> None:
        for name in ("direction", "up"):
            if not 0 < float(np.linalg.norm(getattr(self, name))) < np.inf:
                raise ViewError(f"Camera.{name}: expected a finite vector that is not zero, got {getattr(self, name)}.")
        if np.linalg.norm(np.cross(self.direction, self.up)) < 1e-9:
            raise ViewError(f"Camera: expected up and direction not to be parallel, got {self.up}, {self.direction}.")
        if self.centre is not None and not np.isfinite(self.centre).all():
            raise ViewError(f"Camera.centre: expected three finite numbers, got {self.centre}.")
        if self.height is not None and not 0 < self.height < np.inf:
            raise ViewError(f"Camera.height: expected a positive length, got {self.height!r}.")


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of a trajectory: by the number of a layer, the arrays that differ from the scene's own."""

    label: str
    changes: Mapping[int, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers, a title, the unit of lengths, and perhaps a slab, a camera, and frames. It saves to one file."""

    layers: Sequence[Layer]
    title: str = ""
    length_unit: str = ""
    slab: Slab | None = None
    camera: Camera = Camera()
    frames: tuple[Frame, ...] = ()

    @classmethod
    def of_frames(cls, scenes: Sequence[Scene], labels: Sequence[str] = ()) -> Scene:
        """A trajectory: the first scene, whose arrays change to those of the others, one after the other.

        Args:
            scenes: of the same layers with the same numbers of rows.
            labels: of the frames ("t = 3 ps"); by default their numbers.

        Raises:
            ViewError: no scenes; scenes of other layers; another number of labels.
        """
        named = list(labels) or [f"frame {k + 1} of {len(scenes)}" for k in range(len(scenes))]
        if not scenes or len(named) != len(scenes):
            raise ViewError(
                f"Scene.of_frames: expected one label per scene, got {len(named)} for {len(scenes)} scenes."
            )
        from equiviz.view.extent import extent, fitting_height
        from equiviz.view.shared_ranges import with_shared_ranges

        every = with_shared_ranges(scenes)  # one colour means one number in all frames
        first, layers = every[0], [layer for scene in every for layer in scene.layers]
        frames = [
            Frame(label, _changes(first, scene, place))
            for place, (scene, label) in enumerate(zip(every, named, strict=True))
        ]
        look = first.camera
        centre = tuple(extent(layers)[0].tolist()) if look.centre is None else look.centre
        height = fitting_height(layers, look.direction, look.up) if look.height is None else look.height
        return replace(first, frames=tuple(frames), camera=replace(look, centre=centre, height=height))

    def at(self, frame: int) -> Scene:
        """The scene as it is at one of its frames, by itself."""
        changes = self.frames[frame].changes
        if not set(changes) <= set(range(len(self.layers))):
            raise ViewError(f"Frame {frame} changes layers that are not there: {sorted(changes)}.")
        layers = [replace(layer, **changes.get(place, {})) for place, layer in enumerate(self.layers)]  # type: ignore[arg-type]
        return replace(self, layers=layers, frames=())

    def figure(self) -> Figure:
        """The scene drawn by plotly."""
        from equiviz.view.drawing import draw

        return draw([self], self.title)

    def widget(self, height: int = 480) -> SceneView:
        """The live view, ``height`` CSS pixels high: its `selected`, `camera` and `frame` follow the mouse.

        Raises :class:`~equiviz.view.errors.MissingLibrary` where anywidget is absent.
        """
        from equiviz.view.live import scene_view

        return scene_view(self, height)

    def png(self, width: int = 720, height: int = 480, dark: bool = False, scale: float = 2.0) -> bytes:
        """A picture that needs no browser: ``width * scale`` by ``height * scale`` pixels."""
        from equiviz.view.picture import png

        return png([self], width, height, dark, scale)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """One self-contained page that opens offline: its text, or, given a ``path``, the file (written atomically)."""
        return SceneRow((self,), self.title).to_html(path)

    def beside(self, *others: Scene, title: str = "") -> SceneRow:
        """This scene and others in one figure: one slider slices all of them, and a page turns them together."""
        return SceneRow((self, *others), title)

    def describe(self) -> str:
        """What is drawn, in a sentence per layer."""
        from equiviz.view.scene_words import describe

        return describe(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the scene to one versioned file, atomically, without loss."""
        from equiviz.view.scene_file import save_scene

        return save_scene(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Scene:
        """Read a scene; raises :class:`~equiviz.view.errors.SceneFileError` for anything but a sound scene file."""
        from equiviz.view.scene_file import load_scene

        return load_scene(path)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        from equiviz.view.live import live_bundle

        return live_bundle(SceneRow((self,), self.title))

    def __repr__(self) -> str:
        return f"Scene({self.title!r})\n{self.describe()}"


@dataclass(frozen=True, eq=False)
class SceneRow:
    """Several scenes side by side, each with its own title; they are turned together."""

    scenes: tuple[Scene, ...]
    title: str = ""

    def figure(self) -> Figure:
        """All scenes in one plotly figure."""
        from equiviz.view.drawing import draw

        return draw(list(self.scenes), self.title)

    def png(self, width: int = 720, height: int = 480, dark: bool = False, scale: float = 2.0) -> bytes:
        """As `Scene.png`, with the scenes beside each other."""
        from equiviz.view.picture import png

        return png(list(self.scenes), width, height, dark, scale)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """As `Scene.to_html`, with the scenes beside each other."""
        from equiviz.view.scene_page import scene_page

        return scene_page(self.scenes, self.title, path)

    def describe(self) -> str:
        """What each scene shows."""
        if len(self.scenes) == 1:
            return self.scenes[0].describe()
        return "\n".join(f"{scene.title or 'Scene'}: {scene.describe()}" for scene in self.scenes)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        from equiviz.view.live import live_bundle

        return live_bundle(self)


def _changes(first: Scene, scene: Scene, place: int) -> dict[int, dict[str, NDArray[np.float64]]]:
    """By layer, the arrays in which a scene differs from the first."""
    if [type(layer) for layer in scene.layers] != [type(layer) for layer in first.layers]:
        raise ViewError(f"Scene.of_frames: expected the same layers in every scene, scene {place} has others.")
    found: dict[int, dict[str, NDArray[np.float64]]] = {}
    for number, (own, other) in enumerate(zip(first.layers, scene.layers, strict=True)):
        for name in CHANGING:
            before, after = getattr(own, name, None), getattr(other, name, None)
            if before is None or after is None or np.array_equal(before, after, equal_nan=True):
                continue
            if before.shape != after.shape:
                raise ViewError(
                    f"Scene.of_frames: expected {name} of shape {list(before.shape)} in every scene, scene {place} has "
                    f"{list(after.shape)}."
                )
            found.setdefault(number, {})[name] = after
    return found

"""Scene: what is to be seen, as pure data. Layers of atoms, arrows and cells, with the meaning of their colours.

A renderer turns it into a picture (:mod:`equiviz.view.drawing`, plotly); :mod:`equiviz.view.scene_file` into a file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from equiviz.view.arrays import numbers
from equiviz.view.errors import ViewError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from plotly.graph_objects import Figure


Axis: TypeAlias = Literal["x", "y", "z"]


@dataclass(frozen=True)
class ColourScale:
    """What a colour means: the quantity, its unit, and the range. ``diverging`` is centred at zero.

    Without ``low`` and ``high`` the range is that of the data, but for the one percent at each end: outliers would
    bleach the rest.
    """

    title: str = ""
    unit: str = ""
    kind: Literal["sequential", "diverging"] = "sequential"
    low: float | None = None
    high: float | None = None

    @property
    def heading(self) -> str:
        """The title with its unit, as it stands on a colour bar."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def limits(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """The two ends of the scale for these data, ``[n]``; never equal."""
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
        if self.kind == "diverging":
            low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
        low, high = (low if self.low is None else self.low), (high if self.high is None else self.high)
        return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


@dataclass(frozen=True, eq=False)
class Atoms:
    """Spheres, coloured by ``values`` on ``scale``, else by ``labels`` (species). ``hover`` adds a line to each."""

    positions: NDArray[np.float64]  # [N, 3], in the scene's length unit
    radii: NDArray[np.float64]  # [N], in the same unit
    values: NDArray[np.float64] | None = None  # [N]; NaN is drawn grey
    scale: ColourScale = ColourScale()
    labels: tuple[str, ...] = ()  # [N]
    hover: tuple[str, ...] = ()  # [N]
    colour: str = ""  # one CSS colour for all, instead of values or labels

    def __post_init__(self) -> None:
        positions = _points(self.positions, "Atoms.positions")
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "radii", _each(self.radii, len(positions), "Atoms.radii"))
        if self.values is not None:
            object.__setattr__(self, "values", _each(self.values, len(positions), "Atoms.values"))
        for name in ("labels", "hover"):
            _texts(getattr(self, name), len(positions), f"Atoms.{name}")


@dataclass(frozen=True, eq=False)
class Arrows:
    """Arrows that start at ``origins``. ``vectors`` have their own unit, ``scale.unit``.

    They are drawn ``magnify`` times as long as in the scene's unit, and coloured by ``values``, by default
    the vectors' lengths.
    """

    origins: NDArray[np.float64]  # [N, 3], in the scene's length unit
    vectors: NDArray[np.float64]  # [N, 3], in scale.unit
    values: NDArray[np.float64] | None = None  # [N]
    scale: ColourScale = ColourScale("length")
    magnify: float = 1.0
    width: float = 0.05  # radius of the shafts, in the scene's length unit

    def __post_init__(self) -> None:
        origins, vectors = _points(self.origins, "Arrows.origins"), _points(self.vectors, "Arrows.vectors")
        if len(origins) != len(vectors):
            raise ViewError(f"Arrows: expected as many vectors as origins, got {len(vectors)} and {len(origins)}.")
        values = np.linalg.norm(vectors, axis=1) if self.values is None else self.values
        object.__setattr__(self, "origins", origins)
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "values", _each(values, len(origins), "Arrows.values"))


@dataclass(frozen=True, eq=False)
class CellBox:
    """The twelve edges of a periodic cell, whose rows are the lattice vectors."""

    cell: NDArray[np.float64]  # [3, 3], in the scene's length unit
    origin: NDArray[np.float64] | None = None  # [3]

    def __post_init__(self) -> None:
        cell = _points(self.cell, "CellBox.cell")
        if len(cell) != 3:
            raise ViewError(
                f"CellBox.cell: expected three lattice vectors, shape [3, 3], got shape {list(cell.shape)}."
            )
        origin = _points(np.zeros((1, 3)) if self.origin is None else [self.origin], "CellBox.origin")[0]
        object.__setattr__(self, "cell", cell)
        object.__setattr__(self, "origin", origin)

    def path(self) -> NDArray[np.float64]:
        """The edges as one line, ``[n, 3]``, with NaN where the pen is lifted."""
        steps = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
        pairs = [(a, b) for a in steps for b in steps if (b - a).sum() == 1 and (b - a).min() == 0]
        lines = [np.stack([a @ self.cell, b @ self.cell, np.full(3, np.nan)]) for a, b in pairs]
        return np.concatenate(lines) + self.origin


Layer: TypeAlias = Atoms | Arrows | CellBox


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


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers, a title, the unit of lengths, and perhaps a slab. The whole of it saves to and loads from one file."""

    layers: Sequence[Layer]
    title: str = ""
    length_unit: str = ""
    slab: Slab | None = None

    def figure(self) -> Figure:
        """The scene drawn by plotly."""
        from equiviz.view.drawing import draw

        return draw([self], self.title)

    def beside(self, *others: Scene, title: str = "") -> SceneRow:
        """This scene and others in one figure: one slider slices all of them, and a page turns them together."""
        return SceneRow((self, *others), title)

    def describe(self) -> str:
        """What is drawn, in a sentence per layer."""
        from equiviz.view.drawing import describe

        return describe(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the scene to one versioned JSON file, atomically."""
        from equiviz.view.scene_file import save_scene

        return save_scene(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Scene:
        """Read a scene; raises :class:`~equiviz.view.errors.SceneFileError` for anything but a sound scene file."""
        from equiviz.view.scene_file import load_scene

        return load_scene(path)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        from equiviz.view.notebook import mime_bundle

        return mime_bundle(self.title or "Scene", self.describe(), self.figure())

    def __repr__(self) -> str:
        return f"Scene({self.title!r})\n{self.describe()}"


@dataclass(frozen=True, eq=False)
class SceneRow:
    """Several scenes side by side, each with its own title."""

    scenes: tuple[Scene, ...]
    title: str = ""

    def figure(self) -> Figure:
        """All scenes in one plotly figure."""
        from equiviz.view.drawing import draw

        return draw(list(self.scenes), self.title)

    def describe(self) -> str:
        """What each scene shows."""
        return "\n".join(f"{scene.title or 'Scene'}: {scene.describe()}" for scene in self.scenes)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        from equiviz.view.notebook import mime_bundle

        return mime_bundle(self.title or "Scenes", self.describe(), self.figure())


def _points(data: ArrayLike, what: str) -> NDArray[np.float64]:
    points = numbers(data)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ViewError(f"{what}: expected shape [N, 3], got {list(points.shape)}.")
    if not np.isfinite(points).all():
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        raise ViewError(f"{what}: expected finite numbers, got NaN or infinity in row {bad[0]} ({len(bad)} such rows).")
    return points


def _each(data: ArrayLike, count: int, what: str) -> NDArray[np.float64]:
    values = numbers(data)
    if values.shape != (count,):
        raise ViewError(f"{what}: expected one number per object, shape [{count}], got {list(values.shape)}.")
    return values


def _texts(texts: Sequence[str], count: int, what: str) -> None:
    if len(texts) not in (0, count):
        raise ViewError(f"{what}: expected no text or one per atom, {count} in all, got {len(texts)}.")

"""Layers of a scene: what can be drawn, as checked arrays. Every length is in the scene's unit.

Capitals: N rows, B bonds, L the largest degree of harmonics.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from equiviz.view.arrays import numbers
from equiviz.view.colour_scale import ColourScale
from equiviz.view.errors import ViewError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

HIGHEST_DEGREE = 12
MANY = 2_000  # glyphs above which extents are measured on a coarser icosphere
PLAIN, LENGTH, SIGNED = ColourScale(), ColourScale("length"), ColourScale("f(n)", kind="diverging")


@dataclass(frozen=True, eq=False)
class Atoms:
    """Spheres, coloured by ``values`` on ``scale``, else by ``labels`` (species). ``hover`` adds a line to each."""

    positions: NDArray[np.float64]  # [N, 3], in the scene's length unit
    radii: NDArray[np.float64]  # [N], in the same unit
    values: NDArray[np.float64] | None = None  # [N]; NaN is drawn grey
    scale: ColourScale = PLAIN
    labels: tuple[str, ...] = ()  # [N]
    hover: tuple[str, ...] = ()  # [N]
    colour: str = ""  # one CSS colour for all, instead of values or labels

    def __post_init__(self) -> None:
        positions = _points(self.positions, "Atoms.positions")
        object.__setattr__(self, "positions", positions)
        radii = _each(self.radii, len(positions), "Atoms.radii")
        if not (np.isfinite(radii) & (radii >= 0)).all():
            raise ViewError("Atoms.radii: expected finite lengths from 0 on.")
        object.__setattr__(self, "radii", radii)
        if self.values is not None:
            object.__setattr__(self, "values", _each(self.values, len(positions), "Atoms.values"))
        _colour(self.colour, "Atoms.colour")
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
    scale: ColourScale = LENGTH
    magnify: float = 1.0
    width: float = 0.1  # diameter of the shafts, in the scene's length unit
    axial: bool = False  # a pseudo-vector, ``1e``: drawn with a ring that curls about it right-handed

    def __post_init__(self) -> None:
        origins, vectors = _points(self.origins, "Arrows.origins"), _points(self.vectors, "Arrows.vectors")
        if len(origins) != len(vectors):
            raise ViewError(f"Arrows: expected as many vectors as origins, got {len(vectors)} and {len(origins)}.")
        _lengths("Arrows", magnify=self.magnify, width=self.width)
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


@dataclass(frozen=True, eq=False)
class Bonds:
    """Sticks between atoms of the first layer of atoms: half in the colour of each, or all in one ``colour``."""

    pairs: NDArray[np.integer]  # [B, 2], rows of the atoms
    radius: float = 0.12
    colour: str = ""

    def __post_init__(self) -> None:
        pairs = np.asarray(self.pairs)
        pairs = pairs.reshape(0, 2) if pairs.size == 0 else pairs
        if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs.size and pairs.dtype.kind not in "iu"):
            raise ViewError(f"Bonds.pairs: expected integers of shape [B, 2], got {pairs.dtype} {list(pairs.shape)}.")
        if pairs.size and pairs.min() < 0:
            raise ViewError("Bonds.pairs: expected the numbers of atoms, from 0 on, got a negative one.")
        _colour(self.colour, "Bonds.colour")
        _lengths("Bonds", radius=self.radius)
        object.__setattr__(self, "pairs", pairs.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Glyphs:
    """A surface about each origin: in direction n as far as ``size * |f(n)|``, in the colour of f(n).

    f(n) = sum_lm c_lm Y_lm(n), with e3nn's real spherical harmonics, ``normalization="norm"``: for l = 1, f is the
    scalar product of the vector with n. A glyph turned by D(g) looks like the glyph turned by g.
    """

    origins: NDArray[np.float64]  # [N, 3]
    coefficients: NDArray[np.float64]  # [N, (L + 1)^2], in scale.unit; l = 0 first, m from -l to l
    size: float = 1.0  # length per unit of f
    scale: ColourScale = SIGNED
    name: str = ""  # the irreps that are drawn, for readers

    def __post_init__(self) -> None:
        origins, coefficients = _points(self.origins, "Glyphs.origins"), numbers(self.coefficients)
        if coefficients.ndim != 2 or len(coefficients) != len(origins):
            raise ViewError(
                f"Glyphs.coefficients: expected one row per origin, [{len(origins)}, (L+1)^2], got shape "
                f"{list(coefficients.shape)}."
            )
        degree = math.isqrt(coefficients.shape[1]) - 1
        if (degree + 1) ** 2 != coefficients.shape[1] or not 0 <= degree <= HIGHEST_DEGREE:
            raise ViewError(
                f"Glyphs.coefficients: expected (L+1)^2 columns for an L up to {HIGHEST_DEGREE}, got "
                f"{coefficients.shape[1]}."
            )
        if not np.isfinite(coefficients).all():
            raise ViewError("Glyphs.coefficients: expected finite numbers, got NaN or infinity.")
        _lengths("Glyphs", size=self.size)
        object.__setattr__(self, "origins", origins)
        object.__setattr__(self, "coefficients", coefficients)

    @property
    def degree(self) -> int:
        """The largest degree L."""
        return math.isqrt(self.coefficients.shape[1]) - 1

    def extents(self) -> NDArray[np.float64]:
        """The largest |f| of each glyph over the directions of an icosphere, ``[N]``.

        At worst 4 % too small, and 15 % where there are more than 2,000 glyphs.
        """
        return self._extents

    @cached_property
    def _extents(self) -> NDArray[np.float64]:
        from equiviz.view.geometry import harmonics

        level = 3 + (self.degree > 4) + (self.degree > 8) - (len(self.origins) > MANY)
        basis = harmonics(self.degree, level)  # [V, (L + 1)^2]
        parts = np.array_split(self.coefficients, 1 + len(self.origins) // MANY)
        return np.concatenate([np.abs(part @ basis.T).max(axis=1, initial=0.0) for part in parts])


@dataclass(frozen=True, eq=False)
class Labels:
    """A text at each position."""

    positions: NDArray[np.float64]  # [N, 3]
    texts: tuple[str, ...]  # [N]

    def __post_init__(self) -> None:
        positions = _points(self.positions, "Labels.positions")
        if len(self.texts) != len(positions):
            raise ViewError(f"Labels.texts: expected one per position, {len(positions)}, got {len(self.texts)}.")
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "texts", tuple(map(str, self.texts)))


Layer: TypeAlias = Atoms | Bonds | Arrows | Glyphs | CellBox | Labels


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


def _colour(colour: str, what: str) -> None:
    """A colour comes from a file, and goes to places where other texts would be read as more than a colour."""
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ViewError(f"{what}: expected a colour such as '#4477AA', or none, got {colour[:40]!r}.")


def _lengths(layer: str, **lengths: float) -> None:
    for name, length in lengths.items():
        if not math.isfinite(length):
            raise ViewError(f"{layer}.{name}: expected a finite number, got {length!r}.")

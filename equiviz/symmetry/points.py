"""Values that lie on points in space: what a picture needs to know of a representation.

A structure of atoms has positions, and a field on it a row for each atom. A signal on the sphere is one row for all of
its points, and a system in phase space one row for all of its particles; `LiesOnPoints` is how such representations
say where in space their numbers are. Nothing here turns: a turned value is drawn like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from equiviz.symmetry.representations import Representation


@dataclass(frozen=True, eq=False)
class PointValues:
    """One value of a representation, taken apart into values at P points.

    Attributes:
        positions: ``[P, 3]`` float64, in `unit`.
        values: ``[P, dim]`` float64.
        representation: of the values, irreps of O(3): ``"8x0e+8x1o"``.
        names: what the blocks of them are called, by label.
        point: what one of the points is: "point", "particle".
        unit: of positions, and of vectors where they are as long as distances.
        fixed: whether the points stay where they are whatever the values, as those of a grid do.
        ball: radius of the ball about the origin on whose surface the points lie; 0 where they lie on none.
    """

    positions: Tensor
    values: Tensor
    representation: Representation
    names: Mapping[str, str]
    point: str
    unit: str
    fixed: bool = False
    ball: float = 0.0


@runtime_checkable
class LiesOnPoints(Protocol):
    """A representation whose single values are fields on points in space."""

    def on_points(self, values: Tensor) -> PointValues | None:
        """One value ``[dim]``, point by point; None where this one has no place in space (too many dimensions)."""
        ...

"""Where a stage is drawn: on the atoms of a structure, or on points that its values bring along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.symmetry.points import PointValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equiviz.structures.graph import Graph
    from equiviz.structures.structure import Structure


@dataclass(frozen=True, eq=False)
class Place:
    """What a stage is drawn on.

    Attributes:
        structure: atoms, or points.
        graph: its edges; None where there are none.
        on: where the values of the stage lie, where that is no structure of atoms.
        input: what the model was shown there, to be drawn where the stage has no place of its own.
    """

    structure: Structure
    graph: Graph | None = None
    on: PointValues | None = None
    input: PointValues | None = None

    def __len__(self) -> int:
        """Number of atoms or points."""
        return len(self.structure)

    @property
    def ground(self) -> PointValues | None:
        """Where points are drawn; None of atoms."""
        return self.on or self.input


def carried_over(rows: Sequence[int], before: Place, after: Place) -> list[int]:
    """Rows of one input at one of its places as rows at another of them, maybe of another model.

    Atoms are the same; on another grid of the same ball they are the nearest points; elsewhere none belong together.
    """
    one, other = before.ground, after.ground
    atoms = one is None and other is None and len(before) == len(after)
    if before.structure is after.structure or atoms:
        return list(rows)
    if one is None or other is None or not one.ball or one.ball != other.ball or max(rows, default=0) >= len(before):
        return []
    nearest = (one.positions[list(rows)] @ other.positions.T).argmax(1)
    return sorted(set(nearest.tolist()))

"""The icosahedral group: the 60 rotations that map the icosahedron, and the grid on it, onto themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from equiviz.symmetry.groups import O3, GroupElement
from equiviz.symmetry.icosahedral_grid import ROUNDING, icosahedral_rotations
from equiviz.symmetry.transformations import Transformations


@dataclass(frozen=True)
class IcosahedralRotations(Transformations):
    """I, of order 60: a finite subgroup of SO(3), so that there is nothing infinitesimal to try."""

    kind: ClassVar[str] = "icosahedral"
    act: ClassVar[str] = "rotation of the icosahedron"
    likely: ClassVar[str] = (
        "Look at the margins of charts: directions must be turned where a feature goes over into another chart; at the "
        "12 corners, which have five neighbours; and at padding that was forgotten."
    )

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[O3]:
        """Uniform; none twice before each came once, and the identity last."""
        generator = torch.Generator().manual_seed(seed)
        found = icosahedral_rotations()
        order = torch.cat([1 + torch.randperm(len(found) - 1, generator=generator), torch.zeros(1, dtype=torch.int64)])
        return [O3(found[order[number % len(order)]]) for number in range(count)]

    def contains(self, g: GroupElement) -> bool:
        """Whether g is one of the 60: icosahedra that differ have corners far apart, so that rounding tells nothing."""
        if not isinstance(g, O3):
            return False
        return bool((icosahedral_rotations() - g.matrix).abs().flatten(1).amax(1).min() < ROUNDING)

    def elements(self) -> list[O3]:
        """The 60, the identity first, then by angle."""
        return [O3(matrix) for matrix in icosahedral_rotations()]

    def share(self, elements: int, few: bool) -> int:
        """All of them, they are few; twelve where a hint is wanted."""
        del elements
        return 12 if few else 60


ICOSAHEDRAL = IcosahedralRotations()

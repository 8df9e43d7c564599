"""What tasks on the sphere share: spheres that are not turned (N), turned by symmetries of the grid (I), or anyhow (R).

The protocol of arXiv:1902.04615, section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, cast

import torch
from torch import Tensor

from equiviz.structures.sphere_signal import SphereSignal, joined
from equiviz.symmetry.groups import haar_matrices
from equiviz.symmetry.icosahedral_grid import icosahedral_rotations
from equiviz.training.objective import Example

Turned: TypeAlias = Literal["N", "I", "R"]
TURNED: dict[Turned, str] = {
    "N": "not turned",
    "I": "turned by symmetries of the icosahedron",
    "R": "turned by any rotations",
}


class ReadsSpheres(Protocol):
    """What a model of signals on the sphere says of the grid that it reads."""

    @property
    def level(self) -> int:
        """Of the icosahedral grid."""
        ...


def turns(turned: Turned, count: int, seed: int) -> Tensor | None:
    """A rotation for each of `count` spheres, ``[count, 3, 3]``; None where they are not turned."""
    if turned == "N":
        return None
    if turned == "R":
        return haar_matrices(count, seed, "SO(3)")
    found = icosahedral_rotations()
    return found[torch.randint(len(found), (count,), generator=torch.Generator().manual_seed(seed))]


def way_of(stated: object) -> Turned:
    """What a manifest states of the training spheres; older ones state nothing, and theirs were not turned."""
    for way in TURNED:
        if way == stated:
            return way
    return "N"


def glued(examples: Sequence[Example[Tensor]]) -> Example[Tensor]:
    """Many spheres in one input."""
    signals = joined([cast(SphereSignal, example.graph) for example in examples])
    return Example(examples[0].name, signals, torch.cat([example.target for example in examples]))  # type: ignore[arg-type]

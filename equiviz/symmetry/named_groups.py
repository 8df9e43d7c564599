"""Groups by the names under which models claim them, and the kinds of transformation that each holds."""

from __future__ import annotations

from equiviz.symmetry.errors import GroupError
from equiviz.symmetry.icosahedral_group import IcosahedralRotations
from equiviz.symmetry.transformations import Inversions, Rotations, Transformations, Translations
from equiviz.symmetry.unitary_group import DiagonalPhases, RealRotations, UnitaryMatrices

SPACE: tuple[type[Transformations], ...] = (Rotations, Inversions, Translations)
"""What may be tried of whatever lies in space."""
EVERY: tuple[type[Transformations], ...] = (
    *SPACE,
    IcosahedralRotations,
    UnitaryMatrices,
    RealRotations,
    DiagonalPhases,
)
"""All kinds."""
GROUPS: dict[str, tuple[type[Transformations], ...]] = {
    "E(3)": SPACE,
    "SE(3)": (Rotations, Translations),
    "O(3)": (Rotations, Inversions),
    "SO(3)": (Rotations,),
    "T(3)": (Translations,),
    "U(n)": (UnitaryMatrices, RealRotations, DiagonalPhases),
    "O(n)": (RealRotations,),
    "U(1)^n": (DiagonalPhases,),
    "I": (IcosahedralRotations,),
    "none": (),
}
"""What a model may claim; n is that of its input."""


def named_group(name: str) -> tuple[type[Transformations], ...]:
    """The kinds of transformation that the group holds.

    Raises:
        GroupError: no group of that name; the message lists all.
    """
    if name not in GROUPS:
        raise GroupError(f"Expected a symmetry group out of {', '.join(GROUPS)}, got {name!r}.")
    return GROUPS[name]


def of_kind(kind: str) -> type[Transformations] | None:
    """What is known of a kind of transformation; None for what is no matter of a group (the order of atoms)."""
    return next((known for known in EVERY if known.kind == kind), None)

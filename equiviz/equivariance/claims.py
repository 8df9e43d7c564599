"""Which kinds of transformation a declared symmetry group covers."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from equiviz.equivariance.errors import CheckError

Kind: TypeAlias = Literal["rotation", "inversion", "translation", "permutation", "lattice", "batch", "determinism"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# These are no matter of the group: the order of atoms, the choice of the cell, company in a batch, and chance change
# nothing.
_ALWAYS: frozenset[Kind] = frozenset({"permutation", "lattice", "batch", "determinism"})
_BY_GROUP: dict[str, frozenset[Kind]] = {
    "E(3)": frozenset({"rotation", "inversion", "translation"}),
    "SE(3)": frozenset({"rotation", "translation"}),
    "O(3)": frozenset({"rotation", "inversion"}),
    "SO(3)": frozenset({"rotation"}),
    "T(3)": frozenset({"translation"}),
    "none": frozenset(),
}


def claimed_kinds(group: str) -> frozenset[Kind]:
    """The kinds of transformation under which a model of this group must not break.

    Raises:
        CheckError: the group is not one of E(3), SE(3), O(3), SO(3), T(3), none.
    """
    if group not in _BY_GROUP:
        raise CheckError(f"Expected a symmetry group out of {', '.join(_BY_GROUP)}, got {group!r}.")
    return _BY_GROUP[group] | _ALWAYS

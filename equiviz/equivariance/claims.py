"""Which kinds of transformation a declared symmetry group covers, and which kinds a check may speak of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from equiviz.equivariance.errors import CheckError
from equiviz.symmetry.errors import GroupError
from equiviz.symmetry.named_groups import EVERY, SPACE, named_group

Kind: TypeAlias = str
"""Of a trial: a `Transformations.kind` of the kernel ("rotation", "unitary"), or one of `OTHERS`."""
# These are no matter of the group: the order of atoms, the choice of the cell, company in a batch, and chance change
# nothing.
OTHERS: tuple[Kind, ...] = ("permutation", "lattice", "batch", "determinism")
_SPACE: tuple[Kind, ...] = tuple(known.kind for known in SPACE)
KINDS: tuple[Kind, ...] = (*(known.kind for known in EVERY), *OTHERS)
"""All of them, in the order in which they are told."""


def claimed_kinds(group: str) -> frozenset[Kind]:
    """The kinds of transformation under which a model of this group must not break.

    Raises:
        CheckError: no such group; the message lists all.
    """
    try:
        return frozenset({*(known.kind for known in named_group(group)), *OTHERS})
    except GroupError as problem:
        raise CheckError(str(problem)) from problem


def told_kinds(group: str, tried: Iterable[Kind]) -> list[Kind]:
    """What a report speaks of: what the group claims, what was tried, and of what lies in space all three kinds.

    Raises:
        CheckError: no such group.
    """
    known = claimed_kinds(group) | set(tried)
    in_space = bool(known & set(_SPACE)) or known == frozenset(OTHERS)
    return [kind for kind in KINDS if kind in known or (in_space and kind in _SPACE)]

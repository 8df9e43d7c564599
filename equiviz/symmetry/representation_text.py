"""From a text to the representation that it names. A group whose representations have a text adds its reader here."""

from __future__ import annotations

from equiviz.symmetry.irreps import Irreps
from equiviz.symmetry.representations import O3Irreps, Position, Representation
from equiviz.symmetry.unitary_irreps import UnitaryIrreps, reads_unitary


def representation(source: str | Irreps | Representation) -> Representation:
    """A representation from its text: irreps of O(3) such as ``"8x0e+4x1o"``, of U(n) such as ``"4xV(3)"``, or
    ``"position"``; representations are passed through.

    Raises:
        IrrepsError: for any other text.
        RepresentationError: for a text that is meant for U(n), and cannot be read.
    """
    if isinstance(source, Representation):
        return source
    if isinstance(source, str) and source.strip() == "position":
        return Position()
    if isinstance(source, str) and reads_unitary(source):
        return UnitaryIrreps(source)
    return O3Irreps(source)

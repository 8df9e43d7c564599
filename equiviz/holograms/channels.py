"""Channels: what is projected of each atom, with weight one.

C, N, O, S and H are elements. "backbone N", "backbone CA", "backbone C" and "backbone O" are the atoms of the main
chain of amino acids. An atom belongs to the most particular channel that is asked for: beside "backbone CA", "C" is
what remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.errors import HologramError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein

ELEMENTS = {"C": (6,), "N": (7,), "O": (8,), "S": (16,), "H": (1, 119)}
HEAVY = ("C", "N", "O", "S")
BACKBONE = {"backbone N": b"N", "backbone CA": b"CA", "backbone C": b"C", "backbone O": b"O"}


def channel_of_atoms(protein: Protein, channels: Sequence[str]) -> NDArray[np.int64]:
    """``[A]``: the number of each atom's channel, -1 for none.

    Raises:
        HologramError: an unknown channel, or one that the file cannot give; the message says how to get it.
    """
    check(channels)
    own = np.full(len(protein), -1)
    for place, channel in enumerate(channels):
        if channel in ELEMENTS:
            own[np.isin(protein.elements, ELEMENTS[channel])] = place
    main = (protein.classes >= 0)[protein.residue]
    for place, channel in enumerate(channels):
        if channel in BACKBONE:
            own[main & (protein.atom_names == BACKBONE[channel])] = place
    if "H" in channels and not (own == list(channels).index("H")).any():
        raise HologramError(
            f"Channel H: {protein.name or 'the file'} has no hydrogen atoms, as crystal structures rarely have. "
            "Add them first (hydride, PDBFixer, or reduce), or leave the channel out."
        )
    return own


def atom_weights(protein: Protein, channels: Sequence[str]) -> NDArray[np.float64]:
    """The same as weights ``[A, C]`` of ones and zeros, for `project_offsets`."""
    return (channel_of_atoms(protein, channels)[:, None] == np.arange(len(channels))).astype(np.float64)


def check(channels: Sequence[str]) -> None:
    """Refuse unknown channels, and one that is named twice."""
    known = [*ELEMENTS, *BACKBONE]
    if not channels or not set(channels) <= set(known) or len(set(channels)) < len(channels):
        raise HologramError(f"Expected different channels of {', '.join(known)}, got {', '.join(channels) or 'none'}.")

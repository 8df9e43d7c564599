"""Channels: what is projected of each atom, with weight one.

C, N, O, S and H are elements. "backbone N", "backbone CA", "backbone C" and "backbone O" are the atoms of the main
chain of amino acids. An atom belongs to the most particular channel that is asked for: beside "backbone CA", "C" is
what remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.errors import HologramError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein

ELEMENTS = {"C": (6,), "N": (7,), "O": (8,), "S": (16,), "H": (1, 119)}
HEAVY = ("C", "N", "O", "S")
BACKBONE = {"backbone N": b"N", "backbone CA": b"CA", "backbone C": b"C", "backbone O": b"O"}


@dataclass(frozen=True, eq=False)
class AtomWeights:
    """How much each atom counts in each channel.

    Attributes:
        own: ``[A]``, the number of the channel of an atom's element, -1 for none.
        dense: ``[A, D]``, weights in channels that all atoms have, which come last; none so far.
    """

    own: NDArray[np.int64]
    dense: NDArray[np.float64]

    @classmethod
    def of(cls, protein: Protein, channels: Sequence[str]) -> AtomWeights:
        """Of a protein's atoms.

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
        return cls(own, np.zeros((len(protein), 0)))

    def matrix(self, count: int) -> NDArray[np.float64]:
        """``[A, C]``: the weights of each atom in ``count`` channels."""
        elements = count - self.dense.shape[1]
        return np.concatenate([(self.own[:, None] == np.arange(elements)).astype(np.float64), self.dense], axis=1)


def check(channels: Sequence[str]) -> None:
    """Refuse unknown channels, and one that is named twice."""
    known = [*ELEMENTS, *BACKBONE]
    if not channels or not set(channels) <= set(known) or len(set(channels)) < len(channels):
        raise HologramError(f"Expected different channels of {', '.join(known)}, got {', '.join(channels) or 'none'}.")

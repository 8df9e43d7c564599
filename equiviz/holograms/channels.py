"""Channels: what is projected of each atom.

Elements and kinds of atoms own their atoms, with weight one. C, N, O, S and H are elements. "backbone N", "backbone
CA", "backbone C" and "backbone O" are the atoms of the main chain of amino acids; "aromatic C" are the rings of Phe,
Tyr, Trp and His, "positive N" the amino group of Lys and the guanidino group of Arg, "negative O" the carboxyl groups
of Asp and Glu. An atom belongs to the most particular channel that is asked for: beside "backbone CA", "C" is what
remains.

"SASA" (Å²) and "charge" (elementary charges) weigh all atoms, whatever channel owns them. They are calculated, and
hydrogens are added where a file has none, when one of these channels is asked for: `with_channels`. That takes the
libraries of ``pip install 'equiviz[protein]'``; how it is done is told in `hydrogens.py`, `surface.py`, `charges.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.charges import partial_charges, united
from equiviz.holograms.errors import HologramError
from equiviz.holograms.hydrogens import with_hydrogens
from equiviz.holograms.surface import surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein

ELEMENTS = {"C": (6,), "N": (7,), "O": (8,), "S": (16,), "H": (1, 119)}
HEAVY = ("C", "N", "O", "S")
BACKBONE = {"backbone N": b"N", "backbone CA": b"CA", "backbone C": b"C", "backbone O": b"O"}
CHEMICAL = {
    "aromatic C": (
        *(f"{ring} {atom}" for ring in ("PHE", "TYR") for atom in ("CG", "CD1", "CD2", "CE1", "CE2", "CZ")),
        *(f"TRP {atom}" for atom in ("CG", "CD1", "CD2", "CE2", "CE3", "CZ2", "CZ3", "CH2")),
        *(f"HIS {atom}" for atom in ("CG", "CD2", "CE1")),
    ),
    "positive N": ("LYS NZ", "ARG NE", "ARG NH1", "ARG NH2"),
    "negative O": ("ASP OD1", "ASP OD2", "GLU OE1", "GLU OE2"),
}
"""By channel, the residues and atoms."""
KINDS = (*HEAVY, *BACKBONE, *CHEMICAL)
"""All that heavy atoms give without a calculation."""
DENSE = ("SASA", "charge")
"""Channels that weigh all atoms."""
PUBLISHED = (*HEAVY, "H", *DENSE)
"""Those of H-CNN, in the order of its rows."""
_HOW = (
    "Give `project` the file or the `Protein`, or neighbourhoods of `with_channels(protein, channels)`, for H with "
    "`hydrogens=True`."
)


def with_channels(protein: Protein, channels: Sequence[str]) -> Protein:
    """The protein with what these channels need: hydrogens (H), and weights of atoms (SASA, charge).

    Weights that it brings along are kept, so that charges of another program can take the place of ours. Without
    channel H the charges of hydrogens are moved onto their heavy atoms.

    Raises:
        HologramError: an unknown channel, or coordinates of which it cannot be calculated.
        MissingLibrary: biotite and hydride (H, charge) or freesasa (SASA) are not installed.
    """
    check(channels)
    if "H" in channels:
        protein = with_hydrogens(protein)
    weights = dict(protein.weights)
    if "SASA" in channels and "SASA" not in weights:
        weights["SASA"] = surface(protein)
    if "charge" in channels:
        charges = weights["charge"] if "charge" in weights else partial_charges(protein)
        weights["charge"] = charges if "H" in channels else united(protein, charges)
    return replace(protein, weights=weights) if weights else protein


def channel_of_atoms(protein: Protein, channels: Sequence[str]) -> NDArray[np.int64]:
    """``[A]``: the number of the channel that owns each atom, -1 for none.

    Raises:
        HologramError: an unknown channel, or one that the file cannot give; the message says how to get it.
    """
    check(channels)
    table = np.full(256, -1)
    for place, channel in enumerate(channels):
        table[list(ELEMENTS.get(channel, ()))] = place
    own = table[protein.elements]
    main = (protein.classes >= 0)[protein.residue]
    for place, channel in enumerate(channels):
        if channel in BACKBONE:
            own[main & (protein.atom_names == BACKBONE[channel])] = place
        elif channel in CHEMICAL:
            for word in CHEMICAL[channel]:
                residue, atom = word.encode().split()
                own[(protein.residue_names == residue)[protein.residue] & (protein.atom_names == atom)] = place
    if "H" in channels and not (own == list(channels).index("H")).any():
        raise HologramError(
            f"Channel H: {protein.name or 'the protein'} has no hydrogen atoms. {_HOW} Where that adds none, "
            "hydride knows no residue of it: take another program, or leave the channel out."
        )
    return own


def dense_weights(protein: Protein, channels: Sequence[str]) -> dict[int, NDArray[np.float64]]:
    """The weights ``[A]`` of those channels that weigh all atoms, by number of channel.

    Raises:
        HologramError: weights that have not been calculated; the message says how to get them.
    """
    check(channels)
    missing = [channel for channel in channels if channel in DENSE and channel not in protein.weights]
    if missing:
        name = protein.name or "the protein"
        raise HologramError(f"Channel {missing[0]}: {name} has no such weights. {_HOW} Or leave the channel out.")
    return {place: protein.weights[channel] for place, channel in enumerate(channels) if channel in DENSE}


def atom_weights(protein: Protein, channels: Sequence[str]) -> NDArray[np.float64]:
    """All of it as weights ``[A, C]``, for `project_offsets`: ones and zeros, and in dense channels what they weigh."""
    weights = (channel_of_atoms(protein, channels)[:, None] == np.arange(len(channels))).astype(np.float64)
    for place, dense in dense_weights(protein, channels).items():
        weights[:, place] = dense
    return weights


def check(channels: Sequence[str]) -> None:
    """Refuse unknown channels, and one that is named twice."""
    known = [*ELEMENTS, *BACKBONE, *CHEMICAL, *DENSE]
    unknown = [channel for channel in channels if channel not in known]
    if unknown:
        like = [name for name in known if name.lower() == unknown[0].lower()]
        hint = f" Did you mean {like[0]!r}?" if like else ""
        raise HologramError(f"There is no channel {unknown[0]!r}.{hint} There are {', '.join(known)}.")
    if not channels or len(set(channels)) < len(channels):
        raise HologramError(f"Expected channels, each once, got {', '.join(channels) or 'none'}.")

"""Where a side chain would be, told by the bonded neighbours alone: another centre for a neighbourhood than the CA.

A hologram resolves directions best near its centre. What decides about a residue lies around its side chain, so that
the same number of degrees says more when it is centred there: 2.5 Å from the CA towards CB, which is about where the
middle of an average side chain is. (One network of 172 k parameters recovers 42.2 % of the validation residues instead
of 39.9 %: `python -m benchmarks.hcnn variants`.)

The residue itself is missing, and must not be looked at. But the peptide planes of its bonded neighbours fix its
backbone: with all places relative to its CA,

    N  = 0.80145 CA(i-1) - 0.69191 C(i-1)
    C  = 1.17060 CA(i+1) - 1.26069 N(i+1)
    CB = -0.57403 N - 0.53349 C + 0.58109 N x C        (lengths in Å)

Coefficients by least squares on 7,299 residues (`python -m benchmarks.side_chain_centre`); median errors 0.05, 0.08 and
0.14 Å (99 %: 0.62 Å of the last). The vector product makes it a map that knows left from right: equivariant under
rotations, not under mirrors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein

DISTANCE = 2.5
"""From the CA, in Å."""
BONDED = {"C": 2.9, "N": 2.9, "CA": 4.4}
"""Å: the farthest that such an atom of a bonded neighbour is from the CA."""


def side_chain_centres(protein: Protein, residues: NDArray[np.int64]) -> NDArray[np.float64]:
    """``[S, 3]`` in Å, of residues that have a CA; the CA itself at the ends of chains and beside gaps."""
    alphas = protein.positions[protein.alphas[residues]]
    places = bonded(protein, residues, alphas)
    n = -0.69190565 * places[1] + 0.80144715 * places[0]
    c = -1.2606941 * places[2] + 1.17059746 * places[3]
    beta = -0.57402828 * n - 0.53348933 * c + 0.58109159 * np.cross(n, c)
    length = np.linalg.norm(beta, axis=1, keepdims=True)
    known = np.isfinite(length) & (length > 0.5)  # shorter ones point nowhere
    return alphas + DISTANCE * np.where(known, beta / np.where(known, length, 1), 0)


def bonded(protein: Protein, residues: NDArray[np.int64], alphas: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[4, S, 3]``: CA and C of the residue before, N and CA of the one after, from the CA; NaN where absent."""
    asked = ((-1, "CA"), (-1, "C"), (1, "N"), (1, "CA"))
    return np.stack([_bonded(protein, residues, alphas, step, name) for step, name in asked])


def _bonded(
    protein: Protein, residues: NDArray[np.int64], alphas: NDArray[np.float64], step: int, name: str
) -> NDArray[np.float64]:
    """``[S, 3]``: an atom of the residue before or after, relative to the CA; NaN where it is not near enough."""
    near = residues + step
    inside = (near >= 0) & (near < len(protein.numbers))
    atoms = np.where(inside, protein.first_atoms(name)[np.where(inside, near, 0)], -1)
    offsets = protein.positions[np.maximum(atoms, 0)] - alphas
    bonded = (atoms >= 0) & (np.linalg.norm(offsets, axis=1) < BONDED[name])
    return np.where(bonded[:, None], offsets, np.nan)

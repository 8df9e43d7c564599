"""Partial charges by PEOE (J. Gasteiger, M. Marsili, Tetrahedron 36 (1980) 3219), as biotite calculates them.

Charge flows along bonds to the more electronegative atom, in six steps, each half as strong as the one before; it sums
to the formal charges, those of pH 7. What H-CNN's authors took (PyRosetta) are numbers of a force field: the channel is
alike in kind, not in number.

Charges are those of the whole protein, the residue that is to be guessed included: they flow across its peptide bonds,
and those of its neighbours' backbones tell what it is.
So networks that see this channel are no measure of how well a residue is recovered, and no shipped weights use it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.bonded_atoms import bearers, bonded_atoms, libraries
from equiviz.holograms.hydrogens import hydrogenated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein


def partial_charges(protein: Protein) -> NDArray[np.float64]:
    """``[A]``, in elementary charges; zero where PEOE has no numbers for an element, and for its missing share.

    Hydrogens are needed: where the protein has none they are added for the calculation, and what they carry counts for
    their heavy atom.

    Raises:
        MissingLibrary: biotite or hydride is not installed.
        HologramError: as `with_hydrogens`.
    """
    whole, origin = hydrogenated(protein)
    structure, _ = libraries()
    atoms = bonded_atoms(whole)
    with warnings.catch_warnings():
        # It warns of elements that it has no numbers for, such as metals; they come out as NaN.
        warnings.filterwarnings("ignore", "Parameters ", UserWarning)
        found = np.nan_to_num(structure.partial_charges(atoms).astype(np.float64), posinf=0, neginf=0)
    return np.bincount(origin, found, minlength=len(protein)).astype(np.float64)


def united(protein: Protein, charges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Charges ``[A]`` with those of the hydrogens moved onto their heavy atoms, for holograms without hydrogens."""
    return np.bincount(bearers(protein), charges, minlength=len(protein)).astype(np.float64)

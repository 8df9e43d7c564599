"""SASA: how much of each atom a water molecule can touch, by freesasa (S. Mitternacht, F1000Research 5 (2016) 189)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.holograms.bonded_atoms import EXTRA, is_hydrogen
from equiviz.holograms.errors import HologramError
from equiviz.holograms.protein import Protein, text
from equiviz.symmetry.errors import MissingLibrary

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = 1.4
"""Radius of a water molecule, in Å."""
LARGEST_VOLUME = 4e9
"""Å³: cells of 7 Å in it take about 1 GB. The largest capsids fill a tenth."""
UNKNOWN_RADIUS = 1.8
"""Å, of elements without a van der Waals radius in the tables."""


def surface(protein: Protein) -> NDArray[np.float64]:
    """``[A]``: the solvent-accessible surface of each atom in Å² (Lee and Richards; probe 1.4 Å).

    Of all heavy atoms of the protein, ligands included; hydrogens have none and hide nothing. Radii of amino acids and
    nucleic acids are those of ProtOr, in which hydrogens are contained; other atoms have the radius of their element.

    As in H-CNN the central residue of a neighbourhood is in its place while this is calculated: it covers its
    neighbours, which therefore tell of the residue that is to be guessed. No shipped weights read this channel.

    Raises:
        MissingLibrary: freesasa is not installed.
        HologramError: atoms that lie too far apart.
    """
    try:
        import freesasa
    except ImportError as reason:
        raise MissingLibrary("freesasa", EXTRA) from reason
    heavy = np.flatnonzero(~is_hydrogen(protein))
    found = np.zeros(len(protein))
    if len(heavy):
        _check_volume(protein.positions[heavy], protein.name)
        radii = _radii(protein, freesasa.Classifier())[heavy]
        parameters = freesasa.Parameters({"probe-radius": PROBE})
        result: Any = freesasa.calcCoord(protein.positions[heavy].ravel(), radii, parameters)
        found[heavy] = [result.atomArea(k) for k in range(len(heavy))]
    return found


def _check_volume(points: NDArray[np.float64], name: str) -> None:
    """Refuse what freesasa's grid of cells has no memory for: it would end the process."""
    volume = float(np.prod(np.maximum(np.ptp(np.clip(points, -1e9, 1e9), axis=0), 10.0)))
    if volume > LARGEST_VOLUME:
        raise HologramError(
            f"Channel SASA: the atoms of {name or 'the protein'} lie in a box of {volume:.1e} Å³, expected at most "
            f"{LARGEST_VOLUME:.0e}. Check the coordinates, or leave the channel out."
        )


def _radii(protein: Protein, classifier: Any) -> NDArray[np.float64]:
    """``[A]`` in Å; each kind of atom is looked up once."""
    from ase.data import vdw_radii

    kinds = np.stack([protein.residue_names[protein.residue], protein.atom_names], axis=1)
    names, kind = np.unique(kinds, axis=0, return_inverse=True)
    known = np.array([classifier.radius(text(residue), text(atom)) for residue, atom in names])[kind.reshape(-1)]
    numbers = np.minimum(protein.elements, len(vdw_radii) - 1)
    return np.where(known > 0, known, np.nan_to_num(vdw_radii[numbers], nan=UNKNOWN_RADIUS))

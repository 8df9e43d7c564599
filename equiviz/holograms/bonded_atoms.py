"""A protein with its bonds and formal charges, as biotite holds it: what hydride and PEOE calculate from.

Files hardly ever tell bonds. Within a residue they are those of the Chemical Component Dictionary; residues are bonded
where atoms are near enough (peptides, disulfides, sugars on asparagines), so that a gap in a chain stays one; and a
hydrogen is bonded to the nearest heavy atom. A residue that the dictionary does not know has no bonds. Formal charges
are those of amino acids at pH 7, and zero elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.holograms.errors import HologramError
from equiviz.holograms.protein import HYDROGENS, Protein
from equiviz.symmetry.errors import MissingLibrary

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTRA = "protein"
"""What is to be installed: ``pip install 'equiviz[protein]'``."""
PH = 7.0
BOND, SULPHUR_BOND, HYDROGEN_BOND = 1.9, 2.3, 1.5
"""Å: atoms of two residues that are nearer than this are bonded; two sulphurs; a hydrogen and its heavy atom. The
longest bonds are C-S 1.82, S-S 2.05 and S-H 1.34; contacts without a bond begin at 2.4, and metals are left out."""
LARGEST = 1e5
"""Å: float32 is off by .004 Å there."""
LINKING = (6, 7, 8, 15, 16, 34)
SULPHUR = 16


def bonded_atoms(protein: Protein) -> Any:
    """An `AtomArray` of biotite, atoms in the order of the protein, with bonds and formal charges.

    Raises:
        MissingLibrary: biotite or hydride is not installed.
        HologramError: coordinates that are too large to tell a bond.
    """
    structure, hydride = libraries()
    if len(protein) and np.abs(protein.positions).max() > LARGEST:
        raise HologramError(
            f"{protein.name or 'The protein'} has coordinates beyond {LARGEST:.0e} Å, where hydrogens cannot be placed "
            "(in float32). Check the file."
        )
    atoms = structure.AtomArray(len(protein))
    atoms.coord = protein.positions.astype(np.float32)
    atoms.chain_id = np.char.decode(protein.chains, "latin-1")[protein.residue]
    atoms.res_id = protein.residue + 1  # theirs may repeat; ours may not
    atoms.res_name = np.char.decode(protein.residue_names, "latin-1")[protein.residue]
    atoms.atom_name = np.char.decode(protein.atom_names, "latin-1")
    atoms.element = _symbols()[protein.elements]
    atoms.bonds = structure.BondList(len(protein), _bonds(structure, atoms, protein))
    atoms.set_annotation("charge", hydride.estimate_amino_acid_charges(atoms, PH))
    return atoms


def libraries() -> tuple[Any, Any]:
    """``biotite.structure`` and ``hydride``.

    Raises:
        MissingLibrary: one of them is not installed.
    """
    try:
        import biotite.structure as structure
        import hydride
    except ImportError as reason:
        raise MissingLibrary("biotite and hydride", EXTRA) from reason
    return structure, hydride


def is_hydrogen(protein: Protein) -> NDArray[np.bool_]:
    """``[A]``: hydrogen or deuterium."""
    return np.isin(protein.elements, HYDROGENS)


def bearers(protein: Protein) -> NDArray[np.int64]:
    """``[A]``: the heavy atom that each hydrogen sits on; other atoms, and hydrogens far from any, have themselves."""
    from scipy.spatial import KDTree

    found = np.arange(len(protein))
    own = is_hydrogen(protein)
    heavy, light = np.flatnonzero(~own), np.flatnonzero(own)
    if len(heavy) and len(light):
        found_near: Any = KDTree(protein.positions[heavy]).query(protein.positions[light])
        away, nearest = found_near
        near = away < HYDROGEN_BOND
        found[light[near]] = heavy[nearest[near]]
    return found


def _bonds(structure: Any, atoms: Any, protein: Protein) -> NDArray[np.int64]:
    """``[B, 3]``: two atoms, and the kind of their bond as biotite numbers it."""
    own = is_hydrogen(protein)
    within = structure.connect_via_residue_names(atoms, inter_residue=False).as_array().astype(np.int64)
    within = within[~own[within[:, :2]].any(axis=1)]
    bearer = bearers(protein)
    light = np.flatnonzero(bearer != np.arange(len(bearer)))
    more = np.concatenate([_links(protein), np.stack([light, bearer[light]], axis=1)])
    return np.concatenate([within, np.insert(more, 2, int(structure.BondType.SINGLE), axis=1)])


def _links(protein: Protein) -> NDArray[np.int64]:
    """``[B, 2]``: bonds between residues."""
    from scipy.spatial import KDTree

    able = np.flatnonzero(np.isin(protein.elements, LINKING))
    if not len(able):
        return np.zeros((0, 2), np.int64)
    pairs = able[KDTree(protein.positions[able]).query_pairs(SULPHUR_BOND, output_type="ndarray")]
    away = np.linalg.norm(np.diff(protein.positions[pairs], axis=1)[:, 0], axis=1)
    both = (protein.elements[pairs] == SULPHUR).all(axis=1)
    other = protein.residue[pairs[:, 0]] != protein.residue[pairs[:, 1]]
    return pairs[other & (both | (away < BOND))]


def _symbols() -> NDArray[np.str_]:
    """By atomic number, as biotite writes elements."""
    from ase.data import chemical_symbols

    return np.array([*(symbol.upper() for symbol in chemical_symbols), "H"])

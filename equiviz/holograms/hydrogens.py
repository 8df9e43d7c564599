"""Hydrogens where a file has none, as crystal structures rarely have: added by hydride (P. Kunzmann, J. M. Anter,
K. Hamacher, "Adding hydrogen atoms to molecular models via fragment superimposition", Algorithms Mol. Biol. 17 (2022)).

Each heavy atom with its bonds is laid over the same fragment of a library of molecules, which brings its hydrogens
along. Lengths and angles are right; hydroxyl and methyl groups are not turned to where they would be best. Protonation
is that of pH 7: histidine carries one hydrogen, on NE2.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equiviz.holograms.bonded_atoms import bonded_atoms, is_hydrogen, libraries
from equiviz.holograms.errors import HologramError
from equiviz.holograms.protein import Protein, text

MOST_NAMES = 20
"""Names that are tried for a hydrogen, until one is not taken in its residue."""


def with_hydrogens(protein: Protein) -> Protein:
    """The protein with hydrogens: its own where it has some, added ones in residues that have none.

    New atoms belong to the residue of their heavy atom and follow its other atoms. Atoms that hydride cannot serve
    (residues that the Chemical Component Dictionary does not know, metals, lone atoms) get none. The same protein gives
    the same hydrogens. Takes about a second for 6,000 atoms.

    Raises:
        MissingLibrary: a residue has none, and biotite or hydride is not installed.
        HologramError: coordinates on which hydride fails.
    """
    return hydrogenated(protein)[0]


def hydrogenated(protein: Protein) -> tuple[Protein, NDArray[np.int64]]:
    """The same, and for each of its atoms the one of the given protein that it is, or that it was added to."""
    lacking = _lacking(protein)
    if not lacking.any():
        return protein, np.arange(len(protein))
    atoms = bonded_atoms(protein)
    bonded = np.zeros(len(protein), dtype=bool)
    bonded[atoms.bonds.as_array()[:, :2].astype(np.int64)] = True
    able = lacking[protein.residue] & bonded & ~is_hydrogen(protein) & ~_carbonyl(protein)
    places = _places(atoms, able, protein.name)
    bearer = np.repeat(np.arange(len(protein)), [len(one) for one in places])
    return _inserted(protein, bearer, np.concatenate(places), _names(protein, bearer.tolist()))


def _lacking(protein: Protein) -> NDArray[np.bool_]:
    """``[R]``: the residues that get hydrogens. None at all where every amino acid has its own."""
    count = len(protein.numbers)
    has = np.bincount(protein.residue[is_hydrogen(protein)], minlength=count) > 0
    empty = np.bincount(protein.residue, minlength=count) == 0
    lacking = ~has & ~empty
    return lacking if not has.any() or lacking[protein.classes >= 0].any() else np.zeros(count, dtype=bool)


def _carbonyl(protein: Protein) -> NDArray[np.bool_]:
    """``[A]``: C of the main chain. It has no hydrogen, but looks as if it had where the next residue is missing."""
    return (protein.atom_names == b"C") & (protein.alphas >= 0)[protein.residue]


def _places(atoms: Any, mask: NDArray[np.bool_], name: str) -> list[NDArray[np.float32]]:
    """For each atom the places of its new hydrogens, ``[k, 3]`` in Å."""
    _, hydride = libraries()
    with warnings.catch_warnings():
        # It warns of each atom that it can add nothing to.
        warnings.filterwarnings("ignore", "Missing fragment|Atom '", UserWarning)
        try:
            found = hydride.FragmentLibrary.standard_library().calculate_hydrogen_coord(atoms, mask)
        except (ValueError, FloatingPointError, np.linalg.LinAlgError) as reason:
            raise HologramError(
                f"{name or 'the protein'}: hydride could not add hydrogens ({reason}). Check the coordinates, or add "
                "hydrogens with another program."
            ) from reason
    return [one[np.isfinite(one).all(axis=1)] for one in found]


def _names(protein: Protein, bearer: list[int]) -> list[bytes]:
    """Names of the new hydrogens, as the Chemical Component Dictionary has them, else made from the heavy atom's."""
    _, hydride = libraries()
    library = hydride.AtomNameLibrary.standard_library()
    used: set[tuple[int, str]] = set()
    found: list[bytes] = []
    for atom in bearer:
        residue = int(protein.residue[atom])
        heavy, name = text(protein.residue_names[residue]), text(protein.atom_names[atom])
        made = library.generate_hydrogen_names(heavy, name) if name.isascii() and name else repeat("H")
        word = next((one for one in islice(made, MOST_NAMES) if (residue, one) not in used), "H")
        used.add((residue, word))
        found.append(word.encode("latin-1"))
    return found


def _inserted(
    protein: Protein, bearer: NDArray[np.int64], places: NDArray[np.float32], names: list[bytes]
) -> tuple[Protein, NDArray[np.int64]]:
    """With new atoms behind the others of their residue; and which atom each one stems from."""
    origin = np.concatenate([np.arange(len(protein)), bearer])
    order = np.argsort(protein.residue[origin], kind="stable")
    light = np.ones(len(bearer), dtype=protein.elements.dtype)
    zeros = np.zeros(len(bearer))
    made = replace(
        protein,
        positions=np.concatenate([protein.positions, places])[order],
        elements=np.concatenate([protein.elements, light])[order],
        atom_names=np.concatenate([protein.atom_names, np.array(names, dtype=protein.atom_names.dtype)])[order],
        residue=protein.residue[origin][order],
        weights={name: np.concatenate([own, zeros])[order] for name, own in protein.weights.items()},
    )
    return made, origin[order]

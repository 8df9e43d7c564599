"""Protein: the atoms of one model of a PDB or mmCIF file, and the residues they belong to. Read by gemmi.

What is done with what files hold: of several models the first, of alternative conformations the first. Waters are left
out. Ligands, ions, nucleic acids and modified residues stay as atoms, and are no sites. A residue is a chain, a number
and an insertion code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from equiviz.structures.errors import StructureError
from equiviz.structures.formats.macromolecule import damaged_line, parse
from equiviz.structures.formats.source import MAX_ATOMS, MAX_BYTES, Source, read_text

if TYPE_CHECKING:
    import gemmi
    from numpy.typing import NDArray

AMINO_ACIDS = ("ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE",
               "LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL")  # fmt: skip
LETTERS = "ARNDCQEGHILKMFPSTWYV"
"""The same, in the same order: the classes 0 to 19 of every model of proteins here."""
HYDROGENS = (1, 119)  # and deuterium, as gemmi numbers it
CARBON = 6
LATIN = "latin-1"
"""Any byte is some letter, and back."""


@dataclass(frozen=True, eq=False)
class Protein:
    """Atoms and residues of one model; A atoms in the order of the file, R residues.

    Attributes:
        positions: ``[A, 3]`` in Å, float64.
        elements: ``[A]`` atomic numbers.
        atom_names: ``[A]``, such as b"CA".
        residue: ``[A]``, which residue each atom belongs to, ascending.
        residue_names: ``[R]``, such as b"MET".
        chains: ``[R]``.
        numbers: ``[R]`` as the file counts them.
        insertion_codes: ``[R]``, b"" for most.
        name: of the file, without its endings.
        weights: by channel, ``[A]``, of channels that weigh all atoms (see `channels.with_channels`).
    """

    positions: NDArray[np.float64]
    elements: NDArray[np.uint8]
    atom_names: NDArray[np.bytes_]
    residue: NDArray[np.int64]
    residue_names: NDArray[np.bytes_]
    chains: NDArray[np.bytes_]
    numbers: NDArray[np.int32]
    insertion_codes: NDArray[np.bytes_]
    name: str = ""
    weights: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, max_atoms: int = MAX_ATOMS) -> Protein:
        """Read a .pdb, .ent, .cif or .mmcif file, also with .gz.

        Raises:
            StructureError: anything wrong with the file; a file without atoms; coordinates that are not finite.
        """
        path = Path(path)
        source = Source(path, read_text(path, max_bytes), max_atoms)
        try:
            structure = parse(source)
            atoms = sum(model.count_atom_sites() for model in structure)
            structure.remove_alternative_conformations()
            structure.remove_waters()
            found = cls._of(structure, path.name.split(".")[0])
        except StructureError:
            raise
        except Exception as error:
            raise source.error(None, f"not readable: {type(error).__name__}: {str(error)[:300]}") from error
        if not len(found):
            lacks = "no atoms but water" if atoms else "no atoms at all (the file may have been cut short)"
            raise source.error(None, f"{lacks}; expected a protein")
        bad = np.flatnonzero(~np.isfinite(found.positions).all(axis=1))
        if len(bad):
            why = f"{len(bad)} atoms have coordinates that are no finite numbers; remove or repair them"
            raise source.error(damaged_line(source), why)
        return found

    @classmethod
    def _of(cls, structure: gemmi.Structure, name: str) -> Protein:
        import gemmi

        flat = gemmi.FlatStructure(structure)
        first = flat.model_num == flat.model_num[0] if len(flat.model_num) else np.zeros(0, bool)
        words = {n: _words(getattr(flat, n)[first]) for n in ("atom_names", "residue_names", "chain_ids")}
        numbers, codes = flat.resnums[first], flat.icodes[first].view("S1")
        begins = np.zeros(len(numbers), dtype=bool)
        begins[:1] = True
        for key in (words["chain_ids"].view(np.int64), numbers, codes, words["residue_names"].view(np.int64)):
            begins[1:] |= key[1:] != key[:-1]  # words of eight characters as one number: a tenth of the time
        return cls(
            positions=np.ascontiguousarray(flat.pos[first]),
            elements=flat.elements[first].copy(),
            atom_names=words["atom_names"],
            residue=np.cumsum(begins) - 1,
            residue_names=words["residue_names"][begins],
            chains=words["chain_ids"][begins],
            numbers=numbers[begins],
            insertion_codes=np.where(codes == b" ", b"", codes)[begins],
            name=name,
        )

    def __len__(self) -> int:
        """Number of atoms."""
        return len(self.positions)

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """``[R]``: the class 0 to 19 of the standard amino acids, -1 for anything else."""
        known = np.array(AMINO_ACIDS, dtype="S3")
        order = np.argsort(known)
        place = np.minimum(np.searchsorted(known[order], self.residue_names), len(known) - 1)
        return np.where(known[order][place] == self.residue_names, order[place], -1)

    @cached_property
    def alphas(self) -> NDArray[np.int64]:
        """``[R]``: the CA atom of each residue, -1 where there is none."""
        found = self.first_atoms("CA")
        return np.where(self.elements[found] == CARBON, found, -1) if len(self) else found  # "CA" is calcium, too

    def first_atoms(self, name: str) -> NDArray[np.int64]:
        """``[R]``: the first atom of this name in each residue, -1 where there is none."""
        found = np.full(len(self.numbers), -1)
        rows = np.flatnonzero(self.atom_names == name.encode())
        found[self.residue[rows][::-1]] = rows[::-1]
        return found

    @cached_property
    def sequences(self) -> dict[str, str]:
        """By chain, the letters of its standard residues."""
        found: dict[bytes, list[str]] = {}
        standard = self.classes >= 0
        for chain, kind in zip(self.chains[standard].tolist(), self.classes[standard].tolist(), strict=True):
            found.setdefault(chain, []).append(LETTERS[kind])
        return {text(chain): "".join(letters) for chain, letters in found.items()}

    def label(self, residue: int) -> str:
        """How people call a residue: "A MET 1", with its insertion code where it has one."""
        return self.labels(np.array([residue]))[0]

    def labels(self, residues: NDArray[np.int64]) -> list[str]:
        """The same of many."""
        parts = (self.chains, self.residue_names, self.numbers, self.insertion_codes)
        rows = zip(*(part[residues].tolist() for part in parts), strict=True)
        return [f"{a.decode(LATIN)} {b.decode(LATIN)} {number}{c.decode(LATIN)}".lstrip() for a, b, number, c in rows]

    def at(self, positions: NDArray[np.float64]) -> Protein:
        """With its atoms at other places ``[A, 3]``; without its surface, which changes with them."""
        from dataclasses import replace

        weights = {name: own for name, own in self.weights.items() if name != "SASA"}
        return replace(self, positions=positions, weights=weights)

    def taken(self, kept: NDArray[np.bool_]) -> Protein:
        """With these atoms only, ``[A]``; the residues stay."""
        from dataclasses import replace

        parts = {n: getattr(self, n)[kept] for n in ("positions", "elements", "atom_names", "residue")}
        return replace(self, **parts, weights={name: own[kept] for name, own in self.weights.items()})


def text(word: object) -> str:
    """A word of a file; `encode` with the same name is the way back."""
    return cast(bytes, word).decode(LATIN)


def _words(characters: NDArray[np.int8]) -> NDArray[np.bytes_]:
    """Rows of characters ``[A, 8]`` as words ``[A]``."""
    return np.ascontiguousarray(characters).view(f"S{characters.shape[1]}")[:, 0]

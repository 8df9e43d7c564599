"""What a cartoon is drawn from: a PDB text that is written here, in which no word of a file survives unread.

Viewers read the PDB format, whose columns are narrow. So chains get single letters, residues whose numbers do not grow
or fit are counted anew, and names are letters and digits or are replaced; which residue an atom belongs to travels
beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from equiviz.view.errors import ViewError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_ATOMS = 60_000
"""Of more atoms, polymers are drawn from their main chains alone."""
WIDEST = 999.0
"""Å from the middle: what fits into the columns of a PDB file, with its sign."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MOST_RESIDUES = 9_999  # of one letter
_MAIN = np.array([b"N", b"CA", b"C", b"O", b"P", b"O5'", b"C5'", b"C4'", b"C3'", b"O3'"])


class Macromolecule(Protocol):
    """Atoms in residues, in chains; A atoms, R residues."""

    @property
    def positions(self) -> NDArray[np.float64]:
        """``[A, 3]`` in Å."""
        ...

    @property
    def elements(self) -> NDArray[np.uint8]:
        """``[A]`` atomic numbers."""
        ...

    @property
    def atom_names(self) -> NDArray[np.bytes_]:
        """``[A]``."""
        ...

    @property
    def residue(self) -> NDArray[np.int64]:
        """``[A]``, of each atom, ascending."""
        ...

    @property
    def residue_names(self) -> NDArray[np.bytes_]:
        """``[R]``."""
        ...

    @property
    def chains(self) -> NDArray[np.bytes_]:
        """``[R]``."""
        ...

    @property
    def numbers(self) -> NDArray[np.int32]:
        """``[R]``, as the file counts residues."""
        ...


@dataclass(frozen=True, eq=False)
class CartoonStructure:
    """What a viewer is handed.

    Attributes:
        text: in the PDB format; M atoms.
        atoms: ``[M]``, which atoms of the molecule they are.
        residue: ``[M]``, which residue each belongs to.
        middle: ``[3]``, where the text has its origin, in Å.
        turn: a quaternion (x, y, z, w) that lays the molecule across the picture, its longest direction horizontal.
    """

    text: str
    atoms: NDArray[np.int64]
    residue: NDArray[np.int32]
    middle: NDArray[np.float64]
    turn: tuple[float, float, float, float]

    @classmethod
    def of(cls, molecule: Macromolecule) -> CartoonStructure:
        """Write it.

        Raises:
            ViewError: no atoms, or atoms that lie farther apart than a PDB file can say.
        """
        if not len(molecule.positions):
            raise ViewError("cartoon: expected a molecule with atoms, got none.")
        polymer = _polymer(molecule)[molecule.residue]
        kept = np.flatnonzero(_drawn(molecule, polymer))
        middle = molecule.positions[kept].mean(0)
        places = molecule.positions[kept] - middle
        if np.abs(places).max() > WIDEST:
            raise ViewError(
                f"cartoon: an atom lies {np.abs(places).max():,.0f} Å from the middle; expected up to {WIDEST:,.0f} Å."
            )
        letters, numbers = _counted(molecule.chains, molecule.numbers)
        words = _words(molecule, kept)
        own = molecule.residue[kept]
        rows = zip(words, polymer[kept], letters[own], numbers[own], places.tolist(), strict=True)
        lines = [_line(k, *row) for k, row in enumerate(rows)]
        return cls("\n".join([*lines, "END", ""]), kept, own.astype(np.int32), middle, _turn(places))

    def frames(self, positions: NDArray[np.float64]) -> bytes:
        """Other positions ``[F, A, 3]`` of all atoms as float32 ``[F, M, 3]``, about the same origin."""
        return np.ascontiguousarray(positions[:, self.atoms] - self.middle, dtype=np.float32).tobytes()


def _turn(places: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The rotation onto the principal axes of points ``[M, 3]``, the longest first."""
    from scipy.spatial.transform import Rotation

    axes = np.linalg.eigh(places.T @ places)[1].T[::-1]
    axes[2] = np.cross(axes[0], axes[1])
    x, y, z, w = Rotation.from_matrix(axes).as_quat().tolist()
    return x, y, z, w


def _polymer(molecule: Macromolecule) -> NDArray[np.bool_]:
    """``[R]``: whether a residue has the main chain of a protein or a nucleic acid."""
    count = len(molecule.residue_names)

    def has(name: bytes) -> NDArray[np.bool_]:
        found = np.zeros(count, dtype=bool)
        found[molecule.residue[molecule.atom_names == name]] = True
        return found

    protein = has(b"CA") & (has(b"C") | has(b"N"))
    return protein | (has(b"C3'") & has(b"O3'"))


def _drawn(molecule: Macromolecule, polymer: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if len(molecule.positions) <= MOST_ATOMS:
        return np.ones(len(polymer), dtype=bool)
    drawn = np.isin(molecule.atom_names, _MAIN) | ~polymer
    return drawn if drawn.any() else np.ones(len(polymer), dtype=bool)


def _counted(chains: NDArray[np.bytes_], numbers: NDArray[np.int32]) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """``[R]`` each: a letter and a number of up to four characters: the residue's own where those of its chain grow."""
    begins = np.ones(len(chains), dtype=bool)
    begins[1:] = chains[1:] != chains[:-1]
    starts = np.flatnonzero(begins)
    within = np.arange(len(chains)) - starts[np.cumsum(begins) - 1]
    begins |= within % _MOST_RESIDUES == 0
    letters = np.array(list(_LETTERS))[(np.cumsum(begins) - 1) % len(_LETTERS)]
    counted = within % _MOST_RESIDUES + 1
    for rows in np.split(np.arange(len(chains)), np.flatnonzero(begins)[1:]):
        own = numbers[rows].astype(np.int64)
        if own.min() > -1_000 and own.max() <= _MOST_RESIDUES and (np.diff(own) > 0).all():
            counted[rows] = own
    return letters, counted


def _words(molecule: Macromolecule, kept: NDArray[np.int64]) -> list[tuple[str, str, str]]:
    """Element, atom name and residue name of each atom that is drawn."""
    from ase.data import chemical_symbols

    symbols = [*chemical_symbols, *["X"] * 256]
    residues = [_word(name, 3, "UNK") for name in molecule.residue_names.tolist()]
    elements, names = molecule.elements[kept].tolist(), molecule.atom_names[kept].tolist()
    owners = molecule.residue[kept].tolist()
    known: dict[bytes, str] = {name: _word(name, 4, "") for name in set(names)}
    return [
        (symbols[element], known[name] or symbols[element], residues[owner])
        for element, name, owner in zip(elements, names, owners, strict=True)
    ]


def _word(name: bytes, most: int, otherwise: str) -> str:
    text = name.decode("latin-1")
    return text if re.fullmatch(rf"[A-Z0-9'*]{{1,{most}}}", text) else otherwise


def _line(
    number: int, words: tuple[str, str, str], polymer: Any, letter: str, residue: int, place: Sequence[float]
) -> str:
    element, name, kind = words
    record = "ATOM  " if polymer else "HETATM"
    padded = name if len(name) == 4 or len(element) == 2 else f" {name}"
    x, y, z = place
    return (
        f"{record}{(number + 1) % 100_000:5d} {padded:<4s} {kind:>3s} {letter}{residue:4d}    "
        f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2s}"
    )

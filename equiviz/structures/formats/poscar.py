"""VASP's POSCAR and CONTCAR, read by ASE after the lines that cost memory have been looked at."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from equiviz.structures.elements import atomic_number
from equiviz.structures.formats.source import Source, is_number, named
from equiviz.structures.structure import Structure

if TYPE_CHECKING:
    from ase import Atoms


def frames(source: Source) -> Iterator[Callable[[], Structure]]:
    """Yield the one function of the one frame."""
    yield lambda: _parse(source)


def _parse(source: Source) -> Structure:
    from ase.io.vasp import read_vasp

    lines = source.text.splitlines()
    first, count = _where_atoms_are(source, lines)
    source.coordinates([line.split() for line in lines[first : first + count]], first + 1, slice(0, 3))
    atoms = read_vasp(io.StringIO(source.text))
    one = Structure.from_ase(atoms, source.types)
    return replace(one, length_unit=source.unit(), name=named(source, 0, _title(lines[0], atoms)))


def _title(comment: str, atoms: Atoms) -> str:
    """The comment; the formula where it is a mere list of symbols, as ASE and older VASP write it."""
    symbols = all(word.isalpha() and atomic_number(word) is not None for word in comment.split())
    return str(atoms.get_chemical_formula()) if symbols and comment.strip() else comment


def _where_atoms_are(source: Source, lines: list[str]) -> tuple[int, int]:
    """Index of the first line of coordinates, and their number; refuses what is not a POSCAR before ASE sees it."""
    if len(lines) < 8:
        raise source.error(len(lines), f"a POSCAR has at least 8 lines, got {len(lines)}")
    place = 5 if all(word.isdecimal() for word in lines[5].split("!")[0].split()) else 6
    counts = lines[place].split("!")[0].split()
    if not counts or not all(word.isdecimal() and len(word) < 12 for word in counts):
        raise source.error(place + 1, f"expected the number of atoms of each species, got {lines[place][:40]!r}")
    total = sum(map(int, counts))
    source.check_count(total, place + 1)
    for line in range(1, 5):
        if not all(is_number(word) for word in lines[line].split()[:3]) or not lines[line].split():
            raise source.error(line + 1, f"expected the scale and three lattice vectors, got {lines[line][:40]!r}")
    mode = place + 2 if lines[place + 1].strip()[:1].lower() == "s" else place + 1
    rows = [line.split() for line in lines[mode + 1 : mode + 1 + total]]
    short = next((at for at, row in enumerate(rows) if len(row) < 3), len(rows) if len(rows) < total else None)
    if short is not None:
        raise source.error(mode + 2 + short, f"expected three coordinates of atom {short} of {total}")
    return mode + 1, total

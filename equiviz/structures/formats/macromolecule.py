"""PDB and mmCIF, read by gemmi (Wojdyr, J. Open Source Softw. 7 (2022) 4200).

What is kept: one model, all its atoms (waters and ligands too), of alternative conformations the first. The cell is
kept but not its periodicity: an asymmetric unit does not repeat by lattice vectors alone, unless its group is P 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.structures.formats.source import DEFAULT_UNIT, Source, is_number, named
from equiviz.structures.structure import Structure
from equiviz.symmetry import Field

if TYPE_CHECKING:
    import gemmi

#: Columns of x, y, z in an ATOM record (PDB format 3.3).
_XYZ = (slice(30, 38), slice(38, 46), slice(46, 54))

#: Of each character that a coordinate may hold its kind: blanks, then one sign, then digits stand before the point.
_BLANK, _SIGN, _DIGIT, _OTHER = range(4)
_KINDS = np.full(256, _OTHER, dtype=np.uint8)
_KINDS[ord(" ")], _KINDS[ord("-")], _KINDS[ord("0") : ord("9") + 1] = _BLANK, _SIGN, _DIGIT
PDB_ENDINGS = (".pdb", ".ent")


def pdb_frames(source: Source) -> Iterator[Callable[[], Structure]]:
    """Yield one function per model of a PDB file."""
    yield from _models(source, _parse_pdb(source))


def mmcif_frames(source: Source) -> Iterator[Callable[[], Structure]]:
    """Yield one function per model of the first block of an mmCIF file."""
    yield from _models(source, _parse_mmcif(source))


def parse(source: Source) -> gemmi.Structure:
    """What gemmi makes of a PDB or mmCIF file, by the end of its name.

    Raises:
        StructureError: too many atoms, damaged coordinates, or neither of the two.
    """
    ending = Path(source.path.name.lower().removesuffix(".gz")).suffix
    if ending in PDB_ENDINGS:
        return _parse_pdb(source)
    if ending in (".cif", ".mmcif"):
        return _parse_mmcif(source)
    raise source.error(None, f"expected a protein as .pdb, .ent, .cif or .mmcif (or those with .gz), got {ending!r}")


def _parse_pdb(source: Source) -> gemmi.Structure:
    import gemmi

    _check_coordinates(source)
    try:
        return gemmi.read_pdb_string(source.text)
    except Exception as error:
        found = re.search(r"line (\d+)", str(error))
        raise source.error(int(found[1]) if found else None, str(error).strip()) from error


def _parse_mmcif(source: Source) -> gemmi.Structure:
    import gemmi

    try:
        blocks = gemmi.cif.read_string(source.text)
    except Exception as error:
        found = re.search(r"string:(\d+)", str(error))
        raise source.error(int(found[1]) if found else None, str(error).strip()[:300]) from error
    block = next((block for block in blocks if block.find_values("_atom_site.Cartn_x")), None)
    if block is None:
        raise source.error(None, "no atoms: the file has no _atom_site.Cartn_x")
    source.check_count(len(block.find_values("_atom_site.Cartn_x")))
    return gemmi.make_structure_from_block(block)


def damaged_line(source: Source) -> int | None:
    """The line of an mmCIF file's first atom whose coordinates are no finite numbers; None where none can be named.

    For messages: it looks at each word, and takes it that each atom stands on a line of its own.
    """
    import gemmi

    if source.path.name.lower().removesuffix(".gz").endswith(PDB_ENDINGS):
        return None
    columns = [f"_atom_site.Cartn_{axis}" for axis in "xyz"]
    table = next((found for block in gemmi.cif.read_string(source.text) if len(found := block.find(columns))), [])
    lines = [n for n, line in enumerate(source.text.splitlines(), 1) if line.startswith(("ATOM", "HETATM"))]
    rows = (k for k, row in enumerate(table) if not all(is_number(word) and math.isfinite(float(word)) for word in row))
    first = next(rows, None)
    return None if first is None or len(lines) != len(table) else lines[first]


def _check_coordinates(source: Source) -> None:
    """Refuse too many atoms, and words or NaN in the columns of coordinates (gemmi reads words as 0)."""
    if _is_sound(source.text, source.max_atoms):
        return  # nearly all files: a fiftieth of the time that looking at each line takes
    count = 0
    for number, line in enumerate(source.text.splitlines(), start=1):
        if not line[:6].upper().startswith(("ATOM", "HETATM")):  # gemmi reads either case
            count = 0 if line.startswith("MODEL") else count
            continue
        count += 1
        for part in _XYZ:
            if not is_number(line[part]) or not math.isfinite(float(line[part])):
                cut = "; the file ends here: was it cut off?" if number == len(source.text.splitlines()) else ""
                raise source.error(number, f"expected a finite coordinate in columns 31-54, got {line[part]!r}{cut}")
    source.check_count(count)


def _is_sound(text: str, max_atoms: int) -> bool:
    """Tell whether all atoms of all models are at most so many, with coordinates written as %8.3f."""
    if not text.isascii():
        return False  # columns count letters, not bytes
    data = np.frombuffer(text.encode() + b"\n" * _XYZ[-1].stop, dtype=np.uint8)
    starts = np.append(0, np.flatnonzero(data[: len(text)] == ord("\n")) + 1)  # of lines; the last one may be empty
    heads = np.lib.stride_tricks.sliding_window_view(data, 6)[starts] & 0xDF  # [lines, 6], small letters as capitals
    heads = np.ascontiguousarray(heads).view("S6")[:, 0]
    records = np.flatnonzero((heads.astype("S4") == b"ATOM") | (heads == b"HETATM"))
    lengths = np.diff(np.append(starts, len(data)))[records]
    if len(records) > max_atoms or (lengths <= _XYZ[-1].stop).any():
        return False
    first, last = _XYZ[0].start, _XYZ[-1].stop
    numbers = np.lib.stride_tricks.sliding_window_view(data, last - first)[starts[records] + first].reshape(-1, 8)
    kinds = _KINDS[numbers]  # [3 atoms, 8]
    before, after = kinds[:, :3], kinds[:, 1:4]
    ordered = (before < after) | ((before == after) & (before != _SIGN))
    digits = kinds[:, [3, 5, 6, 7]] == _DIGIT
    return bool(ordered.all() and digits.all() and (numbers[:, 4] == ord(".")).all())


def _models(source: Source, structure: gemmi.Structure) -> Iterator[Callable[[], Structure]]:
    structure.remove_alternative_conformations()
    cell = None
    if structure.cell.is_crystal():
        cell = torch.tensor(structure.cell.orth.mat.tolist(), dtype=torch.float64).T.contiguous()
    for place, model in enumerate(structure):
        yield lambda model=model, place=place: _parse(source, model, cell, place)


def _parse(source: Source, model: gemmi.Model, cell: torch.Tensor | None, place: int) -> Structure:
    atoms = [cra.atom for cra in model.all()]
    numbers = [(*atom.pos.tolist(), atom.b_iso, atom.occ) for atom in atoms]
    table = torch.tensor(numbers, dtype=torch.float64).reshape(-1, 5)  # [N, 5]
    return Structure(
        positions=table[:, :3].contiguous(),
        species=torch.tensor([atom.element.atomic_number for atom in atoms], dtype=torch.long),
        cell=cell,
        node={
            "b_factor": Field(table[:, 3:4].contiguous(), "0e", "node"),
            "occupancy": Field(table[:, 4:5].contiguous(), "0e", "node"),
        },
        length_unit=source.unit(DEFAULT_UNIT),
        name=named(source, place),
    )

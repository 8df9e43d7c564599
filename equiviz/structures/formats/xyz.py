"""XYZ and extended XYZ (https://github.com/libAtoms/extxyz): frames are found without parsing, parsed when asked for.

ASE reads the comment line; the table of atoms is read here, because an error must name its line and labels such as "A"
and "B" of model liquids are no elements.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import torch

from equiviz.structures.attributes import typed_fields
from equiviz.structures.errors import StructureError
from equiviz.structures.formats.source import Source, named, types_of
from equiviz.structures.interchange.ase_atoms import INFO_KEY
from equiviz.structures.structure import Structure

if TYPE_CHECKING:
    import numpy as np

#: A longer comment line is no comment.
MAX_COMMENT = 100_000

#: Names of columns that hold the species and the positions.
_SPECIES = ("species", "element", "elements", "symbol", "symbols", "type", "z", "numbers", "atomic_numbers")
_POSITIONS = ("pos", "positions", "position")

Columns = dict[str, tuple[str, slice]]  # name -> (type S R I L, columns)


def frames(source: Source) -> Iterator[Callable[[], Structure]]:
    """Yield one function per frame."""
    stream = io.StringIO(source.text)
    line, place = 1, 0
    while header := stream.readline():
        if not header.strip():
            _refuse_after_blank(source, stream, line)
            return
        count = _count(source, header, line)
        lines = list(islice(stream, count + 1))
        if len(lines) < count + 1:
            why = f"the frame announces {count} atoms but the file ends after {max(len(lines) - 1, 0)}"
            raise source.error(line, why)
        yield _later(source, lines, line, place)
        line, place = line + count + 2, place + 1


def _later(source: Source, lines: list[str], line: int, place: int) -> Callable[[], Structure]:
    return lambda: _parse(source, lines, line, place)


def _refuse_after_blank(source: Source, stream: io.StringIO, line: int) -> None:
    for offset, text in enumerate(stream):
        if text.strip():
            raise source.error(line + 1 + offset, f"expected the end of the file after a blank line, got {text[:40]!r}")


def _count(source: Source, header: str, line: int) -> int:
    words = header.split()
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 15:
        raise source.error(line, f"expected the number of atoms of the next frame, got {header.strip()[:40]!r}")
    source.check_count(int(words[0]), line)
    return int(words[0])


def _parse(source: Source, lines: list[str], line: int, place: int) -> Structure:
    info = _comment(source, lines[0], line + 1)
    columns = _columns(source, info, line + 1)
    rows = [text.split() for text in lines[1:]]
    _check_widths(source, rows, columns, line + 2, exact="Properties" in info)
    positions = source.coordinates(rows, line + 2, _column(columns, _POSITIONS)[1])
    memory = info.get(INFO_KEY)
    memory = memory if isinstance(memory, Mapping) else {}
    names = source.species_names or _remembered_names(memory)
    place_of = _column(columns, _SPECIES)[1].start
    species = [source.species(row[place_of], line + 2 + atom) for atom, row in enumerate(rows)]
    cell = _cell(source, info, line + 1)
    node = _node_arrays(source, rows, columns, line + 2)
    return Structure(
        positions=torch.from_numpy(positions.reshape(len(rows), 3)),
        species=torch.tensor(species, dtype=torch.long),
        cell=cell,
        pbc=_periods(source, info, cell, line + 1),
        node=typed_fields("node", node, len(rows), _asked(source, memory, "node", node)),
        graph=typed_fields("graph", info, len(rows), _asked(source, memory, "graph", info)),
        length_unit=source.unit(_remembered_unit(memory)),
        species_names=names or None,
        name=str(memory.get("name") or info.get("name") or named(source, place)),
    )


def _comment(source: Source, text: str, line: int) -> dict[str, object]:
    """Key-value pairs of a comment line; a plain remark has none."""
    from ase.io.extxyz import key_val_str_to_dict

    if len(text) > MAX_COMMENT:
        raise source.error(line, f"a comment line of {len(text)} characters; expected at most {MAX_COMMENT}")
    try:
        return key_val_str_to_dict(text)
    except Exception as error:
        if "Properties=" in text or "Lattice=" in text:
            raise source.error(line, f"the comment line is not extended XYZ: {error}") from error
        return {}


def _columns(source: Source, info: Mapping[str, object], line: int) -> Columns:
    if "Properties" not in info:
        return {"species": ("S", slice(0, 1)), "pos": ("R", slice(1, 4))}
    words = str(info["Properties"]).split(":")
    columns: Columns = {}
    start = 0
    for name, letter, width in zip(words[::3], words[1::3], words[2::3], strict=False):
        if letter not in tuple("SRIL") or not width.isdecimal() or not 1 <= len(width) <= 4:
            raise source.error(line, f"Properties: expected name:S|R|I|L:width, got {name}:{letter}:{width}"[:200])
        columns[name] = (letter, slice(start, start + int(width)))
        start += int(width)
    if len(words) % 3 or not _has(columns, _SPECIES, 1) or not _has(columns, _POSITIONS, 3):
        raise source.error(line, f"Properties must name species:S:1 and pos:R:3, got {':'.join(words)[:80]!r}")
    return columns


def _column(columns: Columns, names: tuple[str, ...]) -> tuple[str, slice]:
    return next(found for name, found in columns.items() if name.lower() in names)


def _has(columns: Columns, names: tuple[str, ...], width: int) -> bool:
    found = [part.stop - part.start for name, (_, part) in columns.items() if name.lower() in names]
    return found[:1] == [width]


def _check_widths(source: Source, rows: list[list[str]], columns: Columns, line: int, exact: bool) -> None:
    expected = max(part.stop for _, part in columns.values())
    for atom, row in enumerate(rows):
        if len(row) < expected or (exact and len(row) > expected):
            raise source.error(line + atom, f"atom {atom}: expected {expected} columns, got {len(row)}")


def _cell(source: Source, info: Mapping[str, object], line: int) -> torch.Tensor | None:
    if "Lattice" not in info:
        return None
    cell = torch.tensor(info["Lattice"], dtype=torch.float64)
    if cell.shape != (3, 3):
        raise source.error(line, f"Lattice must be nine numbers, got shape {list(cell.shape)}")
    return cell.T.contiguous() if cell.any() else None  # ASE reads the nine numbers column by column


def _periods(
    source: Source, info: Mapping[str, object], cell: torch.Tensor | None, line: int
) -> tuple[bool, bool, bool]:
    flags = info.get("pbc", (cell is not None,) * 3)
    flags = (flags,) * 3 if isinstance(flags, bool) else flags
    if not isinstance(flags, (list, tuple)) or len(flags) != 3:
        raise source.error(line, f"pbc must be three of T and F, got {str(flags)[:40]!r}")
    return bool(flags[0]), bool(flags[1]), bool(flags[2])


def _node_arrays(source: Source, rows: list[list[str]], columns: Columns, line: int) -> dict[str, np.ndarray]:
    """Numeric columns other than species and positions, by name."""
    return {
        name: source.numbers(rows, line, part).reshape(len(rows), part.stop - part.start)
        for name, (letter, part) in columns.items()
        if letter in "RI" and name.lower() not in (*_SPECIES, *_POSITIONS)
    }


def _asked(source: Source, memory: Mapping[str, object], kind: str, present: Mapping[str, object]) -> dict[str, str]:
    types = types_of(memory, kind, source.types)
    return {name: text for name, text in types.items() if name in present}


def _remembered_unit(memory: Mapping[str, object]) -> str | None:
    unit = memory.get("length_unit")
    return None if unit is None else str(unit)


def _remembered_names(memory: Mapping[str, object]) -> tuple[str, ...] | dict[int, str]:
    names = memory.get("species_names")
    if not isinstance(names, Mapping):
        return ()
    if not all(isinstance(number, str) and number.isdecimal() and len(number) < 10 for number in names):
        raise StructureError(None, None, f"species names must go by type numbers, got {list(names)[:8]}")
    known = {int(number): str(name) for number, name in names.items()}
    return tuple(known[number] for number in range(len(known))) if set(known) == set(range(len(known))) else known

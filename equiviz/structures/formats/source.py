"""The text of a structure file, read under caps: nothing larger than allowed ever reaches a parser or the memory."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from equiviz.structures.attributes import Types
from equiviz.structures.elements import atomic_number
from equiviz.structures.errors import StructureError

#: Largest text of one file, after decompression, in bytes.
MAX_BYTES = 256 * 1024**2

#: Most atoms of one frame, after symmetry has been applied.
MAX_ATOMS = 1_000_000

#: Unit of lengths where neither the file nor the caller states one; and that of PDB, mmCIF and CIF, by definition.
DEFAULT_UNIT = "Å"

#: What to do with a file whose types have names that are no chemical symbols.
HOW_TO_NAME_TYPES = (
    "The types of a model liquid are named by species_names={1: 'A', 2: 'B'} (on the command line: --species-names "
    "A,B), or written as their numbers, 1 and 2."
)

_PIECE = 1024**2


@dataclass(frozen=True)
class Source:
    """The text of a file and what the caller wants of it.

    Attributes:
        path: the file, for messages.
        text: its content as UTF-8; bytes that are not become U+FFFD.
        max_atoms: most atoms allowed in one frame.
        types: representations of attributes without a usual name: name -> text.
        species_names: names of the types of a model liquid: their places, or their keys, are the type numbers. Empty:
            chemical symbols.
        length_unit: what the caller says that lengths are in, or None.
    """

    path: Path
    text: str = field(repr=False)
    max_atoms: int = MAX_ATOMS
    types: Types = field(default_factory=dict)
    species_names: tuple[str, ...] | Mapping[int, str] = ()
    length_unit: str | None = None

    def error(self, line: int | None, why: str) -> StructureError:
        """Return (not raise) the error of this file at a line counted from 1."""
        return StructureError(self.path, line, why)

    def check_count(self, count: int, line: int | None = None) -> None:
        """Raise StructureError for a number of atoms that is negative or above the cap."""
        if not 0 <= count <= self.max_atoms:
            why = f"{count} atoms; expected 0 to {self.max_atoms} (raise max_atoms if the file is meant to be so large)"
            raise self.error(line, why)

    def species(self, label: str, line: int | None) -> int:
        """Return the species number of a label; raises StructureError for a label that is no name of a species."""
        if self.species_names:
            return self._type_number(label, line)
        number = int(label) if label.isdecimal() and len(label) < 4 else atomic_number(label)
        if number is None:
            raise self.error(line, f"{label[:20]!r} is no chemical symbol. {HOW_TO_NAME_TYPES}")
        return number

    def _type_number(self, label: str, line: int | None) -> int:
        names = self.species_names
        numbers = {name: number for number, name in (names.items() if isinstance(names, Mapping) else enumerate(names))}
        if label in numbers:
            return numbers[label]
        if label.isdecimal() and len(label) < 4 and int(label) in numbers.values():
            return int(label)
        raise self.error(line, f"species {label[:20]!r} is none of {', '.join(numbers)}; complete species_names")

    def unit(self, stated: str | None = None) -> str:
        """Return the unit of lengths: what the file states, else what the caller says, else Å.

        Raises StructureError where the two contradict each other: nothing is converted.
        """
        if stated is not None and self.length_unit not in (None, stated):
            why = f"the lengths of this file are in {stated[:20]}, but length_unit={self.length_unit!r} was passed"
            raise self.error(None, f"{why}; leave length_unit out, and convert the structure if need be")
        return stated or self.length_unit or DEFAULT_UNIT

    def numbers(self, rows: Sequence[Sequence[str]], first_line: int, columns: slice) -> np.ndarray:
        """Return columns of rows of words as float64 [rows, columns]; names the line of a word that is no number."""
        try:
            return np.array([[float(word) for word in row[columns]] for row in rows], dtype=np.float64)
        except ValueError:
            for place, row in enumerate(rows):
                for word in row[columns]:
                    if not is_number(word):
                        raise self.error(first_line + place, f"expected a number, got {word[:40]!r}") from None
            raise

    def coordinates(self, rows: Sequence[Sequence[str]], first_line: int, columns: slice) -> np.ndarray:
        """Return `numbers` and refuse those that are not finite, naming the line."""
        values = self.numbers(rows, first_line, columns)
        bad = np.nonzero(~np.isfinite(values).all(axis=1))[0] if len(values) else []
        if len(bad):
            row = values[bad[0]].tolist()
            raise self.error(first_line + int(bad[0]), f"a coordinate is not finite: {row}; remove or repair the atom")
        return values


def is_number(word: str) -> bool:
    """Tell whether Python reads a word as a float (NaN and infinity included)."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def need_file(path: str | os.PathLike[str]) -> None:
    """Refuse a path where there is no file, before anything slow is done for it.

    Raises:
        StructureError: not a regular file.
    """
    if not os.path.isfile(path):
        raise StructureError(Path(path), None, "no such file (or not a regular file)")


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a file, gunzipped if its name ends in .gz, of at most max_bytes bytes.

    Raises:
        StructureError: not a regular file, unreadable, damaged gzip, or more than max_bytes bytes.
    """
    need_file(path)
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            data = bytearray()
            # Piece by piece: a single read(max_bytes) would allocate the cap for the smallest file.
            while len(data) <= max_bytes and (piece := stream.read(_PIECE)):
                data += piece
    except (OSError, EOFError, zlib.error) as error:
        raise StructureError(path, None, f"cannot be read: {error}") from error
    _refuse_size(path, len(data), max_bytes)
    return data.decode("utf-8", errors="replace")


def _refuse_size(path: Path, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        why = f"more than {max_bytes} bytes of text; split the file, or raise max_bytes"
        raise StructureError(path, None, why)


def named(source: Source, place: int, title: str = "") -> str:
    """Return the name of a frame: its title, or the file's name, with the frame's number where it is not the first."""
    stem = title.strip() or source.path.name.split(".")[0]
    return stem if place == 0 else f"{stem} [{place}]"


def types_of(memory: Mapping[str, object], kind: str, asked: Types) -> Types:
    """Return the types that a file remembers for "node" or "graph", overruled by those that the caller asked for."""
    types = memory.get("types", {})
    own = types.get(kind, {}) if isinstance(types, Mapping) else {}
    return {**own, **asked} if isinstance(own, Mapping) else dict(asked)

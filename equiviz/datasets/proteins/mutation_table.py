"""MutationTable: measured effects of single mutations, from a CSV file."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from equiviz.datasets.errors import DatasetError
from equiviz.holograms.protein import AMINO_ACIDS, LETTERS

LARGEST = 64 * 1024**2
"""Bytes of a table."""
MOST_ROWS = 1_000_000
NEEDED = ("position", "wtaa", "mutaa")
MEASURED = "ddg"
_CLASSES = dict(zip(AMINO_ACIDS, range(20), strict=True)) | dict(zip(LETTERS, range(20), strict=True))
_WANTED = "expected position, wtAA, mutAA, and ddG if known"
_POSITION = re.compile(r"(-?\d{1,6})([A-Za-z]?)")


@dataclass(frozen=True)
class Mutation:
    """One row.

    Attributes:
        position: as the structure file counts its residues.
        insertion_code: "" for most.
        wild_type, mutant: classes 0 to 19 as in `AMINO_ACIDS`.
        ddg: measured, in kcal/mol; positive is destabilising. NaN in a table without that column.
        line: of the file.
    """

    position: int
    insertion_code: str
    wild_type: int
    mutant: int
    ddg: float
    line: int

    def __str__(self) -> str:
        return f"{LETTERS[self.wild_type]}{self.position}{self.insertion_code}{LETTERS[self.mutant]}"


@dataclass(frozen=True)
class MutationTable:
    """Rows of one protein.

    Attributes:
        name: of the file.
        mutations: in its order.
        left_out: for each row whose ddG is no finite number, its line, mutation and reason.
    """

    name: str
    mutations: tuple[Mutation, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str | os.PathLike[str], protein: str = "", chain: str = "") -> MutationTable:
        """Read a CSV file with the columns position, wtAA, mutAA (one or three letters), and ddG (kcal/mol).

        A table without ddG can be scored; there is then nothing to compare with.

        Args:
            path: of the file; the names of its columns count without regard to case.
            protein: where a column pdb_code tells several proteins apart, the rows of this one are taken.
            chain: where a column chain_id names chains, only the rows of this one are taken.

        Raises:
            DatasetError: no such file, an empty one, absent columns, a row that cannot be read (the message tells its
                line), none of the protein or chain asked for, or a column ddG without one finite number.
        """
        path = Path(path)
        rows = _rows(path)
        rows = _of_chain(path, _of_protein(path, rows, protein), chain)
        if not rows:
            raise DatasetError(path, "no mutations; expected at least one row below the names of the columns")
        measured = MEASURED in rows[0][1]
        every = [_mutation(path, line, row) for line, row in rows]
        unknown = [
            f"line {one.line}, {one}: ddG {row[MEASURED][:20]!r} is no finite number"
            for one, (_, row) in zip(every, rows, strict=True)
            if measured and not math.isfinite(one.ddg)
        ]
        if len(unknown) == len(rows):
            why = f"{unknown[0]}, and so in all rows; expected kcal/mol, or a table without that column"
            raise DatasetError(path, why)
        known = tuple(one for one in every if not measured or math.isfinite(one.ddg))
        return cls(path.name, known, tuple(unknown))

    def __len__(self) -> int:
        """Number of mutations."""
        return len(self.mutations)


_Rows = list[tuple[int, Mapping[str, str]]]


def _rows(path: Path) -> _Rows:
    """Lines and fields by lower-case name of the column."""
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, f"larger than {LARGEST // 1024**2} MiB; expected a table of mutations")
        content = path.read_text("utf-8-sig")
        if not content.strip():
            raise DatasetError(path, f"empty file; {_WANTED}")
        reader = csv.reader(io.StringIO(content), strict=True)
        names = [name.strip().lower() for name in next(reader, [])]
        absent = [name for name in NEEDED if name not in names]
        if absent:
            raise DatasetError(path, f"no column {', '.join(absent)}; {_WANTED}")
        found: _Rows = []
        for row in reader:
            if len(found) >= MOST_ROWS:
                raise DatasetError(path, f"more than {MOST_ROWS:,} rows")
            if any(word.strip() for word in row):
                found.append((reader.line_num, _named(names, row)))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DatasetError(path, f"cannot be read as a CSV table: {problem}") from problem
    return found


def _named(names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """Fields by name; what a short line lacks is empty."""
    words = [word.strip() for word in row] + [""] * len(names)
    return dict(zip(names, words, strict=False))


def _of_protein(path: Path, rows: _Rows, wanted: str) -> _Rows:
    """The rows of one protein, in upper or lower case; all of them where the table does not tell several apart."""
    own = [(line, row) for line, row in rows if row.get("pdb_code", "").lower() == wanted.lower()]
    if not own and len({row.get("pdb_code", "") for _, row in rows}) > 1:
        told = _no_rows(rows, "pdb_code", wanted)
        raise DatasetError(path, f"{told}; the structure file's name is looked for, unless --protein says another")
    return own or rows


def _of_chain(path: Path, rows: _Rows, wanted: str) -> _Rows:
    """The rows of one chain; all of them where the table names none, or none is asked for."""
    if not wanted or not any(row.get("chain_id") for _, row in rows):
        return rows
    own = [(line, row) for line, row in rows if row.get("chain_id", "") == wanted]
    if not own:
        raise DatasetError(path, _no_rows(rows, "chain_id", wanted))
    return own


def _no_rows(rows: _Rows, column: str, wanted: str) -> str:
    known = list(dict.fromkeys(row.get(column, "") for _, row in rows))
    offered = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"{column} {wanted!r} has no rows; the table has those of {offered}"


def _mutation(path: Path, line: int, row: Mapping[str, str]) -> Mutation:
    place = _POSITION.fullmatch(row.get("position", ""))
    kinds = [_CLASSES.get(row.get(column, "").upper()) for column in ("wtaa", "mutaa")]
    ddg = _number(row.get(MEASURED, "")) if MEASURED in row else math.nan
    if place is None or kinds[0] is None or kinds[1] is None:
        given = ", ".join(f"{name} {row[name][:20]!r}" for name in NEEDED)
        raise DatasetError(path, f"line {line}: expected a number and two amino acids, got {given}")
    return Mutation(int(place[1]), place[2], kinds[0], kinds[1], ddg, line)


def _number(word: str) -> float:
    """NaN for what is none."""
    try:
        return float(word)
    except ValueError:
        return math.nan

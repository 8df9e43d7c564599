"""The one error that structures raise, wherever they come from."""

from __future__ import annotations

from pathlib import Path

from equiviz.symmetry.errors import EquivizError, MissingLibrary

__all__ = ["MissingLibrary", "StructureError"]


class StructureError(EquivizError):
    """A structure that cannot be what its file or its arrays say.

    It is raised for everything that can be wrong with a structure: an unreadable or oversized file, arrays whose shapes
    disagree, non-finite coordinates, a periodic cell without volume, typed attributes that differ within one batch.

    Attributes:
        path: the file, or None for a structure made in memory.
        line: the line of the file (counted from 1), or None where no line can be named.
        why: what was expected, what came, and what to do next.
    """

    def __init__(self, path: str | Path | None, line: int | None, why: str) -> None:
        super().__init__(path, line, why)
        self.path = None if path is None else str(path)
        self.line = line
        self.why = why

    def __str__(self) -> str:
        where = "" if self.path is None else self.path
        if self.line is not None:
            where = f"{where}, line {self.line}" if where else f"line {self.line}"
        return f"{where}: {self.why}" if where else self.why

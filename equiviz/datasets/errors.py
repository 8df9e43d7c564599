"""Errors of the data sets: each says what was expected, what came, where, and what to do next."""

from __future__ import annotations

from pathlib import Path

from equiviz.symmetry.errors import EquivizError


class DatasetError(EquivizError):
    """A data file or data folder that cannot be used.

    Attributes:
        path: The file or folder, or None when the data never were in one.
        why: What was expected, what came, and what to do next.
    """

    def __init__(self, path: Path | str | None, why: str) -> None:
        self.path = None if path is None else Path(path)
        self.why = why
        super().__init__(why if path is None else f"{path}: {why}")


class NoLiquidError(DatasetError):
    """A structure that is no Kob-Andersen liquid, where nothing else can be measured."""


class RecipeError(EquivizError, ValueError):
    """A recipe whose numbers cannot work together."""


class GenerationError(EquivizError, RuntimeError):
    """A simulation that went wrong, or a folder that belongs to another recipe."""

"""Errors of training: files that cannot be trusted, names that nobody knows, data that do not fit."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class CheckpointError(EquivizError):
    """A saved state is absent, damaged, too large or of another kind; the message names the file and what to do."""


class UnknownWeights(EquivizError, KeyError):  # noqa: N818 - reads as a sentence: "unknown weights"
    """No shipped weights bear this name, and no folder lies at this path; the message lists the shipped ones."""

    def __str__(self) -> str:
        """The message; KeyError would show its repr, with quotes."""
        return str(self.args[0])


class TrainingError(EquivizError):
    """A training or an evaluation was asked for with data or settings that do not fit together."""

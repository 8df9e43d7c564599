"""Errors of the registry and of configurations."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class UnknownFamily(EquivizError, KeyError):  # noqa: N818 - reads as a sentence: "unknown family"
    """No family bears this name; the message lists those that exist."""

    def __str__(self) -> str:
        """The message; KeyError would show the repr of the message, with its quotes."""
        return str(self.args[0])


class DuplicateFamily(EquivizError):  # noqa: N818
    """Two files declare a family of the same name."""


class ConfigError(EquivizError, ValueError):
    """A configuration has an unknown, missing or ill-typed entry; the message says which, and what fits."""

"""Errors of explanations."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class ProbeError(EquivizError):
    """A probe that cannot be made: too little data, values that are not finite, nothing to read or to predict."""


class MutationError(EquivizError):
    """Mutations that do not fit a structure."""


class PerturbationError(EquivizError):
    """A change of a structure that cannot be made."""

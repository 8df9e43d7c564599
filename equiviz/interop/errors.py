"""Errors of adapters to foreign models."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class InteropError(EquivizError):
    """A foreign model, or an input for one, that its adapter cannot take; the message says what to pass instead."""

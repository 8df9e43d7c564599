"""Errors of recording."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class CaptureError(EquivizError):
    """A model or an input that cannot be recorded; the message says what to declare or to pass instead."""

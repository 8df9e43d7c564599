"""Errors of models and of their parts."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class ModelError(EquivizError):
    """A model, or a part of one, was declared or fed wrongly; the message says what was expected and what came."""

"""Errors of calculators: what a model cannot give, and runs that cannot answer what is asked of them."""

from __future__ import annotations

from ase.calculators.calculator import PropertyNotImplementedError

from equiviz.symmetry.errors import EquivizError


class CalculatorError(EquivizError, ValueError):
    """Numbers that do not fit together: a resolution that a run is too short for, arrays of other shapes, no unit."""


class MissingProperty(EquivizError, PropertyNotImplementedError):  # noqa: N818 - reads as what happened
    """The model does not predict what ASE asks for; the message names what it predicts."""

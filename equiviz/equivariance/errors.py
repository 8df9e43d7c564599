"""Errors of the instrument."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class CheckError(EquivizError):
    """The check cannot be made: unknown group, no elements, nothing typed to compare.

    Attributes:
        input: the transformed input on which the model raises, to be looked at and run again; None for other reasons.
    """

    input: object = None


class NoSmallMotionError(CheckError):
    """No continuous group acts on the input smoothly, so that there is no small motion to follow."""


class NotEquivariant(EquivizError, AssertionError):  # noqa: N818 - reads as what was found
    """A model breaks a symmetry that it claims; the message says where, and by how much."""

"""Errors of the package: the two that every folder shares, and those of the symmetry kernel.

Each message says what was expected, what came, and what to do next.
"""

from __future__ import annotations


class EquivizError(Exception):
    """Base class of all errors that `equiviz` raises on purpose."""


class MissingLibrary(EquivizError, ImportError):  # noqa: N818 - reads as what happened
    """An optional library is not installed.

    Args:
        library: name of the library, as its users write it, for example ``"ase"``.
        extra: the extra of `equiviz` that installs it, for example ``"io"``.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"This needs {library}. Install it with: pip install 'equiviz[{extra}]'")
        self.library = library
        self.extra = extra


class SymmetryError(EquivizError, ValueError):
    """Base class of the errors of `equiviz.symmetry`; also a `ValueError`."""


class GroupError(SymmetryError):
    """Numbers that do not describe a group element (wrong shape, not finite, not orthogonal, not a permutation)."""


class IrrepsError(SymmetryError):
    """An irreps text or list that cannot be read, or that is too large to be meant."""


class RepresentationError(SymmetryError):
    """A tensor, a layout or a block label that does not fit its representation."""


class BandLimitError(SymmetryError):
    """A degree or band limit outside the range that the kernel supports."""

"""The one error of the expert descriptors."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class DescriptorError(EquivizError, ValueError):
    """A descriptor that cannot be evaluated as asked: impossible options, or a system that does not fit them."""

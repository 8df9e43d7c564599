"""The one error of holograms."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class HologramError(EquivizError, ValueError):
    """A hologram that cannot be made as asked: an unknown channel, impossible orders, a chain without residues."""

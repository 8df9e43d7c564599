"""Errors of the view folder."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError, MissingLibrary

__all__ = ["MissingLibrary", "PacketError", "SceneFileError", "ViewError"]


class ViewError(EquivizError, ValueError):
    """Data that cannot be drawn: says what was expected, what came, and what to do next."""


class SceneFileError(ViewError):
    """A scene file that cannot be read: says which file, why, and what to do next."""


class PacketError(ViewError):
    """Bytes that are no sound packet: says why."""

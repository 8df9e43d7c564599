"""The contract of everything that goes into a model or comes out of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from equiviz.symmetry.groups import GroupElement

if TYPE_CHECKING:
    from typing_extensions import Self


@runtime_checkable
class Transformable(Protocol):
    """Something that a group acts on: structures, graphs, fields, holograms, grids.

    The law that the checker relies on: ``x.transform(h).transform(g)`` equals ``x.transform(g @ h)``.
    """

    def transform(self, g: GroupElement) -> Self:
        """A transformed copy; the original is left as it is."""
        ...

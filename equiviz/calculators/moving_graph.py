"""The graph of structures whose atoms move: neighbours are looked for again only when somebody moved far enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure


@runtime_checkable
class ReusesNeighbours(Protocol):
    """A model whose graphs stay right while atoms move by less than half of a skin."""

    def prepare(self, structures: Structure | Sequence[Structure], skin: float = 0.0) -> Graph:
        """Edges up to the cutoff plus `skin` (Å); those beyond the cutoff weigh nothing."""
        ...

    def at_positions(self, graph: Graph, positions: Tensor) -> Graph:
        """The graph with its atoms elsewhere, [N, 3]."""
        ...


class MovingGraph:
    """Graphs for one model, from call to call.

    Attributes:
        searches: how often neighbours were looked for.
    """

    def __init__(self, model: EquivariantModel, skin: float) -> None:
        self.model, self.skin, self.searches = model, skin, 0
        self._known: tuple[Structure, ...] = ()
        self._graph: Graph | None = None

    def of(self, structures: Sequence[Structure]) -> Graph:
        """The graph of these structures, with the edges of an earlier call where they still serve."""
        reusing = _reusing(self.model)
        if reusing is not None and self._graph is not None and self._serves(structures):
            return reusing.at_positions(self._graph, torch.cat([one.positions for one in structures]))
        self.searches += 1
        measured = [self.model.measure(one) for one in structures]
        if reusing is None or self.skin <= 0:
            return self.model.prepare(measured)
        made = reusing.prepare(measured, skin=self.skin)
        self._known, self._graph = tuple(structures), made
        return made

    def _serves(self, structures: Sequence[Structure]) -> bool:
        """Whether all is as it was, but for moves of less than half the skin: two atoms may both move."""
        pairs = list(zip(structures, self._known, strict=False))
        return len(structures) == len(self._known) and all(_alike(new, old, self.skin / 2) for new, old in pairs)


def _reusing(model: object) -> ReusesNeighbours | None:
    return model if isinstance(model, ReusesNeighbours) else None


def _alike(new: Structure, old: Structure, reach: float) -> bool:
    if new.pbc != old.pbc or not torch.equal(new.species, old.species):
        return False
    if (new.cell is None) != (old.cell is None):
        return False
    if new.cell is not None and old.cell is not None and not torch.equal(new.cell, old.cell):
        return False
    return bool((new.positions - old.positions).square().sum(1).max() < reach**2) if len(new) else True

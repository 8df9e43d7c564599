"""Players that can be taken away from a graph: bonds (an edge and its reverse), or atoms (all their edges)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.varied_input import EDGES_AT_ONCE
from equiviz.features.capture import record
from equiviz.structures.graph import Graph
from equiviz.structures.graph_copies import copies

# Shapes: K coalitions, P players, E edges, N points.


@dataclass(frozen=True, eq=False)
class Players(ABC):
    """What may be there or not.

    Attributes:
        graph: the whole.
    """

    graph: Graph

    @property
    @abstractmethod
    def count(self) -> int:
        """P."""

    @abstractmethod
    def kept(self, present: Tensor) -> Tensor:
        """Which edges are left, ``[K, E]`` bool, of players that are present, ``[K, P]`` bool."""

    @property
    def at_once(self) -> int:
        """How many coalitions fit into memory together."""
        return max(1, EDGES_AT_ONCE // max(1, self.graph.edge_index.shape[1]))

    def answers(self, model: nn.Module, question: Question, present: Tensor) -> Tensor:
        """What the model says to the question of each coalition, ``[K]``, chunk by chunk, without gradients."""
        found: list[Tensor] = []
        with torch.no_grad():
            for part in present.bool().split(self.at_once):
                many = copies(self.graph, len(part), self.kept(part))
                found.append(question.values(record(model, many)))
        return torch.cat(found)


@dataclass(frozen=True, eq=False)
class Bonds(Players):
    """Each undirected edge is a player.

    Attributes:
        pair: ``[E]``, the player that each directed edge belongs to.
    """

    pair: Tensor

    @classmethod
    def of(cls, graph: Graph) -> Bonds:
        """Edges and their reverses find each other by ends and shift."""
        forward = graph.senders < graph.receivers
        # Of an edge between images of one point, the first non-zero shift says which way it is told.
        signs = graph.shifts.sign()
        first = torch.where(signs[:, 0] != 0, signs[:, 0], torch.where(signs[:, 1] != 0, signs[:, 1], signs[:, 2]))
        forward = torch.where(graph.senders == graph.receivers, first > 0, forward)
        index = torch.where(forward, graph.edge_index, graph.edge_index.flip(0))
        shifts = torch.where(forward[:, None], graph.shifts, -graph.shifts)
        told = torch.cat([index.T, shifts], 1)
        return cls(graph, torch.unique(told, dim=0, return_inverse=True)[1])

    @property
    def count(self) -> int:
        """Number of undirected edges."""
        return int(self.pair.max()) + 1 if len(self.pair) else 0

    def kept(self, present: Tensor) -> Tensor:
        """The edges whose bond is there."""
        return present[:, self.pair]


@dataclass(frozen=True, eq=False)
class Atoms(Players):
    """Each point is a player; without it, none of its edges is there. The point itself stays, alone."""

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self.graph)

    def kept(self, present: Tensor) -> Tensor:
        """The edges both of whose ends are there."""
        return present[:, self.graph.senders] & present[:, self.graph.receivers]

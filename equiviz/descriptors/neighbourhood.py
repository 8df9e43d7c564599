"""Neighbourhood: the bonds around every point, in the one form that all descriptors read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.roots import length
from equiviz.structures.bonds import find_bonds
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

#: By how much the search radius grows until every point has as many neighbours as asked.
GROWTH = 1.25


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Bonds from neighbours (senders) to centres (receivers); each pair appears from both ends.

    Shapes: N points, E bonds.

    Attributes:
        vectors: [E, 3] from receiver to sender, in the length unit of the structure, differentiable in the positions.
        sender: [E] index of the neighbour.
        receiver: [E] index of the centre, ascending.
        species: [N] species number of each point.
    """

    vectors: Tensor  # [E, 3]
    sender: Tensor  # [E]
    receiver: Tensor  # [E]
    species: Tensor  # [N]

    @classmethod
    def within(cls, system: Structure | Graph, cutoff: float) -> Neighbourhood:
        """Return all bonds shorter than the cutoff (length unit of the structure).

        Raises:
            DescriptorError: a graph whose own cutoff is smaller.
            StructureError: whatever the neighbour search refuses.
        """
        if isinstance(system, Structure):
            return cls._search(system, cutoff)
        if system.cutoff < cutoff * (1 - 1e-12):  # equal up to rounding of the decimal number is equal
            raise DescriptorError(
                f"the descriptor looks {cutoff:g} far, but the graph has edges up to {system.cutoff:g} only; "
                f"build it with Graph.from_structures(..., cutoff={cutoff:g}) or choose a shorter window"
            )
        return cls._of_graph(system)._shorter_than(cutoff)

    @classmethod
    def nearest(cls, system: Structure | Graph, count: int) -> Neighbourhood:
        """Return the bonds of each point to its `count` nearest neighbours (the relation need not be mutual).

        Of neighbours at equal distance, those first in the neighbour list are taken. In a structure the search radius
        grows until it suffices; in a graph, its edges must.

        Raises:
            DescriptorError: fewer neighbours than asked: too few points, or a graph with too short a cutoff.
        """
        if isinstance(system, Graph):
            return cls._of_graph(system)._nearest(count, f"the graph (cutoff {system.cutoff:g})")
        if not any(system.pbc) and len(system) <= count:
            raise DescriptorError(f"{count} nearest neighbours asked, but there are {len(system)} points in all")
        radius = _radius_guess(system, count)
        around = cls._search(system, radius)
        while len(system) and int(around.counts.min()) < count:
            radius *= GROWTH
            around = cls._search(system, radius)
        return around._nearest(count, "the structure")

    @classmethod
    def _search(cls, structure: Structure, cutoff: float) -> Neighbourhood:
        return cls(*find_bonds(structure, cutoff), structure.species)

    @classmethod
    def _of_graph(cls, graph: Graph) -> Neighbourhood:
        around = cls(graph.edge_vectors, graph.edge_index[0], graph.edge_index[1], graph.species)
        ascending = bool((around.receiver[1:] >= around.receiver[:-1]).all())
        return around if ascending else around._select(torch.argsort(around.receiver, stable=True))

    @property
    def n_points(self) -> int:
        """N."""
        return len(self.species)

    @cached_property
    def distances(self) -> Tensor:
        """[E] lengths of the bonds; the gradient of a bond of length zero is zero, not infinite."""
        return length(self.vectors)

    @cached_property
    def counts(self) -> Tensor:
        """[N] number of bonds of each centre."""
        return torch.bincount(self.receiver, minlength=self.n_points)

    @cached_property
    def offsets(self) -> Tensor:
        """[N+1]: the bonds of centre i are the rows offsets[i] to offsets[i+1]."""
        return torch.nn.functional.pad(self.counts.cumsum(0), (1, 0))

    def sum_to_centres(self, values: Tensor) -> Tensor:
        """Return the sum [N, ...] over the bonds of each centre of values [E, ...]."""
        return values.new_zeros(self.n_points, *values.shape[1:]).index_add(0, self.receiver, values)

    def sum_products(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the sum [N, C, D] over the bonds of each centre of left [E, C] times right [E, D].

        The bonds of a centre are put on one shelf, K slots wide for the largest number of bonds, the rest zero: then
        the sum is one matrix product per point, without the [E, C, D] intermediate of a scatter.
        """
        width = int(self.counts.max()) if self.n_points else 0
        slots = self.receiver * width + torch.arange(len(self.receiver), device=self.receiver.device)
        slots = slots - self.offsets[self.receiver]  # [E] receiver is ascending

        def shelve(rows: Tensor) -> Tensor:
            flat = rows.new_zeros(self.n_points * width, rows.shape[1]).index_copy(0, slots, rows)
            return flat.view(self.n_points, width, rows.shape[1])  # [N, K, D]

        return shelve(left).transpose(1, 2) @ shelve(right)

    def species_channels(self, species: tuple[int, ...]) -> Tensor:
        """Return [E, S], one where the neighbour has the s-th species, else zero; S = 1, all ones, for no species.

        Raises:
            DescriptorError: points of a species that is not listed.
        """
        return self.own_species(species)[self.sender] if species else self.vectors.new_ones(len(self.sender), 1)

    def own_species(self, species: tuple[int, ...]) -> Tensor:
        """Return [N, S], one where the point has the s-th species, else zero; S = 1, all ones, for no species.

        Raises:
            DescriptorError: points of a species that is not listed.
        """
        if not species:
            return self.vectors.new_ones(self.n_points, 1)
        is_species = self.species[:, None] == torch.tensor(species, device=self.species.device)  # [N, S]
        if not bool(is_species.any(1).all()):
            others = sorted(set(self.species.tolist()) - set(species))
            raise DescriptorError(f"species {others} occur, but the descriptor lists {list(species)}; add them to it")
        return is_species.to(self.vectors.dtype)

    def _select(self, rows: Tensor) -> Neighbourhood:
        return Neighbourhood(self.vectors[rows], self.sender[rows], self.receiver[rows], self.species)

    def _shorter_than(self, cutoff: float) -> Neighbourhood:
        inside = self.distances < cutoff
        return self if bool(inside.all()) else self._select(inside)

    def _nearest(self, count: int, what: str) -> Neighbourhood:
        if self.n_points and int(self.counts.min()) < count:
            poorest = int(self.counts.argmin())
            raise DescriptorError(
                f"{count} nearest neighbours asked, but point {poorest} of {what} has {int(self.counts[poorest])}; "
                "use a longer cutoff or ask for fewer"
            )
        by_distance = torch.argsort(self.distances.detach(), stable=True)
        order = by_distance[torch.argsort(self.receiver[by_distance], stable=True)]  # by receiver, then distance
        rank = torch.arange(len(order), device=order.device) - self.offsets[self.receiver]  # [E] receiver is ascending
        return self._select(order[rank < count])


def _radius_guess(structure: Structure, count: int) -> float:
    """Return the radius of a sphere that would hold 1.5 times the neighbours asked at the structure's mean density."""
    positions = structure.positions.detach()
    spans = positions.amax(0) - positions.amin(0) if len(structure) else positions.new_ones(3)
    volume = float(spans.clamp(min=1e-3 * float(spans.max())).prod())
    if structure.cell is not None and all(structure.pbc):
        volume = float(torch.linalg.det(structure.cell.detach()).abs())
    density = max(len(structure), 1) / volume if volume > 0 else 1.0
    return (1.5 * (count + 1) * 3 / (4 * math.pi * density)) ** (1 / 3)

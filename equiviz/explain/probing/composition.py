"""A control of a probe: what the species of a point and of its neighbours tell, without any geometry but a reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.structures.structure import Structure


@dataclass(frozen=True, eq=False)
class Composition:
    """Of some nodes of one structure.

    Attributes:
        own: species of each node [n].
        species: those that occur [S].
        counts: neighbours of each species within the reach [n, S].
    """

    own: Tensor
    species: Tensor
    counts: Tensor

    @classmethod
    def of(cls, structure: Structure, nodes: Tensor, reach: float) -> Composition:
        """Count around the chosen nodes."""
        around = Neighbourhood.within(structure, reach)
        species, kind = structure.species.cpu().unique(return_inverse=True)
        each = torch.zeros(len(structure), len(species), dtype=torch.float64)
        kinds = kind[around.sender.cpu()]
        each.index_put_((around.receiver.cpu(), kinds), torch.ones(len(kinds), dtype=torch.float64), accumulate=True)
        return cls(structure.species.cpu()[nodes], species, each[nodes])

    def rows(self, places: Tensor) -> Composition:
        """Only some of the nodes."""
        return Composition(self.own[places], self.species, self.counts[places])


def composition_columns(parts: Sequence[Composition]) -> Tensor:
    """Of all structures together [N, 2 S]: which species a node has, and its neighbours by species."""
    every = torch.cat([part.species for part in parts]).unique()
    counts = [_widened(part, every) for part in parts]
    own = torch.cat([part.own for part in parts])[:, None] == every
    return torch.cat([own.double(), torch.cat(counts)], 1)


def _widened(part: Composition, every: Tensor) -> Tensor:
    wide = part.counts.new_zeros(len(part.counts), len(every))
    wide[:, torch.searchsorted(every, part.species)] = part.counts
    return wide

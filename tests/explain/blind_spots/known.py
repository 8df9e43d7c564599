"""Models of which it is known what they see, for blind spots and counterfactuals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.harmonics import spherical_harmonics

CUTOFF = 3.0
Reading = Callable[[Graph], Tensor]


class Known(EquivariantModel):
    """One stage, "stage_read", of a function of the graph; it is the output "read" too."""

    def __init__(self, reading: Reading, irreps: str, support: Support = "node", cutoff: float = CUTOFF) -> None:
        super().__init__(None)
        self.reading, self.irreps, self.cutoff = reading, irreps, cutoff
        self.support: Support = support
        self.stage_read = Stage(irreps, support)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours within the cutoff."""
        return Graph.from_structures(structures, self.cutoff, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """What was read."""
        return {"read": Field(self.stage_read(self.reading(graph)), self.irreps, self.support)}


def density(graph: Graph, lmax: int, lmin: int = 0) -> Tensor:
    """Sum over neighbours of Y_l(r) exp(-r / 2), degrees lmin to lmax, [N, ...]."""
    vectors = graph.edge_vectors
    lengths = vectors.norm(dim=1, keepdim=True)
    weights = torch.exp(-lengths / 2)
    edges = weights * spherical_harmonics(lmax, vectors)[:, lmin**2 :]
    return edges.new_zeros(len(graph), edges.shape[1]).index_add(0, graph.receivers, edges)


def radial(graph: Graph) -> Tensor:
    """Sum over neighbours of eight Gaussians of the distance: a plain two-body network's first layer, [N, 8]."""
    lengths = graph.edge_vectors.norm(dim=1, keepdim=True)
    columns = torch.exp(-8 * (lengths / CUTOFF - torch.linspace(0, 1, 8, dtype=lengths.dtype)) ** 2)
    return columns.new_zeros(len(graph), 8).index_add(0, graph.receivers, columns)


def handedness(graph: Graph) -> Tensor:
    """A pseudo-scalar: the triple product of three densities with different weights, [N, 1]."""
    vectors = graph.edge_vectors
    lengths = vectors.norm(dim=1, keepdim=True)
    sums = [vectors.new_zeros(len(graph), 3).index_add(0, graph.receivers, vectors * lengths**p) for p in (0, 2, 4)]
    return (torch.linalg.cross(sums[0], sums[1]) * sums[2]).sum(1, keepdim=True)


def distances_from_first(graph: Graph) -> Tensor:
    """From point 0 to each other one, [1, N - 1]."""
    return (graph.positions[1:] - graph.positions[0]).norm(dim=1)[None]


def all_distances(graph: Graph) -> Tensor:
    """Between all pairs, labelled, [1, N (N - 1) / 2]."""
    first, second = torch.triu_indices(len(graph), len(graph), offset=1)
    return (graph.positions[first] - graph.positions[second]).norm(dim=1)[None]


def cloud(points: int = 5, seed: int = 0, least: float = 0.9) -> Structure:
    """Random points, none nearer to another than `least`."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        positions = 1.1 * torch.randn(points, 3, generator=generator, dtype=torch.float64)
        if points < 2 or float(torch.pdist(positions).min()) > least:
            return Structure(positions, torch.ones(points, dtype=torch.long))

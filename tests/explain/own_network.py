"""A network as the README teaches it: e3nn modules, a `prepare` of one line, and no word about types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from e3nn import o3
from torch import Tensor

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

CUTOFF = 3.0


class OwnNetwork(EquivariantModel):
    """Messages of a tensor product, a linear layer, a square, a sum of atoms' energies: stages by `irreps_out`."""

    def __init__(self, config: object = None) -> None:
        super().__init__(config)
        torch.manual_seed(0)
        irreps, harmonics = o3.Irreps("3x0e+3x1o+2x2e"), o3.Irreps("0e+1o+2e")
        self.tp = o3.FullyConnectedTensorProduct("1x0e", harmonics, irreps)
        self.lin = o3.Linear(irreps, irreps)
        self.sq = o3.FullyConnectedTensorProduct(irreps, irreps, "3x0e+1x1o")
        self.out = o3.Linear("3x0e", "0e")

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours, in torch's default type whatever the network computes in."""
        return Graph.from_structures(structures, cutoff=CUTOFF, dtype=torch.float32)

    def sums(self, graph: Graph, messages: Tensor) -> Tensor:
        """Of the messages at each receiver, [N, dim]."""
        return messages.new_zeros(len(graph), messages.shape[1]).index_add(0, graph.receivers, messages)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """An energy and a vector per atom."""
        vectors = graph.edge_vectors
        lengths = vectors.norm(dim=1, keepdim=True)  # [E, 1]
        fade = (torch.cos(lengths / CUTOFF * torch.pi) + 1) / 2
        edges = fade * o3.spherical_harmonics("0e+1o+2e", vectors, normalize=True)
        h = self.lin(self.sums(graph, self.tp(torch.ones_like(lengths), edges)))
        s = self.sq(h, h)
        energy, vector = self.out(s[:, :3]), s[:, 3:]
        return {"energy": Field(energy, "0e", "node"), "dipole": Field(vector, "1o", "node")}


class UsualZeros(OwnNetwork):
    """The same, with zeros of torch's default type to add up in."""

    def sums(self, graph: Graph, messages: Tensor) -> Tensor:
        """Of the messages, in the type that torch takes where nothing is said."""
        return torch.zeros(len(graph), messages.shape[1]).index_add(0, graph.receivers, messages)


class SingleInside(OwnNetwork):
    """The same, with a forward that insists on float32: no copy in float64 runs."""

    def sums(self, graph: Graph, messages: Tensor) -> Tensor:
        """Of the messages, in float32."""
        return torch.zeros(len(graph), messages.shape[1], dtype=torch.float32).index_add(0, graph.receivers, messages)


class Detached(OwnNetwork):
    """The same, out of autograd's sight."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        """Without gradients."""
        with torch.no_grad():
            return super().forward(graph)


def spoiled() -> OwnNetwork:
    """The same, with weights that are not numbers."""
    network = OwnNetwork()
    with torch.no_grad():
        cast("Tensor", network.lin.weight).fill_(torch.nan)
    return network


def molecule() -> Structure:
    """Five atoms without symmetry, in float64, at positions that float32 does not hold."""
    positions = [[0.0, 0.0, 0.0], [1.1, 0.1, 0.0], [-0.4, 1.05, 0.1], [-0.3, -0.5, 1.0], [1.5, 1.1, -0.3]]
    moved = torch.tensor(positions, dtype=torch.float64) + 1e-9
    return Structure(moved, torch.tensor([6, 1, 1, 8, 1]))

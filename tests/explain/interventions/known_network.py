"""A network without weights of which it is known what each output reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from e3nn import o3
from torch import Tensor

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field


@dataclass(frozen=True)
class KnownConfig:
    """Nothing to choose."""


class KnownNetwork(EquivariantModel):
    """Stage "features": s, v, t (0e, 1o, 2e) of each atom; stage "partner": another vector w.

    Outputs: "scalar" is s alone; "norm" reads only the norm of v; "dot" is v . w, which reads directions; nothing reads
    t; "energy" is the sum of s over atoms.
    """

    family = "known"
    group = "E(3)"

    def __init__(self) -> None:
        super().__init__(KnownConfig())
        self.features = Stage("1x0e+1x1o+1x2e")
        self.partner = Stage("1x1o")

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """All pairs."""
        return Graph.from_structures(structures, 20.0, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """See the class."""
        vectors = graph.edge_vectors
        lengths = vectors.norm(dim=1, keepdim=True)
        harmonics = o3.spherical_harmonics("1x0e+1x1o+1x2e", vectors, True, "component").to(vectors)
        features = self.features(self._summed(harmonics * torch.exp(-lengths), graph))  # [N, 9]
        partner = self.partner(self._summed(vectors * torch.exp(-((lengths / 2) ** 2)), graph))  # [N, 3]
        s, v = features[:, :1], features[:, 1:4]
        energy = s.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch, s)
        return {
            "scalar": Field(s, "1x0e", "node"),
            "norm": Field(v.square().sum(1, keepdim=True), "1x0e", "node"),
            "dot": Field((v * partner).sum(1, keepdim=True), "1x0e", "node"),
            "energy": Field(energy, "1x0e", "graph"),
        }

    def _summed(self, messages: Tensor, graph: Graph) -> Tensor:
        zeros = messages.new_zeros(len(graph), messages.shape[1])
        return zeros.index_add(0, graph.receivers, messages)

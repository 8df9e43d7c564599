"""A small network of tensor products that can learn the tasks with known answers.

One convolution as of tensor field networks (Thomas et al., arXiv 1802.08219): what a neighbour sends, times harmonics
of the edge, weighted by a network of length and both species. Then products of the sums with themselves, as of the
atomic cluster expansion (Drautz, Phys. Rev. B 99, 014104 (2019)): at every atom, or of the sums over the whole
structure where a label multiplies what happens at different atoms. No layer has a bias.

Shapes: N points, E edges, B structures, C channels, S sums (N or B).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from e3nn import nn as e3nn_nn
from e3nn import o3
from torch import Tensor, nn

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.radial import gaussians
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

CLOSEST = 0.5
HIDDEN = 64
TYPICAL_NEIGHBOURS = 4.0


@dataclass(frozen=True)
class ProductConfig:
    """Settings.

    Attributes:
        species: the atomic numbers that it tells apart.
        channels: copies of each irrep.
        lmax: largest degree of the harmonics.
        order: how many factors the highest product has: 1 (none), 2 or 3.
        pooled: multiply sums over the whole structure instead of sums over neighbours.
        odd: predict a pseudo-scalar.
        bend: of the layers that read the invariants; fixed by the class.
        cutoff: in the structures' length unit.
        basis: number of Gaussians.
    """

    species: tuple[int, ...] = (6, 7, 8, 9, 16)
    channels: int = 8
    lmax: int = 2
    order: int = 2
    pooled: bool = False
    odd: bool = False
    cutoff: float = 4.0
    basis: int = 12
    bend: ClassVar[Callable[[Tensor], Tensor]] = staticmethod(torch.nn.functional.silu)


@dataclass(frozen=True)
class SaturatingConfig(ProductConfig):
    """The same with tanh: silu without biases has no plateau."""

    bend: ClassVar[Callable[[Tensor], Tensor]] = staticmethod(torch.tanh)


class ProductNetwork(EquivariantModel):
    """Messages, their sums, products of these, and a number per structure; output ``label``."""

    family = "product network"
    group = "E(3)"

    def __init__(self, config: ProductConfig) -> None:
        super().__init__(config)
        self.config: ProductConfig = config
        kinds = len(config.species)
        self.harmonics = o3.Irreps.spherical_harmonics(config.lmax)
        sent = o3.Irreps([(config.channels, (0, 1))])
        sums = o3.Irreps([(config.channels, ir) for _, ir in self.harmonics])
        self.embedding = o3.Linear(o3.Irreps([(kinds, (0, 1))]), sent)
        self.message = o3.TensorProduct(
            sent,
            self.harmonics,
            sums,
            [(0, place, place, "uvu", True) for place in range(len(sums))],
            internal_weights=False,
            shared_weights=False,
        )
        widths = [config.basis + 2 * kinds, HIDDEN, HIDDEN, self.message.weight_numel]
        self.radial = e3nn_nn.FullyConnectedNet(widths, torch.nn.functional.silu)
        self.stage_messages = Stage(str(sums), "edge")
        self.stage_sums = Stage(str(sums), "graph" if config.pooled else "node")
        self.squares, self.cubes = self._products(sums)
        powers = [sums, *(product.irreps_out for product in (self.squares, self.cubes) if product is not None)]
        self.invariants = o3.Irreps([(mul, ir) for irreps in powers for mul, ir in irreps if ir.l == 0])
        wanted = o3.Irreps([(1, (0, -1 if config.odd else 1))])
        self.linear = o3.Linear(self.invariants, wanted)
        even = 0 if config.odd else sum(mul for mul, ir in self.invariants if ir.p == 1)
        self.hidden = e3nn_nn.FullyConnectedNet([even, 32, 32, 1], config.bend) if even else None

    def _products(self, sums: o3.Irreps) -> tuple[ChannelProduct | None, ChannelProduct | None]:
        """The product of two sums, and that of three."""
        order, scalars = self.config.order, [o3.Irrep(0, 1), o3.Irrep(0, -1)]
        if order < 2:
            return None, None
        every = [ir for degree in range(self.config.lmax + 1) for ir in (o3.Irrep(degree, 1), o3.Irrep(degree, -1))]
        squares = ChannelProduct(sums, sums, every if order == 3 else scalars, self.config.channels)
        return squares, ChannelProduct(squares.irreps_out, sums, scalars, self.config.channels) if order == 3 else None

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours within the cutoff, in the dtype of the weights."""
        return Graph.from_structures(structures, self.config.cutoff, dtype=self.linear.weight.dtype)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """The label of each structure."""
        sums = self._sums(graph)  # [S, C x (L+1)^2]
        found = [sums]
        if self.squares is not None:
            found.append(self.squares(sums, sums))
        if self.cubes is not None:
            found.append(self.cubes(found[1], sums))
        irreps = [sums_of.irreps_out for sums_of in (self.message, self.squares, self.cubes) if sums_of is not None]
        scalars = torch.cat([_scalars(values, of) for values, of in zip(found, irreps, strict=True)], 1)
        local = self.linear(scalars)  # [S, 1]
        if self.hidden is not None:
            local = local + self.hidden(_even(scalars, self.invariants))
        total = local if self.config.pooled else local.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch, local)
        return {"label": Field(total, "1x0o" if self.config.odd else "1x0e", "graph")}

    def _sums(self, graph: Graph) -> Tensor:
        vectors = graph.edge_vectors  # [E, 3]
        lengths = vectors.norm(dim=1)  # [E]
        harmonics = o3.spherical_harmonics(self.harmonics, vectors, normalize=True)  # [E, (L+1)^2]
        kinds = torch.stack([graph.species == number for number in self.config.species], 1).to(vectors)  # [N, kinds]
        near = (1 - (lengths / self.config.cutoff).square()).clamp(min=0)[:, None] ** 3
        basis = gaussians(lengths, CLOSEST, self.config.cutoff, self.config.basis, self.config.cutoff)
        told = torch.cat([basis, kinds[graph.senders], kinds[graph.receivers]], 1)
        sent = self.embedding(kinds)[graph.senders]
        messages = self.stage_messages(self.message(sent, harmonics, near * self.radial(told)))
        receivers = graph.batch[graph.receivers] if self.config.pooled else graph.receivers
        rows = graph.n_graphs if self.config.pooled else len(graph)
        summed = messages.new_zeros(rows, messages.shape[1]).index_add(0, receivers, messages)
        return self.stage_sums(summed / TYPICAL_NEIGHBOURS)


class ChannelProduct(nn.Module):
    """Both factors mixed by linear maps, then multiplied channel by channel along every path to the wanted irreps."""

    def __init__(self, left: o3.Irreps, right: o3.Irreps, wanted: Sequence[o3.Irrep], channels: int) -> None:
        super().__init__()
        mixed = [o3.Irreps([(channels, ir) for ir in sorted({ir for _, ir in side})]) for side in (left, right)]
        self.left, self.right = o3.Linear(left, mixed[0]), o3.Linear(right, mixed[1])
        paths = [
            (i, j, ir_out)
            for i, (_, one) in enumerate(mixed[0])
            for j, (_, other) in enumerate(mixed[1])
            for ir_out in one * other
            if ir_out in wanted
        ]
        self.product = o3.TensorProduct(
            mixed[0],
            mixed[1],
            o3.Irreps([(channels, ir_out) for *_, ir_out in paths]),
            [(i, j, place, "uuu", True) for place, (i, j, _) in enumerate(paths)],
        )
        self.irreps_out = self.product.irreps_out

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """[S, left], [S, right] -> [S, paths x C]."""
        return self.product(self.left(left), self.right(right))


def _scalars(values: Tensor, irreps: o3.Irreps) -> Tensor:
    """The columns of degree zero."""
    kept = [values[:, part] for (_, ir), part in zip(irreps, irreps.slices(), strict=True) if ir.l == 0]
    return torch.cat(kept, 1)


def _even(values: Tensor, irreps: o3.Irreps) -> Tensor:
    kept = [values[:, part] for (_, ir), part in zip(irreps, irreps.slices(), strict=True) if ir.p == 1]
    return torch.cat(kept, 1)

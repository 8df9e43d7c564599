"""The exact toy network with one thing done wrong: the makings of the catalogue of planted faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps
from tests.toy_networks import ToyNetwork, molecule, toy

Act = Callable[[Tensor, Graph], Tensor]


class Spoiled(ToyNetwork):
    """The toy network with something done to the features after one layer."""

    layer: int
    act: Act

    def forward(self, graph: Graph) -> dict[str, Field]:
        self._graph = (graph,)
        return super().forward(graph)


class SpoiledLayer(nn.Module):
    """A layer, and then the mistake."""

    def __init__(self, layer: nn.Module, owner: ToyNetwork, act: Act) -> None:
        super().__init__()
        self.layer, self.act = layer, act
        # A tuple keeps the owner out of the module tree, where it would be its own descendant.
        self._owner = (owner,)

    def forward(self, features: Tensor, edges: Tensor, harmonics: Tensor, radial: Tensor) -> Tensor:
        return self.act(self.layer(features, edges, harmonics, radial), self._owner[0]._graph[0])


def spoiled(act: Act, layer: int = 0, dtype: torch.dtype = torch.float64, **settings: object) -> Spoiled:
    """A network whose layer `layer` goes wrong."""
    network = toy(dtype, **{"velocity": True, "spin": True, **settings})
    network.__class__ = Spoiled
    network.layers[layer] = SpoiledLayer(network.layers[layer], network, act)
    return network  # type: ignore[return-value]


HIDDEN = O3Irreps("3x0e+3x1o+3x1e+3x2o+3x2e")


def on_block(label: str, act: Callable[[Tensor], Tensor]) -> Act:
    """Act on one irrep of the hidden features, as [N, mul, 2l+1]."""

    def whole(features: Tensor, _: Graph) -> Tensor:
        block = next(block for block in HIDDEN.blocks if block.label == label)
        changed = features.clone()
        changed[:, block.indices] = act(block.take(features))
        return changed

    return whole


def swapped(first: str, second: str) -> Act:
    """Two irreps under each other's label."""

    def whole(features: Tensor, _: Graph) -> Tensor:
        blocks = {block.label: block.indices.flatten() for block in HIDDEN.blocks}
        changed = features.clone()
        changed[:, blocks[first]], changed[:, blocks[second]] = features[:, blocks[second]], features[:, blocks[first]]
        return changed

    return whole


def with_positions(features: Tensor, graph: Graph) -> Tensor:
    """Absolute positions added to the first vector."""
    changed = features.clone()
    changed[:, 3:6] = changed[:, 3:6] + 0.01 * graph.positions
    return changed


def poisoned(block: Tensor) -> Tensor:
    changed = block.clone()
    changed[2, 1, 0] = torch.nan
    return changed


def poisoned_on_one_side(features: Tensor, graph: Graph) -> Tensor:
    """Not finite only when the first atom lies at positive x: the input as given is fine."""
    return torch.where(graph.positions[0, 0] > 0, torch.full_like(features, torch.inf), features)


class UnturnedVelocity(ToyNetwork):
    """Forgets to turn a typed attribute with the positions."""

    def inputs(self, graph: Graph) -> Tensor:
        fixed = molecule().node["velocity"]
        if len(fixed) == len(graph):
            graph = replace(graph, node={**graph.node, "velocity": fixed})
        return super().inputs(graph)


class UnturnedCell(ToyNetwork):
    """Forgets to turn the cell with the positions."""

    def prepare(self, structures: object) -> Graph:
        listed = [structures] if isinstance(structures, Structure) else list(structures)  # type: ignore[call-overload]
        return super().prepare([replace(s, cell=molecule(cell=True).cell) for s in listed])


class StaleCache(ToyNetwork):
    """Keeps the first graph of a given size."""

    def prepare(self, structures: object) -> Graph:
        made = super().prepare(structures)  # type: ignore[arg-type]
        kept = self.__dict__.setdefault("_kept", {})
        return kept.setdefault((made.n_graphs, len(made)), made)


class FewNeighbours(ToyNetwork):
    """Reads the first four neighbours of each atom only, in the order of their numbers."""

    def prepare(self, structures: object) -> Graph:
        made = super().prepare(structures)  # type: ignore[arg-type]
        starts = torch.searchsorted(made.receivers.contiguous(), made.receivers.contiguous())
        kept = torch.arange(made.edge_index.shape[1]) - starts < 4
        return replace(made, edge_index=made.edge_index[:, kept], shifts=made.shifts[kept])


class PseudoVector(ToyNetwork):
    """Calls a pseudo-vector a vector."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        out = super().forward(graph)
        wrong = torch.linalg.cross(out["vector"].values, graph.node["velocity"].values)
        return {**out, "vector": Field(wrong, "1x1o", "node")}


class SinglePrecisionHarmonics(ToyNetwork):
    """Constants or intermediates in float32 inside a float64 network."""

    def prepare(self, structures: object) -> Graph:
        made = super().prepare(structures)  # type: ignore[arg-type]
        return made.with_edge_vectors(made.edge_vectors.float().double())


def remade(kind: type[ToyNetwork]) -> Callable[[], nn.Module]:
    """The toy network as another class."""

    def make() -> nn.Module:
        network = toy(velocity=True, spin=True)
        network.__class__ = kind
        return network

    return make


def left_on() -> nn.Module:
    dropout = nn.Dropout(0.3)
    network = spoiled(lambda features, _: dropout(features))
    network.layers[0].dropout = dropout
    return network.train()


def built_in_single_precision() -> nn.Module:
    return toy(torch.float32, velocity=True, spin=True).double()


class Opaque(ToyNetwork):
    """The cutoff is no smooth end: a neighbour counts in full or not at all."""

    def radial(self, lengths: Tensor) -> Tensor:
        return torch.ones(len(lengths), 8, dtype=lengths.dtype)


def lattice_at_the_cutoff() -> Structure:
    """A few atoms of a cubic lattice whose spacing is the cutoff of 3 to rounding, off the origin."""
    axis = torch.arange(2, dtype=torch.float64)
    points = 3.0 * torch.cartesian_prod(axis, axis, axis) + torch.tensor([0.1, 0.37, 0.23])
    inner = points[:4] + torch.tensor([0.7, 0.4, 0.9])
    generator = torch.Generator().manual_seed(5)
    node = {
        "velocity": Field(torch.randn(12, 3, generator=generator, dtype=torch.float64), "1o"),
        "spin": Field(torch.randn(12, 3, generator=generator, dtype=torch.float64), "1e"),
    }
    return Structure(torch.cat([points, inner]), 1 + torch.arange(12) % 2, node=node)


class OutputOnly(ToyNetwork):
    """Right up to the last step."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        out = super().forward(graph)
        return {**out, "vector": out["vector"].with_values(out["vector"].values.clamp(min=0.0))}


class StaleEdges(ToyNetwork):
    """Edge vectors from before the structure was turned."""

    def prepare(self, structures: object) -> Graph:
        made = super().prepare(structures)  # type: ignore[arg-type]
        first = super().prepare(molecule())
        return made.with_edge_vectors(first.edge_vectors) if len(made) == len(first) else made


class Jumping(ToyNetwork):
    """One rotation in a hundred is wrong: where a structure's first atom looks nearly along a fixed direction."""

    def inputs(self, graph: Graph) -> Tensor:
        found = super().inputs(graph)
        first = torch.searchsorted(graph.batch, torch.arange(graph.n_graphs))  # [graphs]
        arms = graph.positions[first] - graph.positions[first + 1]
        towards = arms @ torch.tensor([0.48, 0.6, 0.64], dtype=arms.dtype) / arms.norm(dim=1)
        return found * torch.where(towards > 0.97, 1.1, 1.0).to(found)[graph.batch, None]


class ByHand(nn.Module):
    """Normalises over components with arithmetic only."""

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred / (1e-3 + (centred * centred).mean(-1, keepdim=True)) ** 0.5


def on_grid(resolution: int) -> Act:
    """e3nn's activation on the sphere, one copy of each degree, on a coarse grid."""
    from e3nn.nn import S2Activation

    act = S2Activation("1x0e+1x1o+1x2e", torch.tanh, resolution, lmax_out=2)
    return _SphereAct(act.double())


class _SphereAct(nn.Module):
    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act

    def forward(self, features: Tensor, _: Graph) -> Tensor:
        block = {b.label: b.indices for b in HIDDEN.blocks}
        places = torch.cat([block[label][0] for label in ("0e", "1o", "2e")])
        changed = features.clone()
        changed[:, places] = self.act(4 * features[:, places])
        return changed


def noisy() -> nn.Module:
    return spoiled(lambda features, _: features + 1e-3 * torch.randn_like(features))


def batch_statistics() -> nn.Module:
    norm = nn.BatchNorm1d(3, dtype=torch.float64)
    network = spoiled(on_block("0e", lambda x: norm(x[..., 0])[..., None]))
    network.layers[0].norm = norm
    return network.train()

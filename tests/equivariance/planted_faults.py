"""A catalogue of mistakes, each a small wrapper around the exact toy network, with what a check must say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from equiviz.equivariance.claims import Kind
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps
from tests.toy_networks import ToyNetwork, molecule, toy

Act = Callable[[Tensor, Graph], Tensor]


@dataclass(frozen=True)
class Fault:
    """One mistake.

    Attributes:
        make: builds the broken network.
        stage, irrep: where it breaks first.
        groups: the kinds of transformation that must fail.
        intact: kinds that must not.
        cell: whether the input is periodic.
        diagnosis: the code of the cause that must be found, where there is one.
        input: another input than a molecule.
        wide: further rotations to try.
    """

    make: Callable[[], nn.Module]
    stage: str
    irrep: str
    groups: tuple[Kind, ...]
    intact: tuple[Kind, ...] = ()
    cell: bool = False
    diagnosis: str = ""
    input: Callable[[], Structure] | None = None
    wide: int = 0

    def structure(self) -> Structure:
        return molecule(cell=self.cell) if self.input is None else self.input()


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
    """One rotation in a hundred is wrong: where the first atom looks nearly along a fixed direction."""

    def inputs(self, graph: Graph) -> Tensor:
        found = super().inputs(graph)
        arm = graph.positions[0] - graph.positions[1]
        towards = arm @ torch.tensor([0.48, 0.6, 0.64], dtype=arm.dtype) / arm.norm()
        return found * 1.1 if float(towards) > 0.97 else found


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


FAULTS: dict[str, Fault] = {
    "a NaN in one entry": Fault(
        lambda: spoiled(on_block("2e", poisoned), 1), "stage_layers.1", "2e", ("rotation", "permutation", "determinism")
    ),
    "an infinity that only some orientations show": Fault(
        lambda: spoiled(poisoned_on_one_side), "stage_layers.0", "0e", ("inversion",), ("determinism",)
    ),
    "relu on vectors": Fault(
        lambda: spoiled(on_block("1o", torch.relu)), "stage_layers.0", "1o", ("rotation",), ("translation", "batch")
    ),
    "an error of 1e-4 in one layer": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 1e-4 * x.relu()), 1), "stage_layers.1", "1o", ("rotation",)
    ),
    "an error of 1e-4 in one layer, float32": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 2e-4 * x.relu()), 1, torch.float32),
        "stage_layers.1",
        "1o",
        ("rotation",),
        ("translation", "permutation"),
    ),
    "tanh on components of l = 2": Fault(
        lambda: spoiled(on_block("2e", lambda x: torch.tanh(5 * x))), "stage_layers.0", "2e", ("rotation",)
    ),
    "layer norm over vector components": Fault(
        lambda: spoiled(on_block("1o", lambda x: nn.functional.layer_norm(x, x.shape[-2:]))),
        "stage_layers.0",
        "1o",
        ("rotation",),
    ),
    "(x, y, z) taken for (y, z, x)": Fault(
        lambda: spoiled(on_block("1o", lambda x: x.roll(1, -1))),
        "stage_layers.0",
        "1o",
        ("rotation",),
        ("translation",),
    ),
    "parity mislabelled": Fault(
        lambda: spoiled(swapped("1o", "1e")), "stage_layers.0", "1o", ("inversion",), ("rotation", "permutation")
    ),
    "a pseudo-vector called a vector": Fault(
        remade(PseudoVector), "output.vector", "1o", ("inversion",), ("rotation", "translation")
    ),
    "only some directions": Fault(
        lambda: spoiled(
            on_block("1o", lambda x: torch.where(x[..., 2:] > 0.9 * x.norm(dim=-1, keepdim=True), 2 * x, x))
        ),
        "stage_layers.0",
        "1o",
        ("rotation",),
    ),
    "an attribute that is not turned": Fault(remade(UnturnedVelocity), "stage_inputs", "1o", ("rotation", "inversion")),
    "a cell that is not turned": Fault(
        remade(UnturnedCell), "stage_harmonics", "1o", ("rotation",), ("translation",), cell=True
    ),
    "absolute positions": Fault(
        lambda: spoiled(with_positions),
        "stage_layers.0",
        "1o",
        ("translation",),
        ("rotation", "inversion", "permutation"),
    ),
    "a running sum over atoms": Fault(
        lambda: spoiled(lambda x, _: x + 1e-3 * x.cumsum(0)), "stage_layers.0", "0e", ("permutation",), ("rotation",)
    ),
    "neighbours truncated by their number": Fault(
        remade(FewNeighbours), "stage_layers.0", "0e", ("permutation",), ("rotation", "translation"), cell=True
    ),
    "a mean over the whole batch": Fault(
        lambda: spoiled(on_block("2o", lambda x: x - x.mean(0))), "stage_layers.0", "2o", ("batch",), ("rotation",)
    ),
    "dropout left on": Fault(left_on, "stage_layers.0", "0e", ("determinism",)),
    "a stale cache": Fault(remade(StaleCache), "stage_harmonics", "1o", ("rotation",), ("determinism", "translation")),
    "float32 inside float64": Fault(remade(SinglePrecisionHarmonics), "stage_harmonics", "1o", ("rotation",)),
    "leaky relu on pseudo-vectors": Fault(
        lambda: spoiled(on_block("1e", nn.functional.leaky_relu)),
        "stage_layers.0",
        "1e",
        ("rotation",),
        diagnosis="pointwise-nonlinearity",
    ),
    "clamped components": Fault(
        lambda: spoiled(on_block("2o", lambda x: x.clamp(max=0.0)), 1),
        "stage_layers.1",
        "2o",
        ("rotation",),
        diagnosis="pointwise-nonlinearity",
    ),
    "softmax over components": Fault(
        lambda: spoiled(on_block("1o", lambda x: x.softmax(-1))),
        "stage_layers.0",
        "1o",
        ("rotation",),
        diagnosis="component-normalisation",
    ),
    "normalised over components by hand": Fault(
        lambda: spoiled(on_block("1o", ByHand())),
        "stage_layers.0",
        "1o",
        ("rotation",),
        diagnosis="component-normalisation",
    ),
    "an exponential of components, written out": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 0.1 * 2.718281828 ** (5 * x)), 1),
        "stage_layers.1",
        "1o",
        ("rotation",),
        diagnosis="pointwise-nonlinearity",
    ),
    "gravity": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 0.02 * torch.eye(3, dtype=x.dtype)[2])),
        "stage_layers.0",
        "1o",
        ("rotation",),
        ("translation", "permutation"),
        diagnosis="preferred-axis",
    ),
    "one rotation in a hundred": Fault(
        remade(Jumping), "stage_inputs", "0e", ("rotation",), diagnosis="rare-directions", wide=300
    ),
    "a cutoff without an end": Fault(
        remade(Opaque),
        "stage_layers.0",
        "0e",
        ("rotation",),
        ("permutation",),
        diagnosis="neighbour-flips",
        input=lattice_at_the_cutoff,
    ),
    "float32 constants in float64": Fault(
        built_in_single_precision, "stage_layers.0", "1o", ("rotation",), diagnosis="float32-constants"
    ),
    "a grid that is too coarse": Fault(
        lambda: spoiled(on_grid(8)), "stage_layers.0", "0e", ("rotation",), diagnosis="grid-resolution"
    ),
    "rolled atoms": Fault(
        lambda: spoiled(lambda x, _: x + 0.1 * x.roll(1, 0)),
        "stage_layers.0",
        "0e",
        ("permutation",),
        ("rotation", "translation"),
        diagnosis="order-dependence",
    ),
    "noise in each call": Fault(noisy, "stage_layers.0", "0e", ("determinism",), diagnosis="randomness"),
    "statistics of the batch": Fault(
        batch_statistics, "stage_layers.0", "0e", ("batch",), ("rotation",), diagnosis="training-mode"
    ),
    "a pseudo-vector added to a vector": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 3 * torch.linalg.cross(x, x[..., [1, 2, 0], :]))),
        "stage_layers.0",
        "1o",
        ("inversion",),
        ("rotation",),
        diagnosis="parity-mixed",
    ),
    "edge vectors of yesterday": Fault(
        remade(StaleEdges), "stage_harmonics", "1o", ("rotation", "permutation"), diagnosis="attribute-not-rotated"
    ),
    "wrong in the output only": Fault(
        remade(OutputOnly), "output.vector", "1o", ("rotation",), ("permutation",), diagnosis="pointwise-nonlinearity"
    ),
    "components of l = 2 in reverse": Fault(
        lambda: spoiled(on_block("2e", lambda x: x.flip(-1))),
        "stage_layers.0",
        "2e",
        ("rotation",),
        diagnosis="axis-order",
    ),
}

DIAGNOSES = {
    "a NaN in one entry": "not-finite",
    "an infinity that only some orientations show": "not-finite",
    "relu on vectors": "pointwise-nonlinearity",
    "an error of 1e-4 in one layer": "pointwise-nonlinearity",
    "an error of 1e-4 in one layer, float32": "pointwise-nonlinearity",
    "tanh on components of l = 2": "pointwise-nonlinearity",
    "layer norm over vector components": "component-normalisation",
    "(x, y, z) taken for (y, z, x)": "axis-order",
    "parity mislabelled": "parity-mislabelled",
    "a pseudo-vector called a vector": "parity-mislabelled",
    "only some directions": "preferred-axis",
    "an attribute that is not turned": "attribute-not-rotated",
    "a cell that is not turned": "cell-not-rotated",
    "absolute positions": "centre-dependence",
    "a running sum over atoms": "order-dependence",
    "neighbours truncated by their number": "neighbour-truncation",
    "a mean over the whole batch": "batch-dependence",
    "dropout left on": "dropout",
    "a stale cache": "stale-cache",
    "float32 inside float64": "float32-constants",
    **{name: fault.diagnosis for name, fault in FAULTS.items() if fault.diagnosis},
}
"""The cause that must be found for each."""

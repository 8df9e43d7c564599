"""A small, real tensor-field network made of e3nn modules: the exact model that tests check, break and probe."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from e3nn import nn as e3nn_nn
from e3nn import o3
from torch import Tensor, nn

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field


@dataclass(frozen=True)
class ToyConfig:
    """Thomas et al., arXiv 1802.08219, in small.

    Attributes:
        channels: copies of each irrep.
        lmax: largest degree.
        layers: number of convolutions.
        cutoff: in the structures' length unit.
        velocity: read the node attribute "velocity" (1o).
        spin: read the node attribute "spin" (1e).
    """

    channels: int = 3
    lmax: int = 2
    layers: int = 2
    cutoff: float = 3.0
    velocity: bool = False
    spin: bool = False


class Convolution(nn.Module):
    """Sum over neighbours of R(r) (h_j x Y(r_ij)), then a linear map and a gate."""

    def __init__(self, irreps_in: o3.Irreps, config: ToyConfig) -> None:
        super().__init__()
        harmonics = o3.Irreps.spherical_harmonics(config.lmax)
        wanted = [(config.channels, (degree, p)) for degree in range(1, config.lmax + 1) for p in (-1, 1)]
        scalars = o3.Irreps([(config.channels, (0, 1))])
        gates = o3.Irreps([(config.channels * len(wanted), (0, 1))])
        self.gate = e3nn_nn.Gate(scalars, [torch.tanh], gates, [torch.sigmoid], o3.Irreps(wanted))
        products, instructions = [], []
        for i, (mul, ir) in enumerate(irreps_in):
            for j, (_, ir_edge) in enumerate(harmonics):
                for ir_out in ir * ir_edge:
                    if ir_out in self.gate.irreps_in:
                        instructions.append((i, j, len(products), "uvu", True))
                        products.append((mul, ir_out))
        self.product = o3.TensorProduct(
            irreps_in, harmonics, o3.Irreps(products), instructions, internal_weights=False, shared_weights=False
        )
        self.mix = o3.Linear(o3.Irreps(products), self.gate.irreps_in)
        self.radial = e3nn_nn.FullyConnectedNet([8, 8, self.product.weight_numel], torch.nn.functional.silu)
        self.irreps = self.gate.irreps_out

    def forward(self, features: Tensor, edges: Tensor, harmonics: Tensor, radial: Tensor) -> Tensor:
        """[N, in], [2, E], [E, sh], [E, 8] -> [N, out]."""
        sender, receiver = edges
        messages = self.product(features[sender], harmonics, self.radial(radial))  # [E, products]
        summed = messages.new_zeros(len(features), messages.shape[1]).index_add(0, receiver, messages)
        return self.gate(self.mix(summed / 4))


class ToyNetwork(EquivariantModel):
    """Density of the neighbours, convolutions, and a scalar per graph, a vector and an l=2 tensor per node."""

    family = "toy"
    group = "E(3)"

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.config: ToyConfig = config
        self.harmonics = o3.Irreps.spherical_harmonics(config.lmax)
        inputs = o3.Irreps("2x0e") + o3.Irreps("1o" if config.velocity else "") + o3.Irreps("1e" if config.spin else "")
        irreps = [inputs]
        self.layers = nn.ModuleList()
        self.stage_layers = nn.ModuleList()
        for _ in range(config.layers):
            self.layers.append(Convolution(irreps[-1], config))
            irreps.append(self.layers[-1].irreps)
            self.stage_layers.append(Stage(str(irreps[-1])))
        self.stage_harmonics = Stage(str(self.harmonics), "edge")
        self.stage_inputs = Stage(str(inputs))
        self.scalar = o3.Linear(irreps[-1], "1x0e")
        self.vector = o3.Linear(irreps[-1], "1x1o")
        self.tensor = o3.Linear(irreps[-1], "1x2e")

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours within the cutoff, in the dtype of the weights."""
        return Graph.from_structures(structures, self.config.cutoff, dtype=self.scalar.weight.dtype)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """Energy per graph, vector and tensor per node."""
        vectors = graph.edge_vectors  # [E, 3]
        lengths = vectors.norm(dim=1)  # [E]
        unit = torch.nn.functional.normalize(vectors, dim=1)
        harmonics = self.stage_harmonics(o3.spherical_harmonics(self.harmonics, unit, normalize=False))  # [E, sh]
        features = self.stage_inputs(self.inputs(graph))
        for layer, stage in zip(self.layers, self.stage_layers, strict=True):
            features = stage(layer(features, graph.edge_index, harmonics, self.radial(lengths)))
        atomic = self.scalar(features)  # [N, 1]
        energy = atomic.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch, atomic)
        return {
            "energy": Field(energy, "1x0e", "graph"),
            "vector": Field(self.vector(features), "1x1o", "node"),
            "tensor": Field(self.tensor(features), "1x2e", "node"),
        }

    def inputs(self, graph: Graph) -> Tensor:
        """Species one-hot (numbers 1 and 2), and the typed attributes asked for."""
        species = torch.stack([graph.species == 1, graph.species != 1], 1).to(graph.positions.dtype)  # [N, 2]
        names = [name for name in ("velocity", "spin") if getattr(self.config, name)]
        return torch.cat([species, *(graph.node[name].values for name in names)], 1)

    def radial(self, lengths: Tensor) -> Tensor:
        """Eight Gaussians, smoothly ended at the cutoff. [E] -> [E, 8]."""
        x = lengths[:, None] / self.config.cutoff
        centres = torch.linspace(0, 1, 8, dtype=lengths.dtype)
        return torch.exp(-(((x - centres) * 8) ** 2)) * 3 * (1 - x).clamp(min=0) ** 2


class Declared(nn.Module):
    """The same network without stages, seen only through its e3nn modules; its forward takes a Graph."""

    def __init__(self, network: ToyNetwork) -> None:
        super().__init__()
        self.layers, self.vector = network.layers, network.vector
        # A tuple hides the network from `named_modules`, and with it the stages.
        self._whole = (network,)

    def forward(self, graph: Graph) -> Tensor:
        """The vector output, as a plain tensor."""
        network = self._whole[0]
        vectors = graph.edge_vectors
        harmonics = o3.spherical_harmonics(network.harmonics, vectors, normalize=True)
        features = network.inputs(graph)
        for layer in self.layers:
            features = layer(features, graph.edge_index, harmonics, network.radial(vectors.norm(dim=1)))
        return self.vector(features)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """e3nn makes its constants in the default dtype: build exact networks under float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def toy(dtype: torch.dtype = torch.float64, seed: int = 0, **settings: object) -> ToyNetwork:
    """A network of its own, in evaluation mode; e3nn compiles each product at construction, so it is built once."""
    return copy.deepcopy(_built(dtype, seed, ToyConfig(**settings)))  # type: ignore[arg-type]


@functools.cache
def _built(dtype: torch.dtype, seed: int, config: ToyConfig) -> ToyNetwork:
    with default_dtype(dtype), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ToyNetwork(config).eval()


def molecule(atoms: int = 9, seed: int = 0, cell: bool = False, length: float = 2.6) -> Structure:
    """Random points of two species with a velocity and a spin each; periodic in a triclinic cell if asked for."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    positions = length / 2 * random(atoms, 3)
    lattice = length * torch.eye(3, dtype=torch.float64) + 0.3 * random(3, 3)
    return Structure(
        positions,
        1 + torch.arange(atoms) % 2,
        cell=lattice if cell else None,
        pbc=(cell, cell, cell),
        node={"velocity": Field(random(atoms, 3), "1o"), "spin": Field(random(atoms, 3), "1e")},
        species_names=("?", "A", "B"),
    )

"""Settings of `equiviz.models.glassy`, and what follows from positions alone: densities, edge functions, neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.functional import one_hot

from equiviz.models.errors import ConfigError
from equiviz.nn.errors import ModelError
from equiviz.nn.neighbour_convolution import edge_basis
from equiviz.nn.neighbour_density import neighbour_density
from equiviz.nn.neighbour_sum import SortedEdges
from equiviz.nn.radial import gaussians
from equiviz.structures.graph import Graph
from equiviz.symmetry.harmonics import spherical_harmonics

# Shapes: N nodes, E edges.
ENERGY = "inherent_energy"
N_SPECIES = 2
N_SOURCES = 3  # what the density projects: A, B, and the energy of neighbours
DENSITY_LMAX = 3
BARE, CAGED = (1022, 146), (1078, 154)
"""Sizes of the surroundings without and with cages: all features, and those that are no averages."""


@dataclass(frozen=True)
class GlassyConfig:
    """Settings of the network. Lengths in sigma.

    Attributes:
        times: Number of outputs of each kind.
        surroundings: Number of invariants per particle that the structures carry; the default is that of
            `Surroundings()`, with a `cage_temperature` that of ``Surroundings(cage=True)``, 1078; 0 reads none.
        local: How many of these, from the first, the network reads (the others are averages, and serve the ridge
            regression); with a `cage_temperature` the default is 154.
        scalars, vectors: Channels of degree 0 and 1 in the layers.
        layers: Number of convolutions after the density.
        width: Of the embedding of the inputs.
        products: Learned products of density channels per degree.
        pooled: Channels that are averaged over neighbourhoods.
        rounds: Numbers of rounds of averaging.
        density_cutoff, message_cutoff, pooling_cutoff: Distances up to which neighbours enter the density, the
            convolutions and the averages.
        density_radial, message_radial: Numbers of Gaussians.
        dropout: In the decoder.
        embedding_dropout: Of the embedded inputs.
        input_dropout: Share of the surroundings' features hidden in a training step (for all particles alike).
        messages: "equivariant", or "scalar": no directions after the first layer, for comparison; then there is no
            vector output.
        linear_share: Weight of the ridge regression in the propensity after training, 0 to 1; its coefficients come
            from `fit_linear`.
        cage_temperature: Let the particles rattle in their cages at this temperature before looking
            (`equiviz.datasets.glass.cage`; a short simulation!) and read centre and size of the cage; 0 reads structure
            alone.
        compiled: Whether neighbour sums run in compiled loops on the CPU.
    """

    times: int = 1
    surroundings: int = BARE[0]
    local: int = BARE[1]
    scalars: int = 16
    vectors: int = 4
    layers: int = 3
    width: int = 64
    products: int = 16
    pooled: int = 32
    rounds: tuple[int, ...] = (2, 4, 8, 16)
    density_cutoff: float = 2.6
    message_cutoff: float = 1.65
    pooling_cutoff: float = 2.0
    density_radial: int = 8
    message_radial: int = 3
    dropout: float = 0.4
    embedding_dropout: float = 0.1
    input_dropout: float = 0.2
    messages: Literal["equivariant", "scalar"] = "equivariant"
    linear_share: float = 0.0
    cage_temperature: float = 0.0
    compiled: bool = True

    def __post_init__(self) -> None:
        """Choose the sizes that cages call for, and refuse settings that make no network. Raises ConfigError."""
        if self.cage_temperature > 0.0 and self.surroundings == BARE[0]:  # no structure with cages carries so many
            object.__setattr__(self, "surroundings", CAGED[0])
            object.__setattr__(self, "local", CAGED[1] if self.local == BARE[1] else self.local)
        whole = (self.times, self.scalars, self.vectors, self.width, self.products, self.pooled, self.density_radial)
        if min(whole) < 1 or self.layers < 0 or self.surroundings < 0 or self.message_radial < 1:
            raise ConfigError("glassy: expected at least one channel of each kind, and no negative number of layers.")
        if max(self.message_cutoff, self.pooling_cutoff) > self.density_cutoff:
            raise ConfigError(
                f"glassy: expected density_cutoff={self.density_cutoff:g} to be the largest cutoff, since the graph is "
                f"built with it; got message_cutoff={self.message_cutoff:g}, pooling_cutoff={self.pooling_cutoff:g}."
            )
        if self.linear_share and not self.surroundings:
            raise ConfigError(
                f"glassy: linear_share={self.linear_share:g} blends in a ridge regression on the surroundings, but "
                f"surroundings=0 leaves them out. Set one of the two to its default."
            )
        if not 0.0 <= self.linear_share <= 1.0 or self.cage_temperature < 0.0:
            raise ConfigError(
                f"glassy: expected linear_share from 0 to 1 and cage_temperature >= 0, "
                f"got {self.linear_share:g} and {self.cage_temperature:g}."
            )


@dataclass(frozen=True, eq=False)
class Geometry:
    """What follows from positions alone: computed once for a graph whose positions carry no gradient."""

    density: Tensor  # [N, 16, 3 x density_radial]
    basis: Tensor  # [E, 9 x message_radial]
    messages: SortedEdges
    pooling: SortedEdges


_KNOWN: WeakKeyDictionary[Graph, dict[GlassyConfig, Geometry]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class _Last:
    """The geometry that was computed last, and copies of what it is made of: tools show a model copies of one graph."""

    key: GlassyConfig
    sources: tuple[Tensor, ...]
    geometry: Geometry


_LAST: list[_Last] = []
"""One, or none yet."""


def geometry_of(graph: Graph, config: GlassyConfig) -> Geometry:
    """The geometry of a graph, unless derivatives are taken through it remembered as long as the graph lives.

    The last one is found again for another graph with equal positions, cells, edges, species and energies, too.
    """
    if _is_differentiated(graph):
        return _geometry(graph, config)
    key = GlassyConfig(
        density_cutoff=config.density_cutoff,
        message_cutoff=config.message_cutoff,
        pooling_cutoff=config.pooling_cutoff,
        density_radial=config.density_radial,
        message_radial=config.message_radial,
        compiled=config.compiled,
    )
    known = _KNOWN.setdefault(graph, {})
    if key not in known:
        known[key] = _last_or_new(graph, key)
    return known[key]


def _last_or_new(graph: Graph, key: GlassyConfig) -> Geometry:
    """The last geometry where it is that of this graph, else a new one, which is then the last."""
    sources = _sources_of(graph)
    for last in _LAST[:]:
        alike = last.key == key and len(last.sources) == len(sources)
        if alike and all(_same(one, other) for one, other in zip(last.sources, sources, strict=True)):
            return last.geometry
    with torch.no_grad():
        made = _geometry(graph, key)
    _LAST[:] = [_Last(key, tuple(source.clone() for source in sources), made)]
    return made


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.device == other.device and torch.equal(one, other)


def _is_differentiated(graph: Graph) -> bool:
    """Whether somebody takes derivatives, backward or forward, of what the geometry is made of."""
    return any(
        source.requires_grad or forward_ad.unpack_dual(source).tangent is not None for source in _sources_of(graph)
    )


def _sources_of(graph: Graph) -> list[Tensor]:
    """All that the geometry is made of; without cells or given vectors, empty tensors stand in their places."""
    none = torch.empty(0)
    optional = [none if tensor is None else tensor for tensor in (graph.cells, graph.given_vectors)]
    energy = graph.node[ENERGY].values if ENERGY in graph.node else none
    return [graph.positions, *optional, energy, graph.species, graph.edge_index, graph.shifts, graph.batch]


def _geometry(graph: Graph, config: GlassyConfig) -> Geometry:
    vectors, lengths = graph.edge_vectors, graph.edge_vectors.norm(dim=1)
    shells = _bumps(lengths, config.density_radial, config.density_cutoff)
    harmonics = spherical_harmonics(DENSITY_LMAX, vectors)
    everyone = _within(graph, lengths, math.inf)
    density = neighbour_density(harmonics, shells, _densities(graph).to(shells), everyone, config.compiled)
    close = (lengths < config.message_cutoff).nonzero()[:, 0]
    radial = _bumps(lengths[close], config.message_radial, config.message_cutoff)
    return Geometry(
        density=density.flatten(2),
        basis=edge_basis(radial, spherical_harmonics(2, vectors[close])).contiguous(),
        messages=_within(graph, lengths, config.message_cutoff),
        pooling=_within(graph, lengths, config.pooling_cutoff),
    )


def _bumps(lengths: Tensor, count: int, cutoff: float) -> Tensor:
    return gaussians(lengths, 0.85, 0.87 * cutoff, count, cutoff)


def _within(graph: Graph, lengths: Tensor, cutoff: float) -> SortedEdges:
    sender, receiver = graph.edge_index[:, lengths.detach() < cutoff]
    return SortedEdges.from_index(sender, receiver, len(graph))


def _densities(graph: Graph) -> Tensor:
    """Species (one-hot) and the energy in standard units: [N, 3]."""
    energy = graph.node[ENERGY].values[:, :1].double() if ENERGY in graph.node else torch.zeros(len(graph), 1)
    return torch.cat([kinds_of(graph).to(energy), energy], 1)


def kinds_of(graph: Graph) -> Tensor:
    """Species as one-hot rows, A first: [N, 2] integers. Raises ModelError for species other than 1 (A) and 2 (B)."""
    kinds = graph.species - 1
    if bool(((kinds < 0) | (kinds >= N_SPECIES)).any()):
        raise ModelError(f"glassy knows species 1 (A) and 2 (B), but {torch.unique(graph.species).tolist()} came.")
    return one_hot(kinds, N_SPECIES)

"""Glassy: where in a quenched liquid will particles move? An equivariant network in the style of the SE(3)-GNN.

Francesco Saverio Pezzicoli, Guillaume Charpiat, Francois P. Landes, "Rotation-equivariant graph neural networks for
learning glassy liquids representations", arXiv 2211.03226 (SciPost Phys. 16, 136 (2024)).

How it follows the paper
------------------------
- Input: positions in the inherent structure, species, potential energy (the paper's section 3.1).
- First layer (`DensityProjection`): each neighbourhood projected on radial functions x spherical harmonics, by species;
  the invariants of this layer are what experts write down.
- Then tensor-field convolutions (`Layer`) with Clebsch-Gordan products, batch normalisation on scalars, residuals.
- Invariant decoder, one output per time and species.

Departures from the paper
-------------------------
1. The original's layer and channel counts could not be read in a public source; these were found on ten configurations.
2. Radial functions are Gaussians, mixed linearly. So the sum over neighbours comes first, coupling and mixing per node.
3. Degree 3 in the density only; later layers carry degrees 0 and 1.
4. Invariants of the density are learned products of pairs of channels (a power spectrum), not norms alone.
5. Besides the graph, the network reads invariants of wider surroundings (`equiviz.datasets.glass.surroundings`: radial
   shells to r = 5, energies, stiffness, stress, the distance to the inherent position, and averages of all these),
   centred within configuration and species. These enter as typed attributes, not through the edges.
6. Scalars of all layers are averaged over 2, 4, 8, 16 rounds of neighbours before the decoder: reach without depth.
7. A vector output: the mean displacement from the inherent position, as a 1o field per time.
8. The propensity is blended with a ridge regression on the surroundings (`linear_share`, `fit_linear`), which needs far
   fewer configurations than the network does.
9. Targets are standardised per configuration and species: shifts between configurations are not learned.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from equiviz.models.glassy_geometry import (
    DENSITY_LMAX,
    ENERGY,
    N_SOURCES,
    N_SPECIES,
    Geometry,
    GlassyConfig,
    geometry_of,
    kinds_of,
)
from equiviz.models.glassy_layers import DensityProjection, Layer
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.neighbour_convolution import Features
from equiviz.nn.neighbour_sum import SortedEdges, neighbour_mean
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

# Shapes: N nodes, F surroundings, S scalars, V vectors, W width of the embedding, T times.
SURROUNDINGS, OFFSET = "surroundings", "offsets"


class Glassy(EquivariantModel):
    """Propensity and mean displacement of each particle. See the module's docstring.

    Reads structures of a Kob-Andersen liquid: species 1 (A) and 2 (B). `measure` attaches what is missing: the inherent
    structure (``inherent_displacement``), ``inherent_energy`` and ``surroundings``.

    Outputs: ``propensity`` (`Tx0e`, in standard units of the configuration and species) and, with equivariant messages,
    ``displacement`` (`Tx1o`, mean displacement from the inherent position over its root mean square component).

    With a `cage_temperature` its `note` says that it reads a short simulation.
    """

    family: ClassVar[str] = "glassy"
    group: ClassVar[str] = "E(3)"
    config: GlassyConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    # With more epochs it overfits ten large configurations; validation, where there is one, stops forty small ones.
    training_defaults: ClassVar[Mapping[str, object]] = {"epochs": 12, "vector_weight": 0.3}
    spread: Tensor

    def __init__(self, config: GlassyConfig) -> None:
        super().__init__(config)
        channels, features = N_SOURCES * config.density_radial, config.surroundings
        s, v, directed = config.scalars, config.vectors, config.messages == "equivariant"
        self.n_offsets = 2 if config.cage_temperature else 1
        self.note = _note(config)
        self.register_buffer("spread", torch.ones(features))  # [F] root mean square over the training set
        self.power = DensityProjection(channels, config.products)
        self.embed = nn.Linear(
            min(features, config.local) + (DENSITY_LMAX + 1) * config.products + N_SPECIES, config.width
        )
        self.dropout = nn.Dropout(config.dropout)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.first_scalars = nn.Linear(config.width, s)
        self.first_vectors = nn.Linear(channels + self.n_offsets, v, bias=False) if directed else None
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        collected = config.width + (s + (v if directed else 0)) * (config.layers + 1)
        self.pool = nn.Linear(collected, config.pooled)
        wide = config.pooled * (1 + len(config.rounds))
        self.norm = nn.BatchNorm1d(wide)
        self.hidden = nn.Linear(wide, 64)
        self.readout = nn.Linear(64, N_SPECIES * config.times)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element")  # without surroundings
            self.linear = nn.Linear(features, N_SPECIES * config.times)
        self.linear.requires_grad_(False)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.vector_readout = nn.Linear(v + self.n_offsets, N_SPECIES * config.times, bias=False) if directed else None
        self._declare_stages(channels)

    def _declare_stages(self, channels: int) -> None:
        config, directed = self.config, self.config.messages == "equivariant"
        density = "+".join(f"{channels}x{degree}{'eo'[degree % 2]}" for degree in range(DENSITY_LMAX + 1))
        hidden = f"{config.scalars}x0e" + (f"+{config.vectors}x1o" if directed else "")
        self.density_stage = Stage(density)
        self.power_stage = Stage(f"{(DENSITY_LMAX + 1) * config.products}x0e")
        self.embedding_stage = Stage(f"{config.width}x0e")
        self.layer_stages = nn.ModuleList(Stage(hidden) for _ in range(config.layers + 1))
        self.pooled_stage = Stage(f"{config.pooled * (1 + len(config.rounds))}x0e")

    @torch.no_grad()
    def fit_linear(self, graphs: Sequence[Graph], targets: Sequence[Tensor], penalty: float = 3e4) -> None:
        """Set the spread of the surroundings, and fit the ridge regression in closed form; nothing without them.

        Args:
            graphs: One prepared configuration each.
            targets: `[N, T]` in standard units of configuration and species.
            penalty: On squared coefficients of features in standard units times `emphasis`; a quarter of it for B, of
                which there is a quarter.
        """
        from equiviz.datasets.glass.surroundings import Surroundings, emphasis

        if not self.config.surroundings:
            return
        spread = torch.stack([g.node[SURROUNDINGS].values.double().square().mean(0) for g in graphs]).mean(0).sqrt()
        spread = spread.clamp(min=1e-6)
        freedom = emphasis(Surroundings(cage=self.config.cage_temperature > 0)).to(spread)  # [F]
        coefficients = []
        for kind, own_penalty in enumerate((penalty, penalty / 4)):
            rows = [g.node[SURROUNDINGS].values[g.species == kind + 1].double() * (freedom / spread) for g in graphs]
            wanted = [t[g.species == kind + 1].double() for g, t in zip(graphs, targets, strict=True)]
            coefficients.append(_ridge(torch.cat(rows), torch.cat(wanted), own_penalty).T * freedom)  # [T, F]
        self.spread.copy_(spread)
        self.linear.weight.copy_(torch.cat(coefficients))

    def measure(self, structure: Structure) -> Structure:
        """Attach what is missing of ``inherent_displacement``, ``inherent_energy``, ``surroundings`` and the cages.

        Raises:
            DatasetError: Something is missing, and the structure is no Kob-Andersen liquid in a rectangular box (turned
                or not).
            ModelError: The configuration asks for another number of surroundings than is attached or measured.
        """
        from equiviz.datasets.glass.basin import measured
        from equiviz.datasets.glass.kob_andersen import for_reader

        attached, wanted = structure.node.get(SURROUNDINGS), self.config.surroundings
        if attached is not None and attached.dim != wanted > 0:  # those of a model with other settings
            rest = {name: field for name, field in structure.node.items() if name != SURROUNDINGS}
            structure = replace(structure, node=rest)
        with for_reader(self.family):
            known = measured(structure, wanted > 0, self.config.cage_temperature)
        if wanted and known.node[SURROUNDINGS].dim != wanted:
            raise ModelError(
                f"This network reads {wanted} invariants of the surroundings, but {known.node[SURROUNDINGS].dim} are "
                f"measured. Build it without the setting 'surroundings', or attach a field {wanted}x0e of that name."
            )
        return known

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """The graph of the inherent structure, of structures that are measured here where they are not yet.

        Raises:
            DatasetError: As `measure`.
        """
        items = [structures] if isinstance(structures, Structure) else list(structures)
        dtype = self.spread.dtype
        return Graph.from_structures([self._inherent(item) for item in items], self.config.density_cutoff, dtype)

    def _inherent(self, structure: Structure) -> Structure:
        """The structure at its inherent positions, carrying what the network reads."""
        config, known = self.config, self.measure(structure)
        moved = known.node["inherent_displacement"].values
        offsets = [-moved]
        if config.cage_temperature:
            offsets.append(known.node["cage_displacement"].values.to(moved) - moved)
        offset = torch.cat([way - (way.mean(0) if len(way) else 0.0) for way in offsets], 1)
        energy = known.node[ENERGY].values
        spread = energy.std(0, correction=0) if len(energy) > 1 else torch.ones(1).to(energy)
        scaled = (energy - energy.mean(0)) / torch.where(spread > 0, spread, 1.0) if len(energy) else energy
        node = {OFFSET: Field(offset, f"{len(offsets)}x1o", "node"), ENERGY: Field(scaled, "1x0e", "node")}
        if self.config.surroundings:
            node[SURROUNDINGS] = known.node[SURROUNDINGS]
        return replace(known, positions=known.positions + moved, node=node, graph={})

    def forward(self, graph: Graph) -> dict[str, Field]:
        """Predict; the graph is that of `prepare`."""
        geometry = geometry_of(graph, self.config)
        density = self._staged(self.density_stage, geometry.density)
        power = self.power_stage(self.power(density))
        local = self._hidden_at_random(self._surroundings(graph, self.config.local))
        inputs = torch.cat([local, power, kinds_of(graph).to(power)], 1)
        embedded = self.embedding_stage(self.embedding_dropout(silu(self.embed(inputs))))  # [N, W]
        # A tenth of sigma is the typical way from the inherent to the thermal position, and to the cage's centre.
        offset = graph.node[OFFSET].values.unflatten(1, (self.n_offsets, 3)).transpose(1, 2) / 0.1  # [N, 3, 1 or 2]
        h, collected = self._convolve(density, offset, embedded, geometry)
        outputs = {"propensity": self._propensity(collected, graph, geometry)}
        if self.vector_readout is not None:
            outputs["displacement"] = self._displacement(h, offset, graph)
        return outputs

    def _surroundings(self, graph: Graph, count: int) -> Tensor:
        """The first `count` of the surroundings' features in standard units: [N, count]."""
        if not self.config.surroundings:
            return self.spread.new_zeros(len(graph), 0)
        return graph.node[SURROUNDINGS].values[:, :count] / self.spread[:count]

    def _hidden_at_random(self, surroundings: Tensor) -> Tensor:
        if not self.training or not self.config.input_dropout:
            return surroundings
        keep = 1.0 - self.config.input_dropout
        shown = torch.rand(surroundings.shape[1], device=surroundings.device) < keep
        return surroundings * (shown.to(surroundings) / keep)

    def _convolve(
        self, density: Tensor, offset: Tensor, embedded: Tensor, geometry: Geometry
    ) -> tuple[Features, Tensor]:
        """All layers; returns the last features, and the invariants of all of them side by side."""
        h = {0: self.first_scalars(embedded)[:, None]}  # [N, 1, S]
        if self.first_vectors is not None:
            h[1] = self.first_vectors(torch.cat([density[:, 1:4], offset], 2))  # [N, 3, V]
        h = self._features_staged(0, h)
        collected = [embedded, *_invariants(h)]
        for place, layer in enumerate(self.layers, start=1):
            h = self._features_staged(place, layer(h, embedded, geometry))
            collected += _invariants(h)
        return h, torch.cat(collected, 1)

    def _propensity(self, collected: Tensor, graph: Graph, geometry: Geometry) -> Field:
        pooled = self.pooled_stage(self._averages(self.pool(collected), geometry.pooling))
        hidden = self.dropout(silu(self.hidden(self.dropout(self.norm(pooled)))))
        values = self.readout(hidden)  # [N, 2 T]
        if not self.training and self.config.linear_share:
            share = self.config.linear_share
            values = (1.0 - share) * values + share * self.linear(self._surroundings(graph, self.config.surroundings))
        values = _own_species(values[:, None], graph)[:, 0]
        return Field(values, f"{self.config.times}x0e", "node")

    def _displacement(self, h: Features, offset: Tensor, graph: Graph) -> Field:
        assert self.vector_readout is not None
        values = self.vector_readout(torch.cat([h[1], offset], 2))  # [N, 3, 2 T]
        vectors = _own_species(values, graph).transpose(1, 2).flatten(1)  # [N, T 3]
        return Field(vectors, f"{self.config.times}x1o", "node")

    def _averages(self, values: Tensor, edges: SortedEdges) -> Tensor:
        """The values [N, C] and their averages over rounds of neighbours, side by side: [N, C (1 + rounds)]."""
        taken = [values]
        for done in range(1, max(self.config.rounds, default=0) + 1):
            values = neighbour_mean(values, edges, self.config.compiled)
            if done in self.config.rounds:
                taken.append(values)
        return torch.cat(taken, 1)

    def _staged(self, stage: Stage, spherical: Tensor) -> Tensor:
        """Pass a density [N, (L+1)^2, C] through its stage, which holds irreps in the order mul_ir."""
        blocks = [spherical[:, d**2 : (d + 1) ** 2] for d in range(DENSITY_LMAX + 1)]
        flat = stage(torch.cat([block.transpose(1, 2).flatten(1) for block in blocks], 1))
        parts = flat.split([block[0].numel() for block in blocks] if len(flat) else _sizes(blocks), 1)
        return torch.cat([p.unflatten(1, (-1, 2 * d + 1)).transpose(1, 2) for d, p in enumerate(parts)], 1)

    def _features_staged(self, place: int, h: Features) -> Features:
        parts = [h[degree].transpose(1, 2).flatten(1) for degree in h]
        flat = self.layer_stages[place](torch.cat(parts, 1)).split([part.shape[1] for part in parts], 1)
        return {
            degree: part.unflatten(1, (-1, 2 * degree + 1)).transpose(1, 2)
            for degree, part in zip(h, flat, strict=True)
        }


def _note(config: GlassyConfig) -> str:
    """What users of a network of this configuration should know, or ""."""
    if not config.cage_temperature:
        return ""
    from equiviz.datasets.glass.cage import CageRuns

    return (
        f"This model reads a short simulation of its own (cages: {CageRuns(config.cage_temperature).describe()}), not "
        "structure alone: do not compare it with purely structural methods."
    )


def _ridge(rows: Tensor, wanted: Tensor, penalty: float) -> Tensor:
    """Coefficients [F, T] that minimise squared errors [n, T] plus `penalty` times their squares; no intercept."""
    square = rows.T @ rows + penalty * torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
    return torch.cholesky_solve(rows.T @ wanted, torch.linalg.cholesky(square))


def _sizes(blocks: Sequence[Tensor]) -> list[int]:
    return [block.shape[1] * block.shape[2] for block in blocks]


def _invariants(h: Features) -> list[Tensor]:
    """Scalars, and the mean square component of vectors: [N, S], [N, V]."""
    return [values[:, 0] if degree == 0 else values.square().mean(1) for degree, values in h.items()]


def _own_species(values: Tensor, graph: Graph) -> Tensor:
    """Of outputs [N, d, 2 T], those of each particle's own species: [N, d, T]."""
    kinds = kinds_of(graph).to(values)[:, None, :, None]  # [N, 1, 2, 1]
    return (values.unflatten(2, (N_SPECIES, -1)) * kinds).sum(2)


FAMILY = Family(
    name="glassy",
    config_class=GlassyConfig,
    model_class=Glassy,
    paper="Pezzicoli, Charpiat, Landes, SciPost Phys. 16, 136 (2024), arXiv:2211.03226",
    group="E(3)",
    small={"scalars": 4, "vectors": 2, "layers": 1, "width": 8, "products": 4, "pooled": 8, "rounds": [1, 2]},
    references={
        "glassy-T044": "rho(A) .791 (this network's paper, 400 configurations), .752 (BOTAN), .817 (EIGNN)",
        "glassy-T056": "rho(A) .652 (ridge), .550 (Bapst's network), same data: `equiviz benchmark glass`",
    },
)

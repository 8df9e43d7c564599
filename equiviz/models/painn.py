"""PaiNN: energies and forces, dipoles and polarizabilities of molecules, from scalars and Cartesian vectors.

Kristof T. Schuett, Oliver T. Unke, Michael Gastegger, "Equivariant message passing for the prediction of tensorial
properties and molecular spectra", ICML 2021, arXiv 2102.03150.

===================  ==================================================================================================
block                what it is
===================  ==================================================================================================
`sine_waves`         sin(n pi r / r_c) / r under a cosine cutoff (section 3.1, after DimeNet)
`Message`            ds_i = sum_j phi_s(s_j) W_s; dv_i = sum_j v_j phi_vv W_vv + phi_vs W_vs r_ij / |r_ij| (eqs. 7, 8)
`Update`             ds = a_ss + a_sv <Uv, Vv>; dv = a_vv Uv; a of (s, |Vv|) (eqs. 9, 10)
`GatedBlock`         gated equivariant block of the heads (figure 3; Weiler et al., arXiv 1807.02547)
`EnergyHead`         sum of a network of the scalars; forces are its derivative (section 3.3)
dipole               mu = sum_i mu_i(v) + q_i(s) r_i (eq. 11)
polarizability       alpha = sum_i alpha_0(s) 1 + nu_i(v) r_i^T + r_i nu_i(v)^T (eq. 12)
===================  ==================================================================================================

Departures
----------
1. Vectors are zero before the first message, so it has no phi_vv; where only the energy is asked for, the last update
   makes no vectors. The paper has these weights, which change nothing.
2. |Vv| is sqrt(|Vv|^2 + 1e-8), whose derivative is finite at zero.
3. In dipole and polarizability r_i is taken from the centre of mass: both are then the same wherever the molecule
   stands, and the dipole of an ion is that about its centre of mass.
4. The energy is summed in double precision over atoms, with a shift for each species, which the data give by least
   squares. Likewise alpha_0 has a shift for each species.
5. Forces are derivatives by the edge vectors, summed over the edges of each atom: the same numbers, they add up to zero
   to rounding, and edge vectors of one's own (`Graph.with_edge_vectors`) are honoured.

Edges longer than the cutoff weigh nothing, and energy and forces are continuous there. So a graph that was made with a
skin, ``prepare(structure, skin=0.5)``, serves while atoms move by less than half of it: `at_positions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, cast, get_args

import torch
from ase.data import atomic_masses
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from equiviz.models.errors import ConfigError
from equiviz.models.example_structures import organic_atoms
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.neighbour_sum import SortedEdges
from equiviz.nn.radial import sine_waves
from equiviz.nn.stage import Stage
from equiviz.nn.vector_messages import vector_messages
from equiviz.structures.elements import symbol
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import CartesianTensor, O3Irreps

# Shapes: N atoms, E edges, B structures, F width, R radial functions. Scalars are [N, F], vectors [N, 3, F].
Output = Literal["energy", "forces", "dipole", "polarizability"]
LAST_ELEMENT = 118
EPSILON = 1e-8  # of squared norms of vectors


@dataclass(frozen=True)
class PainnConfig:
    """Settings of the network.

    Attributes:
        species: atomic numbers that it knows.
        outputs: what it predicts: "energy", "forces" (needs "energy"), "dipole", "polarizability".
        width: scalars and vectors of each atom.
        layers: messages, each followed by an update.
        radial: radial functions.
        cutoff: in Å.
        energy_shifts: in eV, one for each species, or empty.
        energy_scale: in eV: what the head's number 1 means.
        dipole_scale, polarizability_scale: likewise, in the unit of the data.
        polarizability_shifts: of alpha_0, one for each species, or empty.
    """

    species: tuple[int, ...] = (1, 6, 7, 8)
    outputs: tuple[Output, ...] = ("energy", "forces")
    width: int = 64
    layers: int = 3
    radial: int = 20
    cutoff: float = 5.0
    energy_shifts: tuple[float, ...] = ()
    energy_scale: float = 1.0
    dipole_scale: float = 1.0
    polarizability_scale: float = 1.0
    polarizability_shifts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no network. Raises ConfigError."""
        if min(self.layers, self.radial) < 1 or self.width < 2 or not 0 < self.cutoff < math.inf:
            raise ConfigError("painn: expected layers and radial of at least 1, a width of at least 2, a cutoff > 0.")
        _refuse_species(self.species)
        wrong = [name for name in self.outputs if name not in get_args(Output)]
        if wrong or not self.outputs:
            raise ConfigError(f"painn: expected outputs among {', '.join(get_args(Output))}, got {self.outputs!r}.")
        if "forces" in self.outputs and "energy" not in self.outputs:
            raise ConfigError("painn: forces are derivatives of the energy; add 'energy' to the outputs.")
        for name in ("energy_shifts", "polarizability_shifts"):
            count = len(getattr(self, name))
            if count not in (0, len(self.species)):
                raise ConfigError(f"painn: expected {len(self.species)} {name}, one per species, or none; got {count}.")


def _refuse_species(species: tuple[int, ...]) -> None:
    if not species or len(set(species)) < len(species) or not 1 <= min(species) <= max(species) <= LAST_ELEMENT:
        raise ConfigError(f"painn: expected different atomic numbers from 1 to {LAST_ELEMENT}, got {species!r}.")


class Message(nn.Module):
    """What neighbours tell (equations 7 and 8)."""

    def __init__(self, width: int, first: bool) -> None:
        super().__init__()
        self.parts = 2 if first else 3  # without v_j there is nothing to carry on
        self.inner, self.outer = _dense(width, width), _dense(width, self.parts * width)

    def forward(
        self, s: Tensor, v: Tensor | None, filters: Tensor, directions: Tensor, edges: SortedEdges
    ) -> tuple[Tensor, Tensor]:
        """Scalars [N, F], vectors [N, 3, F] or None, filters [E, parts F], directions [E, 3] -> both, changed."""
        told = self.outer(silu(self.inner(s))).unflatten(1, (self.parts, -1))  # [N, parts, F]
        if v is not None:
            told = torch.cat([told[:, :2], told[:, 2:] * v], 1)  # [N, 5, F]
        got = vector_messages(told, filters.unflatten(1, (self.parts, -1)), directions, edges)
        return s + got[:, 0], got[:, 1:] if v is None else v + got[:, 1:]


class Update(nn.Module):
    """What an atom makes of it (equations 9 and 10)."""

    def __init__(self, width: int, makes_vectors: bool) -> None:
        super().__init__()
        self.makes_vectors = makes_vectors
        self.mix = _dense(width, 2 * width, bias=False)
        self.inner, self.outer = _dense(2 * width, width), _dense(width, (3 if makes_vectors else 2) * width)

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Scalars [N, F] and vectors [N, 3, F] -> the same, changed."""
        u, w = self.mix(v).split(s.shape[1], 2)  # [N, 3, F]
        known = torch.cat([s, _norms(w)], 1)
        own, mixed, *gate = self.outer(silu(self.inner(known))).split(s.shape[1], 1)  # [N, F]
        s = s + torch.addcmul(own, mixed, (u * w).sum(1))
        return s, torch.addcmul(v, gate[0].unsqueeze(1), u) if gate else v


class GatedBlock(nn.Module):
    """Scalars and vectors to scalars and vectors, the vectors gated by what the scalars say."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.out = out
        self.mix = _dense(width, 2 * out, bias=False)
        self.inner, self.outer = _dense(width + out, width), _dense(width, 2 * out)

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """[N, F], [N, 3, F] -> [N, out], [N, 3, out]."""
        u, w = self.mix(v).split(self.out, 2)
        own, gate = self.outer(silu(self.inner(torch.cat([s, _norms(w)], 1)))).split(self.out, 1)
        return own, u * gate.unsqueeze(1)


class TensorHead(nn.Module):
    """Two gated blocks: one scalar and one vector of each atom, for dipole and polarizability."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = GatedBlock(width, width // 2), GatedBlock(width // 2, 1)
        self.scalar_stage, self.vector_stage = Stage("1x0e"), Stage("1x1o")

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """[N, F], [N, 3, F] -> [N, 1], [N, 3]."""
        s, v = self.first(s, v)
        own, vector = self.second(silu(s), v)
        return self.scalar_stage(own), self.vector_stage(vector[:, :, 0])


class EnergyHead(nn.Module):
    """The energy of each atom, from its scalars."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = _dense(width, width // 2), _dense(width // 2, 1)
        self.stage = Stage("1x0e")

    def forward(self, s: Tensor) -> Tensor:
        """[N, F] -> [N, 1]."""
        return self.stage(self.outer(silu(self.inner(s))))


class Painn(EquivariantModel):
    """Molecules (or crystals) in, energy, forces, dipole and polarizability out. See the module's docstring.

    Outputs, as the configuration asks: ``energy`` (`1x0e` per graph, eV, float64), ``forces`` (`1x1o` per node, eV/Å),
    ``dipole`` (`1x1o` per graph) and ``polarizability`` (3 x 3 per graph), both in the unit of the training data.
    With gradients enabled (`model(graph)`) forces can be differentiated once more; `predict` makes no such graph.
    """

    family: ClassVar[str] = "painn"
    group: ClassVar[str] = "E(3)"
    task: ClassVar[str] = "molecules"
    config: PainnConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    place: Tensor
    mass: Tensor

    def __init__(self, config: PainnConfig) -> None:
        super().__init__(config)
        width, tensors = config.width, {"dipole", "polarizability"} & set(config.outputs)
        self.embedding = nn.Embedding(len(config.species), width)
        self.filters = _dense(config.radial + 1, (3 * config.layers - 1) * width, bias=False)
        self.messages = nn.ModuleList(Message(width, first=layer == 0) for layer in range(config.layers))
        self.updates = nn.ModuleList(
            Update(width, makes_vectors=bool(tensors) or layer < config.layers - 1) for layer in range(config.layers)
        )
        self.energy_head = EnergyHead(width) if "energy" in config.outputs else None
        self.dipole_head = TensorHead(width) if "dipole" in config.outputs else None
        self.polarizability_head = TensorHead(width) if "polarizability" in config.outputs else None
        self.register_buffer("place", _places(config.species), persistent=False)
        masses = torch.tensor([float(atomic_masses[number]) for number in config.species], dtype=torch.float64)
        self.register_buffer("mass", masses, persistent=False)
        self._declare_stages()

    def _declare_stages(self) -> None:
        scalars, vectors = f"{self.config.width}x0e", O3Irreps(f"{self.config.width}x1o", "ir_mul")
        made = [update.makes_vectors for update in cast("list[Update]", list(self.updates))]
        self.embedding_stage = Stage(scalars)
        self.message_scalars = nn.ModuleList(Stage(scalars) for _ in made)
        self.message_vectors = nn.ModuleList(Stage(vectors) for _ in made)
        self.update_scalars = nn.ModuleList(Stage(scalars) for _ in made)
        self.update_vectors = nn.ModuleList(Stage(vectors) for makes in made if makes)

    def prepare(self, structures: Structure | Sequence[Structure], skin: float = 0.0) -> Graph:
        """Neighbours within the cutoff, in the dtype and on the device of the weights.

        Args:
            structures: lengths in Å, species as atomic numbers; typed attributes are not read.
            skin: in Å; edges up to the cutoff plus this, for `at_positions`.

        Raises:
            ModelError: another unit of length, type numbers, or an element that the network does not know.
        """
        items = [structures] if isinstance(structures, Structure) else list(structures)
        for item in items:
            self._refuse(item)
        weights = self.embedding.weight
        bare = [replace(item, node={}, graph={}) for item in items]
        graph = Graph.from_structures(bare, self.config.cutoff + skin, weights.dtype)
        return graph if graph.positions.device == weights.device else graph.to(weights.device)

    def at_positions(self, graph: Graph, positions: Tensor) -> Graph:
        """The graph with its atoms elsewhere [N, 3]; right as long as none moved by half the skin it was made with."""
        return replace(graph, positions=positions.to(graph.positions))

    def _refuse(self, structure: Structure) -> None:
        if structure.length_unit != "Å" or structure.species_names is not None:
            raise ModelError(
                f"PaiNN reads lengths in Å and atomic numbers; this structure has lengths in {structure.length_unit}"
                f"{'' if structure.species_names is None else ' and type numbers'}. Give it with length_unit='Å' and "
                "species_names=None."
            )
        moments = sorted({"dipole", "polarizability"} & set(self.config.outputs))
        if moments and any(structure.pbc):
            raise ModelError(
                f"The {' and the '.join(moments)} of a periodic structure depend on which image of each atom is "
                "listed. Give a structure without periods."
            )
        unknown = sorted(set(structure.species.tolist()) - set(self.config.species))
        if unknown:
            known = ", ".join(symbol(number) for number in self.config.species)
            came = ", ".join(symbol(number) for number in unknown)
            raise ModelError(f"This network knows {known}, but {came} came too. Train one on data that have it.")

    def forward(self, graph: Graph) -> dict[str, Field]:
        """Predict; the graph is that of `prepare`."""
        differentiable, forces = torch.is_grad_enabled(), "forces" in self.config.outputs
        if forces and torch.is_inference_mode_enabled():
            raise ModelError(
                "Forces are slopes of the energy, and torch.inference_mode() forbids them. Use "
                "model.predict(structures), or torch.no_grad()."
            )
        with torch.set_grad_enabled(differentiable or forces):
            vectors = graph.edge_vectors
            if forces and not vectors.requires_grad:
                vectors = vectors.view_as(vectors).requires_grad_()  # a given tensor of the user's stays as it is
            s, v = self.represent(graph, vectors)
            outputs = self._energy(s, vectors, graph, differentiable) | self._tensors(s, v, graph)
        return outputs if differentiable else {name: field.detach() for name, field in outputs.items()}

    def represent(self, graph: Graph, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Scalars [N, F] and vectors [N, 3, F] after the last layer; `vectors` are those of the edges, [E, 3]."""
        config, width = self.config, self.config.width
        radial, directions = sine_waves(vectors, config.radial, config.cutoff)  # [E, R + 1], [E, 3]
        sizes = [part.parts * width for part in cast("list[Message]", list(self.messages))]
        mixes = self.filters.weight.split(sizes)
        edges = SortedEdges.from_index(graph.senders, graph.receivers, len(graph))
        s, v = self.embedding_stage(self.embedding(self.place[graph.species])), None
        for layer, (message, update) in enumerate(zip(self.messages, self.updates, strict=True)):
            s, v = message(s, v, linear(radial, mixes[layer]), directions, edges)
            s, v = self.message_scalars[layer](s), _staged(self.message_vectors[layer], v)
            s, v = update(s, v)
            s = self.update_scalars[layer](s)
            if layer < len(self.update_vectors):
                v = _staged(self.update_vectors[layer], v)
        assert v is not None
        return s, v

    def _energy(self, s: Tensor, vectors: Tensor, graph: Graph, differentiable: bool) -> dict[str, Field]:
        if self.energy_head is None:
            return {}
        own = self.energy_head(s).double() * self.config.energy_scale  # [N, 1]
        energy = _summed(own + _shifts(self.config.energy_shifts, self.place[graph.species]), graph)
        outputs = {"energy": Field(energy, "1x0e", "graph")}
        if "forces" in self.config.outputs:
            (slope,) = torch.autograd.grad(own.sum(), vectors, create_graph=differentiable)  # [E, 3]
            pulled = slope.new_zeros(len(graph), 3).index_add(0, graph.receivers, slope)
            outputs["forces"] = Field(pulled.index_add(0, graph.senders, -slope), "1x1o", "node")
        return outputs

    def _tensors(self, s: Tensor, v: Tensor, graph: Graph) -> dict[str, Field]:
        outputs: dict[str, Field] = {}
        places = self._centred(graph)  # [N, 3]
        if self.dipole_head is not None:
            charge, own = self.dipole_head(s, v)
            dipole = _summed(torch.addcmul(own, charge, places), graph) * self.config.dipole_scale
            outputs["dipole"] = Field(dipole, "1x1o", "graph")
        if self.polarizability_head is not None:
            trace, own = self.polarizability_head(s, v)
            outer = own.unsqueeze(2) * places.unsqueeze(1)  # [N, 3, 3]
            trace = trace + _shifts(self.config.polarizability_shifts, self.place[graph.species]).to(trace) / (
                self.config.polarizability_scale
            )
            isotropic = trace.unsqueeze(2) * torch.eye(3, dtype=trace.dtype, device=trace.device)
            whole = _summed((outer + outer.mT + isotropic).flatten(1), graph) * self.config.polarizability_scale
            outputs["polarizability"] = Field(whole, CartesianTensor(2), "graph")
        return outputs

    def _centred(self, graph: Graph) -> Tensor:
        """Positions from the centre of mass of each structure, [N, 3]."""
        mass = self.mass[self.place[graph.species]].to(graph.positions)[:, None]
        whole = _summed(mass, graph).clamp(min=1e-6)  # of no atom, zero
        return graph.positions - (_summed(mass * graph.positions, graph) / whole)[graph.batch]


def _staged(stage: nn.Module, v: Tensor) -> Tensor:
    """Vectors [N, 3, F] through a stage that holds them flat."""
    return stage(v.flatten(1)).unflatten(1, (3, -1))


def _norms(v: Tensor) -> Tensor:
    """[N, 3, F] -> [N, F]."""
    return (v.square().sum(1) + EPSILON).sqrt()


def _summed(values: Tensor, graph: Graph) -> Tensor:
    """Of atoms [N, d], over each structure: [B, d]."""
    return values.new_zeros(graph.n_graphs, values.shape[1]).index_add(0, graph.batch, values)


def _shifts(shifts: tuple[float, ...], places: Tensor) -> Tensor:
    """Of each atom, [N, 1] float64. Kept out of the weights, whose float32 would be off by meV at 1000 eV."""
    known = torch.tensor(shifts or (0.0,), dtype=torch.float64, device=places.device)
    return known[places if shifts else torch.zeros_like(places)][:, None]


def _places(species: tuple[int, ...]) -> Tensor:
    """The row of each atomic number in the embedding; out of range for those that are not known."""
    places = torch.full((LAST_ELEMENT + 1,), len(species), dtype=torch.long)
    places[list(species)] = torch.arange(len(species))
    return places


def _dense(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """Weights after Glorot, as the authors': no bias at the start."""
    made = nn.Linear(inputs, outputs, bias)
    nn.init.xavier_uniform_(made.weight)
    if bias:
        nn.init.zeros_(made.bias)
    return made


FAMILY = Family(
    name="painn",
    config_class=PainnConfig,
    model_class=Painn,
    paper="Schuett, Unke, Gastegger, ICML 2021, arXiv:2102.03150",
    group="E(3)",
    small={"width": 8, "layers": 2, "radial": 6, "cutoff": 3.0, "outputs": list(get_args(Output))},
    example=organic_atoms,
    references={
        "painn-acac": "3.23 meV, 20.0 meV/Å (schnetpack's PaiNN: same frames, recipe, epochs)",
        "painn-water": "0.00543, 0.0534 a.u. (schnetpack's PaiNN, likewise)",
    },
)

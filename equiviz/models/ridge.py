r"""Ridge regression on recursively averaged structural descriptors: the strongest baseline without a network.

Paper: E. Boattini, F. Smallenburg, L. Filion, "Averaging local structure to predict the dynamic propensity in
supercooled liquids", Phys. Rev. Lett. 127, 088007 (2021), doi:10.1103/PhysRevLett.127.088007.

==============  =======================================================================================================
block           what it is
==============  =======================================================================================================
`surroundings`  (equiviz.datasets.glass) radial shells by type of neighbour, angular content per shell, both averaged
                over neighbours again and again
`Ridge.fit`     linear regression with a quadratic penalty, one per type and time, in closed form
==============  =======================================================================================================

Departures
----------
- Up to 30 rounds of averaging with equal weights; the paper has 2 rounds, with weights exp(-r / r_c).
- Descriptors of the inherent structure; and besides the densities, what each particle feels there (energy, stiffness,
  virial, shear stress) and its distance to its inherent position (compare the cage centres of Alkemade, Smallenburg,
  Filion, J. Chem. Phys. 158, 134512 (2023)).
- Features are centred within each configuration and type, as the targets are: rho of one configuration is the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.datasets.glass.basin import measured_surroundings
from equiviz.datasets.glass.kob_andersen import for_reader
from equiviz.datasets.glass.surroundings import Surroundings, surroundings
from equiviz.models.errors import ConfigError
from equiviz.models.example_structures import jittered_lattice
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

FEATURES = "ridge_features"


@dataclass(frozen=True)
class RidgeConfig:
    """What the regression sees, and how strongly it is held back.

    Attributes:
        times: The times at which mobility is predicted, in LJ units.
        species: The particle types.
        alpha: The penalty on weights of standardised features, for the most frequent type; for the others in proportion
            to their number.
        rounds: After how many averagings the features are taken once more.
        lmax: The highest degree of the angular features.
    """

    times: tuple[float, ...] = (1.0,)
    species: tuple[int, ...] = (1, 2)
    alpha: float = 1e4
    rounds: tuple[int, ...] = (1, 2, 4, 8, 16, 30)
    lmax: int = 4

    @property
    def surroundings(self) -> Surroundings:
        """The settings of the features."""
        return Surroundings(lmax=self.lmax, rounds=self.rounds)


class Ridge(EquivariantModel):
    """The regression as a model: `measure` computes the features, `forward` is linear in them.

    Output: ``propensity`` "Tx0e" per node, in standard units (per time and type, within the configuration).
    It is not trained step by step: `fit` solves for its weights.
    """

    family = "ridge"
    group = "E(3)"
    config: RidgeConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    scale: Tensor

    def __init__(self, config: RidgeConfig) -> None:
        super().__init__(config)
        count = config.surroundings.size
        species, times = len(config.species), len(config.times)
        self.weight = torch.nn.Parameter(torch.randn(species, count, times) / count)  # [S, F, T]
        self.register_buffer("scale", torch.ones(species, count))  # [S, F]
        self.stage_features = Stage(f"{count}x0e")

    def measure(self, structure: Structure) -> Structure:
        """Attach the features as ``ridge_features``: those of ``surroundings``, if they are of this size, or new ones.

        Raises:
            DatasetError: They are missing, and the structure is no Kob-Andersen liquid in a rectangular box (turned or
                not).
        """
        settings = self.config.surroundings
        for name in (FEATURES, "surroundings"):
            attached = structure.node.get(name)
            if attached is not None and attached.dim == settings.size:
                return structure.with_node(FEATURES, attached)
        with for_reader(self.family):
            values = measured_surroundings(structure, settings).to(structure.positions)
        return structure.with_node(FEATURES, Field(values, f"{settings.size}x0e", "node"))

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """The structures with their features, which are measured here where they are missing; edges are not used."""
        batch = [structures] if isinstance(structures, Structure) else list(structures)
        typed = [self.measure(structure) for structure in batch]
        return Graph.from_structures(typed, self.config.surroundings.contact, dtype=self.weight.dtype)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """Predict; see the class."""
        values = self.stage_features(graph.node[FEATURES].values)  # [N, F]
        out = values.new_zeros(len(values), len(self.config.times))
        for index, kind in enumerate(self.config.species):
            for own in self._groups(graph, kind):
                out[own] = self._standard(values[own], index) @ self.weight[index]
        return {"propensity": Field(out, f"{len(self.config.times)}x0e", "node")}

    def fit(self, graphs: Sequence[Graph], targets: Sequence[Tensor]) -> None:
        """Solve for the weights.

        Args:
            graphs: What `prepare` gave, one configuration or more each.
            targets: [N, T] per graph, in standard units.

        Raises:
            ConfigError: No particle of one of the types is there.
        """
        parts = [
            [
                (graph.node[FEATURES].values[own], target[own])
                for graph, target in zip(graphs, targets, strict=True)
                for own in self._groups(graph, kind)
            ]
            for kind in self.config.species
        ]
        counts = [sum(len(own) for own, _ in part) for part in parts]
        if not all(counts):
            raise ConfigError(
                f"Ridge has nothing to fit: {dict(zip(self.config.species, counts, strict=True))} particles."
            )
        for index, part in enumerate(parts):
            self._fit_kind(index, part, self.config.alpha * counts[index] / max(counts))

    def _fit_kind(self, index: int, part: list[tuple[Tensor, Tensor]], alpha: float) -> None:
        spread = torch.stack([values.double().var(0, correction=0) for values, _ in part]).mean(0).sqrt()  # [F]
        self.scale[index] = torch.where(spread > 1e-9, spread, torch.inf).to(self.scale)
        count = spread.numel()
        gram = alpha * torch.eye(count, dtype=torch.float64)
        moment = torch.zeros(count, len(self.config.times), dtype=torch.float64)
        for values, target in part:
            standard = self._standard(values, index).double()
            gram += standard.T @ standard
            moment += standard.T @ target.double()
        with torch.no_grad():
            self.weight[index] = torch.cholesky_solve(moment, torch.linalg.cholesky(gram)).to(self.weight)

    def _standard(self, values: Tensor, index: int) -> Tensor:
        """Features of one type in one configuration: minus their mean, over the spread met in training."""
        return (values - values.mean(0)) / self.scale[index]

    @staticmethod
    def _groups(graph: Graph, kind: int) -> list[Tensor]:
        """The indices of the particles of one type, configuration by configuration."""
        chosen = graph.species == kind
        groups = [torch.nonzero(chosen & (graph.batch == b)).flatten() for b in range(graph.n_graphs)]
        return [own for own in groups if len(own)]


def _example(atoms: int, seed: int) -> Structure:
    """A small Kob-Andersen liquid on a jittered lattice, with its surroundings attached: so it may be turned."""
    draw = torch.Generator().manual_seed(seed)
    side = max(6, round(atoms ** (1 / 3) + 0.5))
    positions = jittered_lattice(atoms, draw, 0.1, side)
    species = 1 + (torch.arange(atoms) % 5 == 4).long()
    cell = float(side) * torch.eye(3, dtype=torch.float64)
    offset = Field(0.05 * torch.randn(atoms, 3, generator=draw, dtype=torch.float64), "1x1o", "node")
    node = {"inherent_displacement": offset}
    bare = Structure(positions, species, cell, (True, True, True), node, length_unit="sigma")
    values = surroundings(bare).double()
    return bare.with_node("surroundings", Field(values, f"{values.shape[1]}x0e", "node"))


FAMILY = Family(
    name="ridge",
    config_class=RidgeConfig,
    model_class=Ridge,
    paper="Boattini, Smallenburg and Filion, Phys. Rev. Lett. 127, 088007 (2021), doi:10.1103/PhysRevLett.127.088007",
    group="E(3)",
    example=_example,
)

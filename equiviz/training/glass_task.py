"""Learning propensities of a glass: targets in standard units, the loss, the score, augmentation.

A propensity is predicted in *standard units*: minus its mean and over its standard deviation among the particles of one
type in one configuration, time by time. Pearson's rho, the score of the field, does not see the difference; a network
need not learn shifts between configurations that the rho of one configuration does not reward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from equiviz.datasets.glass.basin import quenched
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.inherent_structure import ATTRIBUTE
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar_matrices
from equiviz.training.errors import TrainingError
from equiviz.training.metrics import pearson, vector_correlation
from equiviz.training.objective import Example

# Shapes: N particles, T times.


@dataclass(frozen=True, eq=False)
class GlassTarget:
    """What one configuration should give.

    Attributes:
        propensity: [N, T] in standard units.
        species: [N].
        displacement: [N, T, 3] mean displacement from the inherent position, over its root mean square component per
            species and time (not centred: a mean vector is not invariant); None when the data have none.
    """

    propensity: Tensor  # [N, T]
    species: Tensor  # [N]
    displacement: Tensor | None = None  # [N, T, 3]

    def to(self, device: torch.device | torch.dtype) -> GlassTarget:
        """Moved, or in another dtype."""
        species = self.species if isinstance(device, torch.dtype) else self.species.to(device)
        vectors = None if self.displacement is None else self.displacement.to(device)
        return GlassTarget(self.propensity.to(device), species, vectors)


@dataclass(frozen=True)
class GlassObjective:
    """Mean squared error in standard units, plus that of the vectors; scored by rho.

    Attributes:
        scored: The particle type whose rho chooses the best epoch: 1 is A, the large one.
        vector_weight: Of the vectors' mean squared error per component; models or data without vectors are trained
            without this part.
        scalar_weight: Of the propensities' mean squared error; 0 trains on vectors alone, and scores by their
            correlation.
    """

    scored: int = 1
    vector_weight: float = 0.1
    scalar_weight: float = 1.0

    def loss(self, outputs: Mapping[str, Field], target: GlassTarget) -> Tensor:
        """The mean over particles and times, both types alike."""
        total = self.scalar_weight * (outputs["propensity"].values - target.propensity).square().mean()
        known = "displacement" in outputs and target.displacement is not None
        if not self.scalar_weight or (self.vector_weight and known):
            total = total + self.vector_weight * (vectors(outputs) - _wanted(target)).square().mean()
        return total

    def score(self, outputs: Mapping[str, Field], target: GlassTarget) -> float:
        """Rho of the scored type, averaged over times; of the vectors when only these are trained."""
        chosen = target.species == self.scored
        if not self.scalar_weight:
            own, wanted = vectors(outputs)[chosen], _wanted(target)[chosen]  # [n, T, 3]
            return float(vector_correlation(own.transpose(0, 1), wanted.transpose(0, 1)).mean())
        return float(pearson(outputs["propensity"].values[chosen].T, target.propensity[chosen].T).mean())


def vectors(outputs: Mapping[str, Field]) -> Tensor:
    """The predicted displacements as x, y, z: [N, T, 3].

    Raises:
        TrainingError: The model has no such output.
    """
    if "displacement" not in outputs:
        raise TrainingError(
            f"This model predicts {', '.join(outputs)}, but no 'displacement'; build it with its vector output."
        )
    # e3nn orders the components of l = 1 as the kernel does: x, y, z.
    return outputs["displacement"].values.unflatten(-1, (-1, 3))


def examples(
    model: EquivariantModel, configurations: Sequence[GlassConfiguration], times: Sequence[float]
) -> list[Example[GlassTarget]]:
    """Prepare configurations for a model: graphs once, targets in the dtype of its parameters.

    Args:
        model: Its `prepare` is called once per configuration.
        configurations: Each with all of `times`.
        times: The model's outputs, in order.

    Raises:
        TrainingError: A configuration has no data near one of the times.
    """
    dtype = next(model.parameters()).dtype
    found = []
    for configuration in configurations:
        # The same attached inherent structure serves graph and target.
        own = replace(configuration, structure=quenched(model.measure(configuration.structure)))
        found.append(Example(own.name, model.prepare(own.structure), target(own, times).to(dtype)))
    return found


def target(configuration: GlassConfiguration, times: Sequence[float]) -> GlassTarget:
    """The standardised targets of one configuration at these times. Raises TrainingError as `examples`."""
    columns = time_columns(configuration, times)
    species = configuration.structure.species
    propensity = standardised(configuration.propensity[columns].T.double(), species)
    displacement = None
    if configuration.mean_displacement is not None:
        displacement = scaled(relative_to_inherent(configuration)[columns].transpose(0, 1), species)
    return GlassTarget(propensity, species, displacement)


def relative_to_inherent(configuration: GlassConfiguration) -> Tensor:
    """The mean displacement from the inherent (not the thermal) position: [T, N, 3], in sigma, float64.

    Raises:
        TrainingError: The data have no mean displacements.
    """
    if configuration.mean_displacement is None:
        raise TrainingError(f"{configuration.name or 'This configuration'} has no mean displacement vectors.")
    to_inherent = quenched(configuration.structure).node[ATTRIBUTE].values.double()  # [N, 3]
    return configuration.mean_displacement.double() - to_inherent


def standardised(values: Tensor, species: Tensor) -> Tensor:
    """Values [N, ...] minus mean, over standard deviation, within each species; constant columns become zero."""
    out = torch.zeros_like(values)
    for kind in torch.unique(species):
        own = values[species == kind]
        spread = own.std(0, correction=0)
        out[species == kind] = (own - own.mean(0)) / torch.where(spread > 0, spread, 1.0)
    return out


def scaled(values: Tensor, species: Tensor) -> Tensor:
    """Vectors [N, T, 3] over their root mean square component, per species and time."""
    out = torch.zeros_like(values)
    for kind in torch.unique(species):
        own = values[species == kind]
        size = own.square().mean((0, 2), keepdim=True).sqrt()
        out[species == kind] = own / torch.where(size > 0, size, 1.0)
    return out


def time_columns(configuration: GlassConfiguration, times: Sequence[float]) -> list[int]:
    """The rows of the configuration's arrays that lie within 10 % of each time.

    Raises:
        TrainingError: There is none; the message lists the times at hand.
    """
    at_hand = configuration.times.double()
    columns = []
    for time in times:
        distance = (at_hand.log() - torch.tensor(time, dtype=torch.float64).log()).abs()
        if float(distance.min()) > 0.1:
            raise TrainingError(
                f"{configuration.structure.name or 'A configuration'} has no data at t = {time:g} (within 10 %); "
                f"it has {', '.join(f'{t:g}' for t in at_hand.tolist())}. Train or evaluate at one of these times."
            )
        columns.append(int(distance.argmin()))
    return columns


def random_turn(graph: Graph, target: GlassTarget) -> tuple[Graph, GlassTarget]:
    """Augmentation: the same physics under a random element of O(3), drawn from torch's global generator.

    The code of Bapst et al. turns by multiples of 90 degrees and reflects; here all of O(3) is drawn from.
    """
    seed = int(torch.randint(2**31, (1,)))
    g = O3(haar_matrices(1, seed)[0])
    turned = target.displacement
    if turned is not None:
        turned = turned @ g.matrix.to(turned).T
    return graph.transform(g), GlassTarget(target.propensity, target.species, turned)


def _wanted(target: GlassTarget) -> Tensor:
    if target.displacement is None:
        raise TrainingError("These data have no mean displacement vectors; train without the vector output.")
    return target.displacement

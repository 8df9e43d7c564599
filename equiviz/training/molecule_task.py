"""Learning energies, forces, dipoles and polarizabilities of molecules: targets, the loss, the score, batches.

Energies in eV, forces in eV/Å, the rest in the unit of the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from equiviz.datasets.molecules.frames import Frame
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.graph_batches import side_by_side
from equiviz.symmetry.field import Field
from equiviz.training.errors import TrainingError
from equiviz.training.objective import Example

# Shapes: B molecules, N atoms of all of them.


@dataclass(frozen=True, eq=False)
class MoleculeTarget:
    """What some molecules should give; None where it is not learned.

    Attributes:
        sizes: [B] atoms of each molecule.
        energy: [B, 1] float64.
        forces: [N, 3].
        dipole: [B, 3].
        polarizability: [B, 9], row by row.
    """

    sizes: Tensor  # [B]
    energy: Tensor | None = None  # [B, 1]
    forces: Tensor | None = None  # [N, 3]
    dipole: Tensor | None = None  # [B, 3]
    polarizability: Tensor | None = None  # [B, 9]

    def known(self) -> dict[str, Tensor]:
        """The properties that are learned, by name."""
        named = {entry.name: getattr(self, entry.name) for entry in fields(self)[1:]}
        return {name: value for name, value in named.items() if value is not None}

    def to(self, device: torch.device) -> MoleculeTarget:
        """Moved."""
        return MoleculeTarget(self.sizes.to(device), **{name: value.to(device) for name, value in self.known().items()})


@dataclass(frozen=True)
class MoleculeObjective:
    """Weighted mean squared errors, each in units of a scale; scored by minus the root of the loss.

    Attributes:
        energy_weight: of the squared error of the energy over the number of atoms, in eV^2.
        force_weight: of the mean squared error of the components of the forces, in (eV/Å)^2.
        dipole_weight, polarizability_weight: of the mean squared error of the components, over the scale squared.
        dipole_scale, polarizability_scale: in the unit of the data.
    """

    energy_weight: float = 10.0
    force_weight: float = 1.0
    dipole_weight: float = 1.0
    polarizability_weight: float = 1.0
    dipole_scale: float = 1.0
    polarizability_scale: float = 1.0

    def loss(self, outputs: Mapping[str, Field], target: MoleculeTarget) -> Tensor:
        """The sum over the properties that the target knows. Raises TrainingError where the model lacks one of them."""
        known = target.known()
        lacking = [name for name in known if name not in outputs]
        if lacking or not known:
            raise TrainingError(
                f"The model gives {', '.join(outputs)}, the data ask for {', '.join(known) or 'nothing'}. Build it "
                "with these outputs, or give data that have what it predicts."
            )
        parts = [self._part(name, outputs[name].values - wanted, target) for name, wanted in known.items()]
        return torch.stack([part.to(torch.float64) for part in parts]).sum()

    def _part(self, name: str, error: Tensor, target: MoleculeTarget) -> Tensor:
        if name == "energy":
            return self.energy_weight * (error.square() / target.sizes[:, None]).mean()
        weight = {"forces": self.force_weight, "dipole": self.dipole_weight}.get(name, self.polarizability_weight)
        scale = {"forces": 1.0, "dipole": self.dipole_scale}.get(name, self.polarizability_scale)
        return weight * (error / scale).square().mean()

    def score(self, outputs: Mapping[str, Field], target: MoleculeTarget) -> float:
        """Minus the root of the loss."""
        return -float(self.loss(outputs, target).detach().sqrt())


def examples(
    model: EquivariantModel, frames: Sequence[Frame], properties: Sequence[str]
) -> list[Example[MoleculeTarget]]:
    """Frames prepared for a model: graphs once, targets in the dtype of its parameters (energies in float64).

    Args:
        model: its `prepare` is called once per frame.
        frames: each with all of the properties.
        properties: what is learned.
    """
    dtype = next(model.parameters()).dtype
    return [
        Example(frame.name, model.prepare(frame.structure), target_of(frame, properties, dtype)) for frame in frames
    ]


def target_of(frame: Frame, properties: Sequence[str], dtype: torch.dtype) -> MoleculeTarget:
    """The target of one frame, which has the properties."""
    values = {
        name: frame.properties[name].values.to(torch.float64 if name == "energy" else dtype) for name in properties
    }
    return MoleculeTarget(torch.tensor([len(frame.structure)]), **values)


def glued(several: Sequence[Example[MoleculeTarget]]) -> Example[MoleculeTarget]:
    """Several examples as one batch, whose means are over all their molecules, components and atoms."""
    targets = [example.target for example in several]
    joined = {name: torch.cat([target.known()[name] for target in targets]) for name in targets[0].known()}
    target = MoleculeTarget(torch.cat([target.sizes for target in targets]), **joined)
    graph: Graph = side_by_side([example.graph for example in several])
    return Example(f"{several[0].name} and {len(several) - 1} others", graph, target)


def energy_shifts(frames: Sequence[Frame], species: Sequence[int]) -> tuple[float, ...]:
    """Energies of the species, in eV, whose sums come nearest to the energies; least squares, of least norm.

    Where compositions are alike only their sum is determined: these are no energies of free atoms.
    """
    energies = torch.cat([frame.properties["energy"].values.double() for frame in frames])  # [S, 1]
    return _least_squares(frames, species, energies)


def polarizability_shifts(frames: Sequence[Frame], species: Sequence[int]) -> tuple[float, ...]:
    """The same of a third of the trace of the polarizability, in the unit of the data."""
    tensors = torch.cat([frame.properties["polarizability"].values.double() for frame in frames]).unflatten(1, (3, 3))
    return _least_squares(frames, species, tensors.diagonal(dim1=1, dim2=2).mean(1, keepdim=True))


def _least_squares(frames: Sequence[Frame], species: Sequence[int], wanted: Tensor) -> tuple[float, ...]:
    counts = torch.tensor(
        [[float((frame.structure.species == number).sum()) for number in species] for frame in frames],
        dtype=torch.float64,
    )  # [S, species]
    return tuple((torch.linalg.pinv(counts, rtol=1e-9) @ wanted)[:, 0].tolist())

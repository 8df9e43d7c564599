"""`equiviz train painn`: from extended-xyz files to saved weights; resumable after each epoch.

What is learned follows from the data: energies and forces where all frames have them, else dipoles and
polarizabilities. Every tenth frame of each file is kept for validation, which chooses the epoch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_type_hints

import torch

from equiviz.datasets.molecules.frames import Frame, MoleculeData, shared_properties
from equiviz.models.registry import Family
from equiviz.training.errors import TrainingError
from equiviz.training.loop import Training
from equiviz.training.molecule_overlap import molecule_data
from equiviz.training.molecule_report import MoleculeReport, evaluate_molecules, frames_of
from equiviz.training.molecule_task import (
    MoleculeObjective,
    energy_shifts,
    examples,
    glued,
    polarizability_shifts,
)
from equiviz.training.recipe import Hardware, Recipe
from equiviz.training.seeds import seeded
from equiviz.training.trained_network import TrainedNetwork, saved

ENERGIES = Recipe(epochs=160, learning_rate=2e-3, optimiser="adam", warm_up=0.1, clip=5.0, ema=0.998, batch=10)
"""Of energies and forces; found on acetylacetone."""
TENSORS = Recipe(epochs=150, learning_rate=2e-3, optimiser="adam", warm_up=0.1, clip=5.0, ema=0.998, batch=20)
"""Of dipoles and polarizabilities; found on water."""
HELD = 10
"""Every so many frames, one is kept for validation."""


@dataclass(frozen=True)
class MoleculePlan:
    """How to train on some data.

    Attributes:
        properties: what is learned.
        recipe: for the loop.
        objective: loss and score.
        settings: of the family, as the data ask for them.
        tensor_unit: of dipoles and polarizabilities, for the manifest.
    """

    properties: tuple[str, ...]
    recipe: Recipe
    objective: MoleculeObjective
    settings: Mapping[str, object] = field(default_factory=dict)
    tensor_unit: str = ""


def train_molecules(
    family: Family,
    data: MoleculeData | Sequence[Frame],
    out: str | Path,
    seed: int = 0,
    epochs: int | None = None,
    config: Mapping[str, object] | None = None,
    hardware: Hardware | None = None,
    progress: bool = True,
    plan: MoleculePlan | None = None,
) -> TrainedNetwork[MoleculeReport]:
    """Train a family on molecules, and save it; run it again to continue after an interruption.

    Args:
        family: of the registry, with the task "molecules".
        data: an extended-xyz file, several, a folder of such files, or frames.
        out: gets weights and manifest; ``out/state`` the state of an unfinished training.
        seed: of the weights and of the order of the frames.
        epochs: instead of the recipe's.
        config: settings of the family, instead of those that follow from the data.
        hardware: where to run; one CPU process by default.
        progress: whether to show a progress bar.
        plan: how, instead of `plan_for_frames`.

    Raises:
        DatasetError, ConfigError, TrainingError: as the readers, the family and the loop.
    """
    frames, name = frames_of(data)
    training, validation = held_out(frames)
    plan = plan or plan_for_frames(training)
    recipe = replace(plan.recipe, seed=seed) if epochs is None else replace(plan.recipe, seed=seed, epochs=epochs)
    known = get_type_hints(family.config_class)
    settings = {key: value for key, value in plan.settings.items() if key in known} | dict(config or {})
    with seeded(seed):
        model = family.build(settings)
    task = Training(
        model,
        plan.objective,
        examples(model, training, plan.properties),
        [glued(examples(model, validation, plan.properties))],
        recipe,
        hardware or Hardware(),
        Path(out) / "state",
        progress=progress,
        glue=glued,
    )
    history = task.run()
    report = evaluate_molecules(model, validation, family.name)
    report = replace(report, unit=plan.tensor_unit or report.unit)
    told = molecule_data(name, training, validation) | ({"tensor_unit": plan.tensor_unit} if plan.tensor_unit else {})
    objective, chosen = dataclasses.asdict(plan.objective), {"on": "the frames that chose the epoch"}
    return saved(model, history, report, out, told, recipe, settings=objective, scores=chosen)


def held_out(frames: Sequence[Frame]) -> tuple[list[Frame], list[Frame]]:
    """Training and validation: of each file, every tenth frame (the last of ten) validates.

    Raises:
        TrainingError: fewer than ten frames in all files.
    """
    files: dict[str, list[Frame]] = {}
    for frame in frames:
        files.setdefault(frame.name.rpartition("[")[0], []).append(frame)
    places = [(place, frame) for own in files.values() for place, frame in enumerate(own)]
    validation = [frame for place, frame in places if place % HELD == HELD - 1]
    if not validation:
        raise TrainingError(
            f"There is nothing to validate on: expected a file with at least {HELD} frames, got {len(frames)} frames."
        )
    return [frame for place, frame in places if place % HELD != HELD - 1], validation


def plan_for_frames(frames: Sequence[Frame]) -> MoleculePlan:
    """What these frames can teach, and how.

    Raises:
        TrainingError: they have neither energies nor dipoles or polarizabilities in common.
    """
    shared = shared_properties(frames)
    species = sorted({number for frame in frames for number in frame.structure.species.tolist()})
    energies = tuple(name for name in shared if name in ("energy", "forces"))
    if "energy" in energies:
        return _energy_plan(frames, energies, species)
    tensors = tuple(name for name in shared if name in ("dipole", "polarizability"))
    if not tensors:
        raise TrainingError(
            f"All frames have {', '.join(shared) or 'no property'} in common; expected an energy (with forces), a "
            "dipole or a polarizability in all of them."
        )
    return _tensor_plan(frames, tensors, species)


def _energy_plan(frames: Sequence[Frame], properties: tuple[str, ...], species: list[int]) -> MoleculePlan:
    scale = 1.0
    if "forces" in properties:
        forces = torch.cat([frame.properties["forces"].values for frame in frames])
        scale = max(float(forces.square().mean().sqrt()), 1e-3)
    settings = {
        "species": species,
        "outputs": list(properties),
        "energy_shifts": list(energy_shifts(frames, species)),
        "energy_scale": scale,
    }
    return MoleculePlan(properties, ENERGIES, MoleculeObjective(), settings)


def _tensor_plan(frames: Sequence[Frame], properties: tuple[str, ...], species: list[int]) -> MoleculePlan:
    settings: dict[str, object] = {"species": species, "outputs": list(properties)}
    objective = MoleculeObjective()
    if "dipole" in properties:
        dipoles = torch.cat([frame.properties["dipole"].values for frame in frames])
        scale = max(float(dipoles.square().mean().sqrt()), 1e-6)
        settings["dipole_scale"], objective = scale, replace(objective, dipole_scale=scale)
    if "polarizability" in properties:
        tensors = torch.cat([frame.properties["polarizability"].values for frame in frames])
        scale = max(float(tensors.std(0).mean()), 1e-6)
        settings["polarizability_shifts"] = list(polarizability_shifts(frames, species))
        settings["polarizability_scale"], objective = scale, replace(objective, polarizability_scale=scale)
    return MoleculePlan(properties, TENSORS, objective, settings)

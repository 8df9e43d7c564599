"""Training of networks that predict the state of a system in phase space after a time; resumable after each epoch.

Shapes: B motions, N vectors of C^n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS, TIME
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.phase_space import FIELD, STATE, joined_phase_space
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.unitary_group import haar_unitaries
from equiviz.symmetry.unitary_irreps import adjoint_coefficients, hermitian_matrices
from equiviz.training.loop import Training
from equiviz.training.motion_report import TESTED, MotionReport, evaluate_motions
from equiviz.training.objective import Example
from equiviz.training.recipe import Hardware, Recipe
from equiviz.training.seeds import seeded
from equiviz.training.trained_network import TrainedNetwork, saved

MOTION_RECIPE = Recipe(
    epochs=75,
    learning_rate=1e-2,
    weight_decay=0.0,
    schedule="cosine",
    clip=1.0,
    batch=128,
    optimiser="adam",
    keep="last",
)
TRAINING, VALIDATION = 2048, 512


class MotionObjective:
    """Mean squared error of the states over their mean square; scored by minus its root."""

    def loss(self, outputs: Mapping[str, Field], target: Tensor) -> Tensor:
        """Over all motions together; `target` ``[B, N n]`` complex, the states after the time."""
        found = outputs[STATE].values
        true = target.to(found.dtype)
        return (found - true).abs().square().mean() / true.abs().square().mean()

    def score(self, outputs: Mapping[str, Field], target: Tensor) -> float:
        """Minus the relative error, as `MotionReport.error`."""
        return -float(self.loss(outputs, target).detach().sqrt())


def train_phase_space(
    family: Family,
    data: str | Path,
    out: str | Path,
    seed: int = 0,
    epochs: int | None = None,
    config: Mapping[str, object] | None = None,
    hardware: Hardware | None = None,
    progress: bool = True,
) -> TrainedNetwork[MotionReport]:
    """Train a family whose task is "phase space" on a system, and save it; run it again to continue.

    Args:
        family: of the registry.
        data: the name of a system: "oscillators" or "charges"; its motions are computed, in seconds.
        out: gets weights and manifest; ``out/state`` the state of an unfinished training.
        seed: of weights and order; the data are the same for all seeds.
        epochs: the recipe's by default.
        config: settings of the family; numbers of particles and directions, and the field, come from the system.
        hardware: where to run; one CPU process by default.
        progress: whether to show a progress bar.

    Raises:
        DatasetError: no such system.
        TrainingError: as the loop.
    """
    name = str(data)
    recipe = replace(MOTION_RECIPE, seed=seed, epochs=MOTION_RECIPE.epochs if epochs is None else epochs)
    training, validation = Motions.make(name, "train", TRAINING), Motions.make(name, "validation", VALIDATION)
    with seeded(seed):
        model = family.build({**system_settings(name), **(config or {})})
    task = motion_training(model, training, validation, recipe, hardware, Path(out) / "state", progress=progress)
    history = task.run()
    report = evaluate_motions(model, Motions.make(name, "test", TESTED), family.name)
    told = {"name": name, "motions": TRAINING, "validation": VALIDATION, "time": TIME}
    scores = {"on": f"{TESTED} test motions", "validation_relative_error": -history.best_score}
    return saved(model, history, report, out, told, recipe, scores=scores)


def motion_training(
    model: EquivariantModel,
    training: Motions,
    validation: Motions,
    recipe: Recipe = MOTION_RECIPE,
    hardware: Hardware | None = None,
    folder: Path | None = None,
    augment: bool = False,
    progress: bool = True,
) -> Training[Tensor]:
    """The training of a model on motions; its `run` trains in place.

    Args:
        model: with fresh weights.
        training, validation: what it learns from, and what each epoch is scored on.
        recipe, hardware, folder, progress: as in `Training`.
        augment: turn each motion by a random element of U(n) each time it is seen.
    """
    return Training(
        model,
        MotionObjective(),
        motion_examples(training),
        [glued(motion_examples(validation))],
        recipe,
        hardware or Hardware(),
        folder,
        turned_at_random if augment else None,
        progress,
        glued,
    )


def motion_examples(motions: Motions) -> list[Example[Tensor]]:
    """One for each motion: the state before as input, the state after ``[1, N n]`` as target."""
    singles = (motions[row : row + 1] for row in range(len(motions)))
    return [Example(f"motion {row}", cast(Graph, one.inputs), one.after.flatten(1)) for row, one in enumerate(singles)]


def glued(examples: Sequence[Example[Tensor]]) -> Example[Tensor]:
    """Many motions in one input."""
    states = joined_phase_space([cast(TypedTensors, example.graph) for example in examples])
    return Example(examples[0].name, cast(Graph, states), torch.cat([example.target for example in examples]))


def turned_at_random(inputs: Graph, after: Tensor) -> tuple[Graph, Tensor]:
    """Augmentation: each motion under its own element of U(n), drawn from torch's global generator."""
    states = cast(TypedTensors, inputs)
    n = states.fields[STATE].representation.blocks[0].size
    drawn = haar_unitaries(states.count, n, int(torch.randint(2**31, (1,))))
    moved, after = turned(states, after, drawn.to(after.device))
    return cast(Graph, moved), after


def turned(states: TypedTensors, after: Tensor, elements: Tensor) -> tuple[TypedTensors, Tensor]:
    """Each motion turned by its own element of U(n), the field along with it.

    Args:
        states: B of them, see `phase_space`.
        after: ``[B, N n]`` complex.
        elements: ``[B, n, n]`` complex, unitary.
    """
    n = elements.shape[-1]
    before = states.fields[STATE]
    moved = {STATE: before.with_values(_turned(before.values, elements))}
    if FIELD in states.fields:
        field = states.fields[FIELD]
        matrices = elements @ hermitian_matrices(field.values, n) @ elements.mH
        moved[FIELD] = field.with_values(adjoint_coefficients(matrices))
    return states.with_values(moved), _turned(after, elements)


def _turned(vectors: Tensor, elements: Tensor) -> Tensor:
    """``[B, N n]`` by ``[B, n, n]``."""
    return (vectors.unflatten(1, (-1, elements.shape[-1])) @ elements.mT).flatten(1)


def system_settings(name: str) -> dict[str, object]:
    """The settings of a network that the system decides."""
    known = SYSTEMS[name]  # type: ignore[index]
    return {"vectors": known.count, "n": known.n, "field": known.field_range > 0}

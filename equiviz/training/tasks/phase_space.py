"""The state of a system in phase space after a time: scored by the relative error of the state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.training.errors import TrainingError
from equiviz.training.load import manifest_of
from equiviz.training.motion_report import MotionReport, evaluate_motions
from equiviz.training.phase_space_training import train_phase_space
from equiviz.training.tasks.task import ScoringRequest, Task, TrainingRequest
from equiviz.training.trained_network import TrainedNetwork

SHOWN = 64
"""Motions in a sample."""


def _train(asked: TrainingRequest) -> TrainedNetwork[MotionReport]:
    if not isinstance(asked.data, (str, Path)):
        raise TrainingError(f"Expected the name of a system in phase space, got {type(asked.data).__name__}.")
    return train_phase_space(
        asked.family, asked.data, asked.out, asked.seed, asked.epochs, asked.config, asked.hardware, asked.progress
    )


def _score(asked: ScoringRequest) -> MotionReport:
    return evaluate_motions(asked.model, asked.data, asked.name)


def _headline(scores: Mapping[str, Any]) -> str:
    return f"state to {100 * scores['relative_error']:.1f} %" if "relative_error" in scores else ""


def _sample(model: EquivariantModel) -> TypedTensors:
    """Unseen motions of the system that the model was trained on; of the first that fits, if it was on none."""
    manifest = manifest_of(model)
    trained = "" if manifest is None else str(manifest.data.get("name"))
    shape = getattr(model.config, "vectors", 0), getattr(model.config, "n", 0)
    fitting = [name for name, system in SYSTEMS.items() if trained in ("", name) and (system.count, system.n) == shape]
    if not fitting:
        raise TrainingError(f"No system in phase space has {shape[0]} particles in {shape[1]} directions.")
    return Motions.make(fitting[0], "test", SHOWN).inputs


TASK = Task(
    name="phase space",
    reads="systems in phase space",
    row="system",
    train=_train,
    score=_score,
    headline=_headline,
    sample=_sample,
)

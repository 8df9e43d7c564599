"""Which digit a sphere shows: scored by how many are recognised, as in training and when spheres are turned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from equiviz.datasets.sphere.digits import embedded_digits
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.training.digits_training import (
    DigitReport,
    ReadsSpheres,
    evaluate_digits,
    train_digits,
)
from equiviz.training.tasks.task import ScoringRequest, Task, TrainingRequest
from equiviz.training.trained_network import TrainedNetwork

SHOWN = 8
"""Digits in a sample."""


def _train(asked: TrainingRequest) -> TrainedNetwork[DigitReport]:
    return train_digits(
        asked.family, asked.data, asked.out, asked.seed, asked.epochs, asked.config, asked.hardware, asked.progress
    )


def _score(asked: ScoringRequest) -> DigitReport:
    return evaluate_digits(asked.model, asked.data, asked.name)


def _headline(scores: Mapping[str, Any]) -> str:
    """By how spheres were turned in training, and in the test."""
    told = {key.removeprefix("accuracy_"): value for key, value in scores.items() if key.startswith("accuracy_")}
    return ", ".join(f"{name.replace('_', '/')} {100 * value:.1f} %" for name, value in told.items())


def _sample(model: EquivariantModel) -> SphereSignal:
    """Unseen digits on the grid that the model reads."""
    return embedded_digits().part("test")[:SHOWN].on_sphere(cast(ReadsSpheres, model).level)


TASK = Task(
    name="digits",
    reads="digits",
    row="sphere",
    train=_train,
    score=_score,
    headline=_headline,
    sample=_sample,
)

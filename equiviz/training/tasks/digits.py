"""Which digit a sphere shows: scored by how many are recognised, as in training and when spheres are turned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from equiviz.datasets.sphere.digits import embedded_digits
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.training.digits_training import (
    TURNED,
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
    told = {turned: scores.get(f"accuracy_N_{turned}") for turned in TURNED}
    return ", ".join(f"N/{turned} {100 * value:.1f} %" for turned, value in told.items() if value is not None)


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

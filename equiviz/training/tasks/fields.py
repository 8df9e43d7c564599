"""A field on the sphere, of other fields there: scored by its RMSE, as in training and when spheres are turned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from equiviz.datasets.sphere.weather import synthetic_maps
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.training.field_report import FieldReport
from equiviz.training.field_training import evaluate_fields, train_fields
from equiviz.training.tasks.task import ScoringRequest, Task, TrainingRequest
from equiviz.training.trained_network import TrainedNetwork
from equiviz.training.turned_spheres import TURNED, ReadsSpheres

SHOWN = 4
"""Maps in a sample."""


def _train(asked: TrainingRequest) -> TrainedNetwork[FieldReport]:
    return train_fields(
        asked.family, asked.data, asked.out, asked.seed, asked.epochs, asked.config, asked.hardware, asked.progress
    )


def _score(asked: ScoringRequest) -> FieldReport:
    return evaluate_fields(asked.model, asked.data, asked.name)


def _headline(scores: Mapping[str, Any]) -> str:
    told = {turned: scores.get(f"rmse_N_{turned}_m_per_s") for turned in TURNED}
    return ", ".join(f"N/{turned} {value:.3g} m/s" for turned, value in told.items() if value is not None)


def _sample(model: EquivariantModel) -> SphereSignal:
    """Unseen maps that are drawn, on the grid that the model reads."""
    maps = synthetic_maps().part("test").on_sphere(cast(ReadsSpheres, model).level)
    return SphereSignal.of(maps.inputs.spread[:SHOWN])


TASK = Task(
    name="fields",
    reads="fields on the sphere",
    row="sphere",
    train=_train,
    score=_score,
    headline=_headline,
    sample=_sample,
)

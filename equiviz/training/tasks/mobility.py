"""How far each particle of a liquid will move: scored by rho, Pearson's correlation per type and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from equiviz.datasets.glass.shipped import load_shipped
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.training.evaluation_report import EvaluationReport
from equiviz.training.glass_evaluation import Data, evaluate_mobility
from equiviz.training.glass_training import Trained, plan_for, train_on_glass
from equiviz.training.tasks.task import ScoringRequest, Task, TrainingRequest


def _train(asked: TrainingRequest) -> Trained:
    plan = plan_for(asked.family.model_class)
    epochs = plan.recipe.epochs if asked.epochs is None else asked.epochs
    plan = replace(plan, recipe=replace(plan.recipe, seed=asked.seed, epochs=epochs))
    data, time = cast(Data, asked.data), asked.options.get("time")
    return train_on_glass(asked.family, data, asked.out, plan, asked.config, asked.hardware, asked.progress, time)


def _score(asked: ScoringRequest) -> EvaluationReport:
    data, time = cast(Data, asked.data), asked.options.get("time")
    return evaluate_mobility(asked.model, data, asked.name, asked.progress, time)


def _headline(scores: Mapping[str, Any]) -> str:
    """Of type A at the last time."""
    rho = scores.get("rho", {}).get("A", {})
    if not rho:
        return ""
    time, told = max(rho.items(), key=lambda entry: float(entry[0]))
    return f"rho(A) {told['mean']:.3f} ± {told['standard_error']:.3f} at t = {time}"


def _sample(model: EquivariantModel) -> Structure:
    """A liquid of the shipped test set, with what the model measures of it."""
    return model.measure(load_shipped("test")[0].structure)


TASK = Task(
    name="mobility",
    reads="liquids",
    row="particle",
    train=_train,
    score=_score,
    headline=_headline,
    sample=_sample,
    options=frozenset({"time"}),
)

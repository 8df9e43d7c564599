"""Which amino acid belongs into a neighbourhood: scored by the share of residues that are recovered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from equiviz.datasets.proteins.protein_set import ProteinSet
from equiviz.datasets.proteins.rhodopsin import rhodopsin
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.training.errors import TrainingError
from equiviz.training.protein_training import hologram_recipe
from equiviz.training.recovery import ProteinData, RecoveryReport, evaluate_recovery
from equiviz.training.recovery_training import RecoveryTrained, train_recovery
from equiviz.training.tasks.task import ScoringRequest, Task, TrainingRequest


def _train(asked: TrainingRequest) -> RecoveryTrained:
    if not isinstance(asked.data, (str, Path)):
        raise TrainingError(
            f"Expected a folder of protein structures with a split.json, got {type(asked.data).__name__}."
        )
    recipe = hologram_recipe(asked.seed, asked.epochs, asked.options.get("noise"))
    members = asked.options.get("members", 1)
    return train_recovery(asked.family, asked.data, asked.out, recipe, asked.config, members, asked.progress)


def _score(asked: ScoringRequest) -> RecoveryReport:
    return evaluate_recovery(asked.model, _proteins(asked.data), asked.name, asked.progress)


def _proteins(data: object) -> ProteinData:
    if isinstance(data, (str, Path, ProteinSet)):
        return data
    if isinstance(data, (list, tuple)) and data and all(isinstance(part, (str, Path)) for part in data):
        return list(data)
    raise TrainingError(
        "Expected a folder of protein structures, or paths of such files, for this model is of amino acids; got "
        f"{type(data).__name__}."
    )


def _headline(scores: Mapping[str, Any]) -> str:
    if "accuracy" not in scores:
        return ""
    return f"{100 * scores['accuracy']:.1f} % of residues, {scores['cross_entropy']:.3f} nats"


def _sample(model: EquivariantModel) -> TypedTensors:
    """All residues of rhodopsin."""
    return cast(TypedTensors, model.reads(str(rhodopsin())))


TASK = Task(
    name="amino acids",
    reads="proteins",
    row="residue",
    train=_train,
    score=_score,
    headline=_headline,
    sample=_sample,
    options=frozenset({"members", "noise"}),
)

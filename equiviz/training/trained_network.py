"""One network after the loop: scored, saved with a manifest, and handed back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from equiviz.models.configuration import write_config
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.training.checkpoint import Manifest, save_checkpoint
from equiviz.training.loop import History
from equiviz.training.recipe import Recipe
from equiviz.training.score_report import ScoreReport

ReportT = TypeVar("ReportT", bound=ScoreReport, covariant=True)


@dataclass(frozen=True, eq=False)
class TrainedNetwork(Generic[ReportT]):
    """What a training gave.

    Attributes:
        model: in evaluation mode.
        history: of the loop.
        report: what it reached on data that were kept from training.
        folder: where it was saved.
    """

    model: EquivariantModel
    history: History
    report: ReportT
    folder: Path

    def describe(self) -> str:
        """How long it took, what it reached, and where it lies."""
        return f"{self.history.describe()}\n{self.report.describe()}\nSaved in {self.folder}."


def saved(
    model: EquivariantModel,
    history: History,
    report: ReportT,
    out: str | Path,
    data: Mapping[str, object],
    recipe: Recipe,
    *,
    settings: Mapping[str, object] | None = None,
    scores: Mapping[str, object] | None = None,
) -> TrainedNetwork[ReportT]:
    """Save a network with a manifest that says how it came about.

    Args:
        model: trained; gets the manifest as its attribute.
        history, report: of the training.
        out: the folder.
        data: what it was trained on, for the manifest.
        recipe: of the loop; its seed is the model's. `settings` are what the recipe does not know, of the objective.
        scores: what the manifest says besides the report's numbers: on what they were reached.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    manifest = Manifest(
        family=model.family,
        config=write_config(model.config),
        data=data,
        recipe=dataclasses.asdict(recipe) | dict(settings or {}),
        seeds=(recipe.seed,),
        scores=report.to_dict() | dict(scores or {}),
        note=model.note,
    )
    model.manifest = manifest  # type: ignore[assignment]  # nn.Module declares attributes as Tensor | Module
    return TrainedNetwork(model, history, report, save_checkpoint(out, model, manifest))

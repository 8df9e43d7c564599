"""What needs no network: the trivial prediction of the mean displacement vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from equiviz.datasets.glass.basin import DISPLACEMENT, quenched
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.training.evaluation_report import EvaluationReport, Score
from equiviz.training.glass_task import relative_to_inherent
from equiviz.training.metrics import vector_correlation


def offset_report(configurations: Sequence[GlassConfiguration]) -> EvaluationReport:
    """The particle stays where it was: its mean displacement from the inherent is its thermal position.

    Raises:
        TrainingError: The data have no mean displacements.
    """
    scores: list[Score] = []
    for configuration in configurations:
        own = replace(configuration, structure=quenched(configuration.structure))
        offset: Tensor = -own.structure.node[DISPLACEMENT].values  # [N, 3]
        wanted = relative_to_inherent(own)  # [T, N, 3]
        for kind in torch.unique(own.species).tolist():
            chosen, label = own.of_type(kind), own.structure.species_label(kind)
            agreement = vector_correlation(offset[chosen], wanted[:, chosen])  # [T]
            scores += [
                Score(label, float(t), own.name, float(r), output="displacement")
                for t, r in zip(own.times, agreement, strict=True)
            ]
    return EvaluationReport("offset", f"{len(configurations)} configurations", scores)

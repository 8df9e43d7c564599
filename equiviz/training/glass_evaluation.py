"""Scores of networks that predict mobilities: rho per type, time and configuration, on any folder of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import SPECIES_A, GlassConfiguration
from equiviz.datasets.glass.folder import read_folder
from equiviz.datasets.glass.statistics import noise_ceiling
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.symmetry.field import Field
from equiviz.training.errors import TrainingError
from equiviz.training.evaluation_report import EvaluationReport, Score, same_time
from equiviz.training.glass_task import relative_to_inherent, vectors
from equiviz.training.load import manifest_of
from equiviz.training.metrics import pearson, vector_correlation
from equiviz.training.overlap import overlap_note

Data = str | Path | GlassConfiguration | Sequence[GlassConfiguration]


def evaluate_mobility(
    network: EquivariantModel, data: Data, called: str = "", progress: bool = False, time: float | None = None
) -> EvaluationReport:
    """As `evaluate`, of a model of liquids."""
    configurations, source = read_data(data, time, "evaluate")
    scores: list[Score] = []
    notes = {network.note, overlap_note(manifest_of(network), configurations)}
    for configuration in _with_progress(configurations, progress):
        own, note = score(network, configuration, predict(network, configuration))
        scores += own
        notes.add(note)
    return EvaluationReport(called, source, scores, " ".join(sorted(notes - {""})))


def predict(model: EquivariantModel, configuration: GlassConfiguration) -> dict[str, Field]:
    """The model's outputs for one configuration, without gradients."""
    return model.predict(configuration.structure)


def read_data(data: Data, time: float | None, purpose: str) -> tuple[Sequence[GlassConfiguration], str]:
    """Configurations, read if they lie in a folder, and what to call them.

    Args:
        data: A folder of configurations in any of the supported formats, or configurations.
        time: Time [LJ] of a folder of BOTAN files whose names do not tell it.
        purpose: What is done on them ("evaluate", "train"), for the message when there are none.

    Raises:
        TrainingError: No configurations, or a time for configurations, which state their own.
        DatasetError: As `read_folder`.
    """
    if isinstance(data, (str, Path)):
        found, source = read_folder(data, time), Path(data).name
    elif time is not None:
        raise TrainingError(f"time={time:g} is for a folder of BOTAN files; these configurations state their times.")
    else:
        data = [data] if isinstance(data, GlassConfiguration) else data
        _refuse_other(data, purpose)
        found, source = data, f"{len(data)} configuration{'s' * (len(data) != 1)}"
    if not found:
        raise TrainingError(
            f"There is nothing to {purpose} on: expected at least one configuration, got an empty list."
        )
    return found, source


def _refuse_other(data: object, purpose: str) -> None:
    others = [data]
    if isinstance(data, Sequence) and not isinstance(data, str):
        others = [entry for entry in cast("Sequence[object]", data) if not isinstance(entry, GlassConfiguration)]
    if others:
        raise TrainingError(
            f"To {purpose}, a folder of configurations is needed, or a list of GlassConfiguration (a structure with "
            f"its measured propensities), but {type(others[0]).__name__} came. Structures alone go to model.predict."
        )


def _with_progress(configurations: Sequence[GlassConfiguration], progress: bool) -> Iterator[GlassConfiguration]:
    from tqdm.auto import tqdm

    yield from tqdm(configurations, desc="evaluating", unit="configuration", disable=not progress)


def model_times(model: EquivariantModel) -> list[float]:
    """The times of a model's outputs: as its configuration says, or else the manifest that it was loaded with."""
    own = getattr(model.config, "times", None)
    if isinstance(own, tuple):
        return [float(time) for time in own]
    manifest = manifest_of(model)
    stated = None if manifest is None else manifest.data.get("times")
    return [float(time) for time in stated] if isinstance(stated, list) else []


def score(
    model: EquivariantModel, configuration: GlassConfiguration, outputs: Mapping[str, Field]
) -> tuple[list[Score], str]:
    """The scores of outputs that the model gave for a configuration, and a note where times were taken on trust.

    Raises:
        TrainingError: No time in common.
    """
    pairs, note = _matched(model_times(model), outputs["propensity"].dim, configuration)
    ceiling = _ceiling(configuration)
    scores: list[Score] = []
    for kind in torch.unique(configuration.species).tolist():
        chosen, label = configuration.of_type(kind), configuration.structure.species_label(kind)
        for own, given in pairs:
            time = float(configuration.times[given])
            rho = pearson(outputs["propensity"].values[chosen, own], configuration.propensity[given, chosen])
            top = float(ceiling[kind - SPECIES_A, given]) if ceiling is not None else float("nan")
            scores.append(Score(label, time, configuration.name, float(rho), top))
            if "displacement" in outputs and configuration.mean_displacement is not None:
                wanted = relative_to_inherent(configuration)[given, chosen]  # [n, 3]
                agreement = vector_correlation(vectors(outputs)[chosen, own], wanted)
                scores.append(Score(label, time, configuration.name, float(agreement), output="displacement"))
    return scores, note


def _matched(
    own: Sequence[float], outputs: int, configuration: GlassConfiguration
) -> tuple[list[tuple[int, int]], str]:
    """Pairs (the model's time, the data's time) that agree, and a note where the times were taken on trust."""
    given = configuration.times.tolist()
    pairs = [(i, j) for i, time in enumerate(own) for j, other in enumerate(given) if same_time(time, other)]
    if pairs:
        return pairs, ""
    if not own and outputs == len(given):
        return [(i, i) for i in range(outputs)], "The model does not say its times; those of the data were taken."
    if len(own) == len(given) == 1:
        return [(0, 0)], f"The model was trained at t = {own[0]:g}, the data are at t = {given[0]:g}."
    raise TrainingError(
        f"The model predicts t = {_listed(own)}, but {configuration.name or 'the data'} has t = {_listed(given)}: "
        "no time in common. Evaluate it on other data, or train it at these times."
    )


def _ceiling(configuration: GlassConfiguration) -> Tensor | None:
    try:
        return noise_ceiling(configuration)  # [2, T]
    except DatasetError:
        return None


def _listed(times: Sequence[float]) -> str:
    return ", ".join(f"{time:g}" for time in times) or "no time"

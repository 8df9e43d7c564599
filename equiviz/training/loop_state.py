"""The state between two epochs: everything that the next epoch depends on, saved without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from equiviz.training.bundle import exists, read_bundle, write_bundle
from equiviz.training.errors import CheckpointError, TrainingError
from equiviz.training.recipe import Recipe
from equiviz.training.seeds import RandomState

FORMAT = "equiviz-training-1"


@dataclass(frozen=True)
class EpochRecord:
    """One line of the history: mean training loss, validation score (NaN without validation), rate, wall time in s."""

    epoch: int
    loss: float
    score: float
    learning_rate: float
    seconds: float


@dataclass(eq=False)
class LoopState:
    """What changes while training, besides the random generators.

    Attributes:
        model, optimiser: The live objects.
        averaged: The moving average of the weights, empty when the recipe has none.
        best: The weights of the best validation score, empty before the first.
        best_score: That score; -inf before the first.
        records: One per finished epoch.
    """

    model: nn.Module
    optimiser: Optimizer
    averaged: dict[str, Tensor] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_score: float = -float("inf")
    records: list[EpochRecord] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return len(self.records)

    @property
    def since_best(self) -> int:
        """Epochs since the best score."""
        scores = [record.score for record in self.records]
        return len(scores) - 1 - scores.index(self.best_score) if self.best_score in scores else len(scores)


def save_state(folder: Path, state: LoopState, recipe: Recipe, subject: Mapping[str, str]) -> None:
    """Write the state between two epochs; a crash leaves the state of the epoch before. Raises CheckpointError.

    `subject` is what `equiviz.training.subject.subject_of` says of the training.
    """
    random = RandomState.now()
    groups = {
        "model": state.model.state_dict(),
        "averaged": state.averaged,
        "best": state.best,
        "optimiser": _flattened(state.optimiser),
        "random": random.tensors(),
    }
    tensors = {f"{group}/{name}": value for group, entries in groups.items() for name, value in entries.items()}
    document = {
        "format": FORMAT,
        "recipe": asdict(recipe),
        "subject": dict(subject),
        "best_score": _to_json(state.best_score),
        # Scores may be NaN (no validation) or -inf, which JSON does not know.
        "records": [{name: _to_json(value) for name, value in asdict(record).items()} for record in state.records],
        "random": random.scalars(),
    }
    write_bundle(folder, tensors, document)


def restore_state(folder: Path, state: LoopState, recipe: Recipe, subject: Mapping[str, str]) -> bool:
    """Continue from a saved state, if there is one; restores the random generators too.

    Returns:
        Whether there was one.

    Raises:
        CheckpointError: It is damaged, or of another format.
        TrainingError: It was made with another recipe, on other data, or for another network: resuming would give
            neither run.
    """
    if not exists(folder):
        return False
    tensors, document = read_bundle(folder)
    if document.get("format") != FORMAT:
        raise CheckpointError(f"{folder} holds no training state: 'format' is {document.get('format')!r}.")
    _same_recipe(folder, document.get("recipe"), recipe)
    groups = _grouped(tensors)
    _load_model(folder, state.model, groups.get("model", {}))
    _same_subject(folder, document.get("subject"), subject)
    _unflatten(state.optimiser, groups.get("optimiser", {}))
    state.averaged, state.best = groups.get("averaged", {}), groups.get("best", {})
    state.best_score = _from_json(document.get("best_score"))
    state.records[:] = _records(document.get("records"))
    scalars = document.get("random")
    assert isinstance(scalars, dict)
    RandomState.from_parts(groups["random"], scalars).restore()
    return True


def _same_recipe(folder: Path, saved: object, recipe: Recipe) -> None:
    wanted = asdict(recipe)
    if saved == wanted:
        return
    old = saved if isinstance(saved, dict) else {}
    changed = [f"{k}: {old.get(k)!r} then, {v!r} now" for k, v in wanted.items() if old.get(k) != v]
    raise TrainingError(
        f"The training in {folder} was started with another recipe ({'; '.join(changed)}). Resume it with the same "
        "settings, or choose another folder."
    )


def _same_subject(folder: Path, saved: object, subject: Mapping[str, str]) -> None:
    old = saved if isinstance(saved, dict) else {}
    changed = [f"{what}: {old.get(what)} then, {now} now" for what, now in subject.items() if old.get(what) != now]
    if changed:
        raise TrainingError(
            f"The training in {folder} was started on something else ({'; '.join(changed)}). Resume it with the same "
            "data and settings, or choose another folder."
        )


def _load_model(folder: Path, model: nn.Module, saved: Mapping[str, Tensor]) -> None:
    try:
        model.load_state_dict(dict(saved))
    except RuntimeError as problem:
        raise TrainingError(
            f"The training in {folder} was started with a network of another shape: {str(problem)[:300]}. "
            "Choose another folder."
        ) from problem


def _flattened(optimiser: Optimizer) -> dict[str, Tensor]:
    """The optimiser's memory as ``parameter index/name`` -> tensor; Adam's holds tensors only."""
    entries = optimiser.state_dict()["state"]
    return {f"{index}/{name}": torch.as_tensor(value) for index, own in entries.items() for name, value in own.items()}


def _unflatten(optimiser: Optimizer, saved: Mapping[str, Tensor]) -> None:
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in saved.items():
        index, _, name = key.partition("/")
        memory.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": memory, "param_groups": optimiser.state_dict()["param_groups"]})


def _grouped(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    groups: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, {})[name] = value
    return groups


def _records(saved: object) -> list[EpochRecord]:
    assert isinstance(saved, list)
    return [
        EpochRecord(
            epoch=int(_from_json(entry["epoch"])),
            loss=_from_json(entry["loss"]),
            score=_from_json(entry["score"]),
            learning_rate=_from_json(entry["learning_rate"]),
            seconds=_from_json(entry["seconds"]),
        )
        for entry in saved
    ]


def _to_json(value: float) -> str:
    return repr(value)


def _from_json(value: object) -> float:
    return float(str(value))

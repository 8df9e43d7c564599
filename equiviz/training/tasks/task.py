"""The kinds of task, found by looking into this folder: each module with a `TASK` is one.

A model says which task it has (`EquivariantModel.task`). Whatever depends on it, beside the model itself, is here and
in the task's own file; `train`, `evaluate` and `equiviz models` look it up.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.training.errors import TrainingError
from equiviz.training.recipe import Hardware
from equiviz.training.score_report import ScoreReport

Sample: TypeAlias = "Structure | TypedTensors"


class TrainingResult(Protocol):
    """What every training gives."""

    @property
    def model(self) -> EquivariantModel:
        """In evaluation mode."""
        ...

    @property
    def report(self) -> ScoreReport | None:
        """What it reached on data that were kept from training; None where there were none."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where it was saved, if anywhere."""
        ...

    def describe(self) -> str:
        """How long it took, what it reached, and where it lies."""
        ...


@dataclass(frozen=True)
class TrainingRequest:
    """What a user asks for; the attributes are the arguments of `equiviz.training.train.train`.

    Attributes:
        options: those of the task's options that were given.
    """

    family: Family
    data: object
    out: Path
    seed: int
    epochs: int | None
    config: Mapping[str, object] | None
    hardware: Hardware | None
    progress: bool
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ScoringRequest:
    """What a user asks for; the attributes are the arguments of `equiviz.evaluate`.

    Attributes:
        options: those of the task's options that were given.
    """

    model: EquivariantModel
    data: object
    name: str
    progress: bool
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One kind of task.

    Attributes:
        name: as models state it.
        reads: what its data are of, in the plural, for messages.
        row: one of what a model is shown, in the singular; speed is given per so many.
        train: from a request to saved weights.
        score: from a request to a report.
        headline: of the scores that a manifest keeps, the one line that a table has room for; "" where it finds none.
        sample: something real for a model of this task to read, out of what is shipped.
        options: arguments of `train` and `evaluate` that only such a task takes.
    """

    name: str
    reads: str
    row: str
    train: Callable[[TrainingRequest], TrainingResult]
    score: Callable[[ScoringRequest], ScoreReport]
    headline: Callable[[Mapping[str, Any]], str]
    sample: Callable[[EquivariantModel], Sample]
    options: frozenset[str] = frozenset()

    def refuse_others(self, given: Mapping[str, object], called: str) -> None:
        """Raises TrainingError where an option was given that belongs to other tasks."""
        for name in given:
            if name not in self.options:
                whose = ", ".join(sorted(task.reads for task in tasks().values() if name in task.options))
                raise TrainingError(f"{name} is for data of {whose}; {called} reads {self.reads}.")


def tasks() -> dict[str, Task]:
    """All tasks by name."""
    return dict(_scanned())


def task_named(name: str, called: str) -> Task:
    """The task of that name, which a model states. Raises TrainingError, which lists the known ones."""
    known = _scanned()
    if name not in known:
        raise TrainingError(f"{called} has the task {name!r}, which nothing trains or scores. There are: {_all()}.")
    return known[name]


def _all() -> str:
    return ", ".join(_scanned())


@functools.cache
def _scanned() -> dict[str, Task]:
    package = importlib.import_module("equiviz.training.tasks")
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}") for info in pkgutil.iter_modules(package.__path__)
    ]
    found = [task for module in modules if isinstance(task := getattr(module, "TASK", None), Task)]
    return {task.name: task for task in sorted(found, key=lambda task: task.name)}

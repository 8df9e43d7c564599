"""Attribution of networks that learned a task with a known answer.

    OMP_WAIT_POLICY=passive python -m benchmarks.trained_answers [--folder scratch/answers] [--structures 20]

For each task of `equiviz.explain.attribution.known_answers` a small network of tensor products is trained on its labels
(`benchmarks.answers`), one to four minutes each on one core; a training that was stopped is gone on with, a finished
one is read. Then the area under the ROC curve of each method, by bond, a mean over structures that nobody trained on;
below .95 a method has failed, and stands in brackets. As a control stands beside it what integrated gradients find in
the same network before its training. Everything goes to `benchmarks/results/trained_answers.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.answers.learned import Size, learned, unseen, untrained
from benchmarks.attribution import FAILED, METHODS
from benchmarks.machine import machine_line
from equiviz.datasets.cache import cache_folder
from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.known_answers import TASKS, KnownAnswer
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.atomic_file import write_atomically
from equiviz.structures.structure import Structure

RESULTS = Path(__file__).resolve().parent / "results" / "trained_answers.json"
ASKED: Mapping[str, dict[str, object]] = {**METHODS, "relevance": {}}
CONTROL = "integrated_gradients"


@dataclass(frozen=True)
class Found:
    """What came out for one task.

    Attributes:
        question: what the label depends on.
        r2: of the network on test structures.
        seconds: that its training took.
        parameters: that it has.
        areas: by method, one area under the curve for each structure.
        untrained: of `CONTROL` on the same network before its training.
    """

    question: str
    r2: float
    seconds: float
    parameters: int
    areas: dict[str, list[float]]
    untrained: list[float]

    @property
    def row(self) -> str:
        """In Markdown; failures in brackets."""
        cells = [told(areas) for areas in self.areas.values()]
        return f"| {self.question} | {self.r2:.3f} | {' | '.join(cells)} | {mean(self.untrained):.2f} |"


def areas(task: KnownAnswer, model: EquivariantModel, structures: Sequence[Structure], method: str) -> list[float]:
    """Of one method, by structure."""
    found: list[float] = []
    for structure in structures:
        report = attribute(model, structure, method=method, rotations=0, **ASKED[method])  # type: ignore[call-overload]
        found.append(round(task.score(task.prepare(structure), report.shares.edges), 4))
    return found


def asked(task: KnownAnswer, folder: Path, size: Size, structures: int) -> Found:
    """Train, and ask every method."""
    network = learned(task, folder / type(task).__name__, size)
    shown = unseen(task, structures)
    return Found(
        task.question,
        network.r2,
        round(network.seconds, 1),
        sum(parameter.numel() for parameter in network.network.parameters()),
        {method: areas(task, network.network, shown, method) for method in ASKED},
        areas(task, untrained(task), shown, CONTROL),
    )


def mean(values: Sequence[float]) -> float:
    """Of areas."""
    return sum(values) / len(values)


def told(values: Sequence[float]) -> str:
    """Two digits, in brackets below `FAILED`."""
    return f"{mean(values):.2f}" if mean(values) >= FAILED else f"({mean(values):.2f})"


def main() -> None:
    """Print the table in Markdown, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=cache_folder() / "trained_answers")
    parser.add_argument("--structures", type=int, default=20)
    parser.add_argument("--tasks", nargs="*", default=[task.__name__ for task in TASKS])
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine_line()}, 1 thread; {given.structures} structures a task\n")
    print(f"| what the label depends on | R² | {' | '.join(name.replace('_', ' ') for name in ASKED)} | untrained |")
    print("|---|---|" + "---|" * (len(ASKED) + 1))
    for task in TASKS:
        if task.__name__ in given.tasks:
            found = asked(task(), given.folder, Size(), given.structures)
            print(found.row, flush=True)
            keep(task.__name__, found)


def keep(name: str, found: Found) -> None:
    """Among the results of the other tasks."""
    document = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"tasks": {}}
    document["tasks"][name] = {"machine": machine_line(), "size": asdict(Size()), **asdict(found)}
    write_atomically(RESULTS, json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()

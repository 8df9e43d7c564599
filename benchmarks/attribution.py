"""Attribution against known answers, and what it costs.

    python -m benchmarks.attribution [--structures 20] [--repeats 5]          (from the top of the repository)

The first table gives the area under the ROC curve, by bond, of each method on each task with a known answer
(`equiviz.explain.attribution.known_answers`), a mean over structures that no test uses; in brackets
where it is below .95, the method having failed.
The second gives the time of an attribution of one molecule of 30 atoms in passes: one pass is one forward and one
backward pass of the same network on the same molecule (two layers, 8 channels, l <= 2, the e3nn network of the tests).
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.machine import machine_line
from benchmarks.timing import seconds
from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.known_answers import TASKS, KnownAnswer
from equiviz.features.capture import record
from equiviz.structures.structure import Structure
from tests.toy_networks import ToyNetwork, molecule, toy

METHODS: dict[str, dict[str, object]] = {
    "integrated_gradients": {},
    "shapley": {"players": "bonds", "samples": 24},
    "occlusion": {},
    "smooth_gradient": {},
    "saliency": {},
    "input_x_gradient": {},
}
FIRST = 100  # seeds of the structures; tests take the first few
FAILED = 0.95


def area(task: KnownAnswer, method: str, settings: dict[str, object], structures: int) -> float:
    """Mean over structures."""
    found: list[float] = []
    for seed in range(FIRST, FIRST + structures):
        structure = task.example(seed)
        report = attribute(task, structure, method=method, rotations=0, **settings)  # type: ignore[call-overload]
        found.append(task.score(task.prepare(structure), report.shares.edges))
    return sum(found) / len(found)


def table(structures: int) -> None:
    """Tasks by methods, in Markdown; failures in brackets."""
    print(f"| what the label depends on | {' | '.join(name.replace('_', ' ') for name in METHODS)} |")
    print("|---|" + "---|" * len(METHODS))
    for task in TASKS:
        made = task()
        cells = [area(made, method, settings, structures) for method, settings in METHODS.items()]
        told = [f"{cell:.2f}" if cell >= FAILED else f"({cell:.2f})" for cell in cells]
        print(f"| {task.question} | {' | '.join(told)} |", flush=True)


def one_pass(model: ToyNetwork, structure: Structure) -> None:
    """Forward, and backward to the edge vectors."""
    graph = model.prepare(structure)
    vectors = graph.edge_vectors.detach().requires_grad_()
    energy = record(model, graph.with_edge_vectors(vectors), keep_graph=True)["output.energy"].values.sum()
    torch.autograd.grad(energy, vectors)


def cost(repeats: int) -> None:
    """Attributions of one molecule, in passes."""
    model, structure = toy(torch.float32, channels=8), molecule(30, length=3.2)
    edges = model.prepare(structure).edge_index.shape[1]
    unit = seconds(lambda: one_pass(model, structure), 10 * repeats)
    print(f"\n30 atoms, {edges} edges: one pass takes {1e3 * unit:.1f} ms\n\n| attribution | passes |\n|---|---|")
    runs: dict[str, dict[str, object]] = {
        "integrated gradients, 64 steps": {"rotations": 0},
        "the same, and of the turned molecule (the default)": {},
        "Shapley values of 30 atoms, 24 orders": {"method": "shapley", "samples": 24, "rotations": 0},
        "occlusion of every bond": {"method": "occlusion", "rotations": 0},
        "irreps of all stages, 64 steps": {"to": "stages"},
        "all Clebsch-Gordan paths, 16 points": {"to": "paths"},
        "relevance": {"method": "relevance", "rotations": 0},
    }
    for name, settings in runs.items():
        taken = seconds(lambda settings=settings: attribute(model, structure, **settings), repeats)  # type: ignore
        print(f"| {name} | {taken / unit:.1f} |", flush=True)


def main() -> None:
    """Print both tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--structures", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    told = parser.parse_args()
    print(f"{machine_line()}, {torch.get_num_threads()} threads; {told.structures} structures a task\n")
    table(told.structures)
    cost(told.repeats)


if __name__ == "__main__":
    main()

"""PaiNN beside schnetpack's PaiNN, trained on the same frames by the same recipe: errors on unseen files, and the cost.

    python -m benchmarks.painn_reference train energies|energies-300K|tensors --data FOLDER/molecules [--seed 0]
                                               [--epochs N] [--work runs/painn_reference] [--only equiviz|schnetpack]
    python -m benchmarks.painn_reference table --data FOLDER/molecules [--work runs/painn_reference]

energies: acetylacetone at 300 K and 600 K, as `painn-acac`, scored on the test files beside them. energies-300K: those
at 300 K alone, scored also on the hotter ones. tensors: dipoles and polarizabilities of water, as `painn-water`, scored
on every fifth frame. `train` trains ours, then schnetpack's in its own environment (`make test-interop` makes it), each
in one thread; run it again after an interruption. `table` scores what it finds in the folder, prints Markdown, and
writes benchmarks/results/painn_reference.json.

The reference reads plain arrays that are written here: molecules with our neighbours, measured from the centre of mass
(its polarizability needs that); the order of the molecules, the rate, the momentum and the average's decay at each
step. So both see the same frames in the same order; only the networks and their first weights differ.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from benchmarks.machine import machine_line
from benchmarks.painn import PYTHONS, ROOT
from benchmarks.painn_reference_training import TRAINING, VALIDATION, write_npz
from benchmarks.painn_weights import plan_of, split
from equiviz.datasets.molecules.frames import Frame, read_molecules
from equiviz.models.painn import Painn
from equiviz.models.registry import family
from equiviz.structures.atomic_file import write_atomically
from equiviz.training.load import load
from equiviz.training.molecule_report import MoleculeReport, evaluate_molecules
from equiviz.training.molecule_training import MoleculePlan, held_out, train_molecules
from equiviz.training.recipe import Recipe, learning_rate, momentum
from equiviz.training.seeds import epoch_order

RESULTS = Path(__file__).parent / "results" / "painn_reference.json"
OURS, THEIRS = "equiviz", "schnetpack"
TASKS = ("energies", "energies-300K", "tensors")


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained, and on what it is scored.

    Attributes:
        frames: to train on, validation among them.
        tests: unseen frames, by the name of their set.
        plan: as for the shipped weights.
    """

    frames: Sequence[Frame]
    tests: Mapping[str, Sequence[Frame]]
    plan: MoleculePlan

    @classmethod
    def of(cls, name: str, data: Path) -> Task:
        """A task by name, from the folder of the molecules."""
        if name == "tensors":
            frames, test = split("water", data)
            return cls(frames, {"test": test}, plan_of("water", frames))
        folder = data / "acac"
        tests = {path.stem: read_molecules(path) for path in sorted(folder.glob("test_*.xyz"))}
        if name == "energies-300K":
            frames = read_molecules(folder / "train_300K.xyz")
            tests["train_600K"] = read_molecules(folder / "train_600K.xyz")
        else:
            frames, _ = split("acac", data)
        return cls(frames, tests, plan_of("acac", frames))

    def sets(self) -> dict[str, Sequence[Frame]]:
        """All frames by the name of their set: training, validation, and the tests."""
        training, validation = held_out(self.frames)
        return {TRAINING: training, VALIDATION: validation, **self.tests}

    def recipe(self, seed: int, epochs: int | None) -> Recipe:
        """That of the plan, with a seed, and with another number of epochs if it is given."""
        return replace(self.plan.recipe, seed=seed, epochs=epochs or self.plan.recipe.epochs)


def arrays_of(frames: Sequence[Frame], model: Painn, properties: Sequence[str]) -> dict[str, np.ndarray]:
    """Molecules one after another, as plain arrays.

    Args:
        frames: S molecules with N atoms in all.
        model: ours: its neighbours and shifts are taken.
        properties: which of them to write.

    Returns:
        sizes, pairs ``[S]``: atoms and edges of each; positions ``[N, 3]`` in Å from the centre of mass, species
        ``[N]``, idx_i and idx_j ``[E]`` (receiver and sender within the molecule), energy_shift and
        polarizability_shift ``[S, 1]``, and the properties.
    """
    config, parts = model.config, []
    place = {number: row for row, number in enumerate(config.species)}
    for frame in frames:
        graph, atoms = model.prepare(frame.structure), frame.structure.to_ase()
        rows = [place[number] for number in frame.structure.species.tolist()]
        part = {
            "sizes": np.array([len(rows)]),
            "pairs": np.array([graph.edge_index.shape[1]]),
            "positions": atoms.positions - atoms.get_center_of_mass(),
            "species": frame.structure.species.numpy(),
            "idx_i": graph.edge_index[1].numpy(),
            "idx_j": graph.edge_index[0].numpy(),
            "energy_shift": np.array([[_sum_of(config.energy_shifts, rows)]]),
            "polarizability_shift": np.array([[_sum_of(config.polarizability_shifts, rows)]]),
        }
        parts.append(part | {name: frame.properties[name].values.double().numpy() for name in properties})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sum_of(shifts: Sequence[float], rows: Iterable[int]) -> float:
    return sum(shifts[row] for row in rows) if shifts else 0.0


def steps_of(recipe: Recipe, count: int) -> dict[str, np.ndarray]:
    """What our loop does at each step with so many molecules: order ``[epochs, count]``; rate, momentum, decay."""
    total = recipe.epochs * -(-count // recipe.batch)
    return {
        "order": np.array([epoch_order(count, recipe.seed, epoch) for epoch in range(recipe.epochs)]),
        "rate": np.array([learning_rate(recipe, step, total) for step in range(total)]),
        "momentum": np.array([momentum(recipe, step, total) for step in range(total)]),
        "decay": np.array([min(recipe.ema, (1 + step) / (10 + step)) for step in range(total)]),
    }


def write_arrays(task: Task, folder: Path, seed: int, epochs: int | None) -> None:
    """All that the reference reads."""
    recipe, plan = task.recipe(seed, epochs), task.plan
    model = cast(Painn, family("painn").build(dict(plan.settings)))
    for name, frames in task.sets().items():
        write_npz(folder / f"{name}.npz", arrays_of(frames, model, plan.properties))
    write_npz(folder / "steps.npz", steps_of(recipe, len(held_out(task.frames)[0])))
    settings = dataclasses.asdict(model.config) | dataclasses.asdict(plan.objective)
    scales = {name: getattr(model.config, name) for name in ("dipole_scale", "polarizability_scale")}
    chosen = {name: getattr(recipe, name) for name in ("seed", "batch", "clip", "learning_rate")}
    write_atomically(folder / "settings.json", json.dumps(settings | scales | chosen, indent=1, sort_keys=True))


def train_ours(task: Task, folder: Path, seed: int, epochs: int | None) -> None:
    """Train, or go on; the CPU time is told only of a training that was not interrupted."""
    resumed = (folder / "state").exists()
    torch.set_num_threads(1)
    start = time.process_time()
    trained = train_molecules(family("painn"), task.frames, folder, seed, epochs, plan=task.plan)
    told = {
        "epochs": len(trained.history.records),
        "best_epoch": trained.history.best_epoch,
        "cpu_seconds": None if resumed else time.process_time() - start,
        "parameters": sum(value.numel() for value in trained.model.parameters()),
    }
    write_atomically(folder / "spent.json", json.dumps(told) + "\n")
    print(trained.describe(), flush=True)


def train(name: str, data: Path, work: Path, seed: int, epochs: int | None, only: str | None) -> None:
    """Both, ours first; what is done already is left as it is."""
    task, folder = Task.of(name, data), work / f"{name}-{seed}"
    if only != THEIRS and not (folder / OURS / "spent.json").exists():
        train_ours(task, folder / OURS, seed, epochs)
    if only != OURS and not (folder / THEIRS / "spent.json").exists():
        write_arrays(task, folder / "arrays", seed, epochs)
        command = [str(PYTHONS[THEIRS]), "-W", "ignore", "-m", "benchmarks.painn_reference_training"]
        places = [str((folder / part).resolve()) for part in ("arrays", THEIRS)]
        subprocess.run([*command, *places], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)


def reports_of(task: Task, folder: Path) -> dict[str, dict[str, MoleculeReport]]:
    """By set but the training set, and by network; theirs from its predictions, scored by the same code."""
    model, found = load(folder / OURS), {}
    for name, frames in task.sets().items():
        if name != TRAINING:
            ours = evaluate_molecules(model, frames, OURS)
            with np.load(folder / THEIRS / f"predicted_{name}.npz") as file:
                told = {kind: torch.from_numpy(file[kind]).double() for kind in file.files}
            found[name] = {OURS: ours, THEIRS: replace(ours, model=THEIRS, predicted=told)}
    return found


def finished(name: str, work: Path) -> list[Path]:
    """Folders of a task's seeds where both trainings are done."""
    return [
        folder
        for folder in sorted(work.glob(f"{name}-*"))
        if folder.name.removeprefix(f"{name}-").isdecimal()  # energies-300K-0 is of another task than energies-0
        and all((folder / network / "spent.json").exists() for network in (OURS, THEIRS))
    ]


def rows_of(name: str, folders: Sequence[Path], data: Path) -> dict[str, list[dict[str, Any]]]:
    """Of one task: errors of each seed, set and property; and costs of each seed and network."""
    task, errors, costs = Task.of(name, data), [], []
    for folder in folders:
        seed = int(folder.name.rpartition("-")[2])
        for network in (OURS, THEIRS):
            spent = json.loads((folder / network / "spent.json").read_text())
            costs.append({"task": name, "seed": seed, "network": network, **spent})
        for kind, reports in reports_of(task, folder).items():
            for network, report in reports.items():
                known = {"task": name, "seed": seed, "set": kind, "molecules": len(report.sizes), "network": network}
                for one in report.errors().values():
                    errors.append(known | {"property": one.name, "unit": one.unit, "mae": one.mae, "rmse": one.rmse})
    return {"errors": errors, "costs": costs}


def markdown(errors: Sequence[Mapping[str, Any]], costs: Sequence[Mapping[str, Any]]) -> str:
    """Two tables: errors, and costs. Of several seeds the mean, with the least and the largest behind it."""
    pairs = [(network, kind) for kind in ("mae", "rmse") for network in (OURS, THEIRS)]
    lines = [
        "| task | set | property | " + " | ".join(f"{kind.upper()}, {network}" for network, kind in pairs) + " |",
        "|---" * (3 + len(pairs)) + "|",
    ]
    keys = ("task", "set", "property", "unit")
    for row in dict.fromkeys(tuple(one[key] for key in keys) for one in errors):
        own = [one for one in errors if tuple(one[key] for key in keys) == row]
        told = [_spread([one[kind] for one in own if one["network"] == network]) for network, kind in pairs]
        lines.append(f"| {row[0]} | {row[1]} ({own[0]['molecules']}) | {row[2]}, {row[3]} | {' | '.join(told)} |")
    lines += ["", "| task | network | parameters | epochs | seeds | CPU seconds |", "|---|---|---|---|---|---|"]
    for task, network in dict.fromkeys((one["task"], one["network"]) for one in costs):
        own = [one for one in costs if (one["task"], one["network"]) == (task, network)]
        spent = [one["cpu_seconds"] for one in own if one["cpu_seconds"] is not None]
        cells = [f"{own[0]['parameters']:,}", str(own[0]["epochs"]), str(len(own)), _spread(spent)]
        lines.append(f"| {task} | {network} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "not measured"
    mean, low, high = (f"{value:.3g}" if value < 1000 else f"{value:.0f}" for value in _three(values))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return sum(values) / len(values), min(values), max(values)


def table(data: Path, work: Path, results: Path) -> None:
    """Score, print, write."""
    done = {name: finished(name, work) for name in TASKS}
    found = [rows_of(name, folders, data) for name, folders in done.items() if folders]
    errors, costs = ([row for one in found for row in one[kind]] for kind in ("errors", "costs"))
    if not costs:
        raise SystemExit(f"Nothing to score in {work}: expected trainings of both networks there; run `train` first.")
    print(f"{machine_line()}\n\n{markdown(errors, costs)}")
    whole = {"machine": machine_line(), "errors": errors, "costs": costs}
    write_atomically(results, json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("train", "table"):
        own = verbs.add_parser(verb)
        if verb == "train":
            own.add_argument("task", choices=TASKS)
            own.add_argument("--seed", type=int, default=0)
            own.add_argument("--epochs", type=int, help="Instead of the recipe's; the schedule spans them.")
            own.add_argument("--only", choices=[OURS, THEIRS])
        else:
            own.add_argument("--results", type=Path, default=RESULTS)
        own.add_argument("--data", type=Path, default=Path("../shared/data/molecules"))
        own.add_argument("--work", type=Path, default=Path("runs/painn_reference"))
    asked = parser.parse_args()
    if asked.verb == "train":
        train(asked.task, asked.data, asked.work, asked.seed, asked.epochs, asked.only)
    else:
        table(asked.data, asked.work, asked.results)

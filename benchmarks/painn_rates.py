"""The learning rate of PaiNN's recipe: short trainings of ours at several rates, judged on the validation frames alone.

    python -m benchmarks.painn_rates energies|tensors --data FOLDER/molecules [--epochs 30] [--work runs/painn_rates]

Each training has a one-cycle schedule over its own few epochs. One thread; run it again after an interruption. Results
go to benchmarks/results/painn_rates_TASK.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import machine_line
from benchmarks.painn_reference import TASKS, Task
from equiviz.models.registry import family
from equiviz.structures.atomic_file import write_atomically
from equiviz.training.molecule_training import train_molecules

RATES = (1e-3, 2e-3, 4e-3)


def trained_at(rate: float, task: Task, epochs: int, folder: Path) -> dict[str, Any]:
    """One training; its best score on the validation frames and the errors there."""
    plan = replace(task.plan, recipe=replace(task.plan.recipe, learning_rate=rate))
    found = train_molecules(family("painn"), task.frames, folder, epochs=epochs, plan=plan)
    row: dict[str, Any] = {"rate": rate, "epochs": epochs, "best_score": found.history.best_score}
    for name, one in found.report.errors().items():
        row |= {f"{name} MAE, {one.unit}": one.mae, f"{name} RMSE, {one.unit}": one.rmse}
    return row


def markdown(rows: list[dict[str, Any]]) -> str:
    """A row for each rate."""
    names = [name for name in rows[0] if name not in ("rate", "epochs", "best_score")]
    lines = ["| rate | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    return "\n".join(
        [*lines, *(f"| {row['rate']:g} | " + " | ".join(f"{row[n]:.3g}" for n in names) + " |" for row in rows)]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/molecules"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--work", type=Path, default=Path("runs/painn_rates"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    wanted = Task.of(asked.task, asked.data)
    found = [
        trained_at(rate, wanted, asked.epochs, asked.work / f"{asked.task}-{asked.epochs}-{rate:g}") for rate in RATES
    ]
    print(f"{machine_line()}\n\n{markdown(found)}")
    results = Path(__file__).parent / "results" / f"painn_rates_{asked.task}.json"
    write_atomically(results, json.dumps({"machine": machine_line(), "rows": found}, indent=1) + "\n")

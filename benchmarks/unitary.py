"""What U(n) equivariance buys: error of the predicted state against training motions, beside a plain network.

`unitary` against a plain multilayer perceptron with as many parameters, as it is and with each motion turned anew by a
random element of U(n) whenever it is seen (augmentation). All take as many optimiser steps at every size; with most
motions also ten times as many, so that one sees what steps alone would mend. The rate of
the plain networks is the better of two on the validation motions; that of `unitary` is its recipe's.

    python benchmarks/unitary.py            # trains what is missing in benchmarks/results/unitary.json, then prints
    python benchmarks/unitary.py --table    # prints only
    python benchmarks/unitary.py --figure FILE.html
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from machine import machine_line
from torch import Tensor, nn

from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS
from equiviz.models.registry import family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.atomic_file import write_atomically
from equiviz.structures.phase_space import FIELD, STATE
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry import Field
from equiviz.training.motion_report import evaluate_motions
from equiviz.training.phase_space_training import MOTION_RECIPE, motion_training, system_settings
from equiviz.training.seeds import seeded

RESULTS = Path(__file__).resolve().parent / "results" / "unitary.json"
SIZES = (64, 256, 1024)
STEPS, LONG = 600, 6000
HELD = 512
MODELS = {"unitary": (1e-2,), "plain": (1e-3, 3e-3), "plain, augmented": (1e-3, 3e-3)}


class PlainNetwork(EquivariantModel):
    """Real and imaginary parts and the field -> three hidden layers -> real and imaginary parts. Knows no symmetry."""

    family = ""
    group = "none"
    task = "phase space"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        n, leaving = config["n"], 2 * config["vectors"] * config["n"]
        entering, width = leaving + (n**2 - 1 if config["field"] else 0), config["width"]
        widths = [entering, width, width, width]
        hidden = [part for i, o in pairwise(widths) for part in (nn.Linear(i, o), nn.SiLU())]
        self.network = nn.Sequential(*hidden, nn.Linear(width, leaving))

    def prepare(self, structures: Any) -> TypedTensors:  # type: ignore[override]
        return structures

    def forward(self, x: TypedTensors) -> dict[str, Field]:  # type: ignore[override]
        state = x.fields[STATE]
        known: list[Tensor] = [torch.view_as_real(state.values).flatten(1)]
        known += [x.fields[FIELD].values] if FIELD in x.fields else []
        made = self.network(torch.cat(known, 1).to(torch.float32)).unflatten(1, (-1, 2))
        return {STATE: state.with_values(torch.view_as_complex(made.contiguous()))}


def built(model: str, system: str) -> EquivariantModel:
    equivariant = family("unitary").build(system_settings(system))
    if model == "unitary":
        return equivariant
    settings = system_settings(system) | {"width": 1}
    while parameters(PlainNetwork(settings)) < parameters(equivariant):
        settings["width"] = int(settings["width"]) + 1  # type: ignore[call-overload]
    return PlainNetwork(settings)


def parameters(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def cell(model: str, system: str, size: int, seed: int, steps: int) -> dict[str, object]:
    training = Motions.make(system, "train", size)
    validation, test = (Motions.make(system, split, HELD) for split in ("validation", "test"))
    epochs = max(1, round(steps / -(-size // MOTION_RECIPE.batch)))
    tried: list[dict[str, object]] = []
    for rate in MODELS[model]:
        with seeded(seed):
            network = built(model, system)
        recipe = replace(MOTION_RECIPE, epochs=epochs, learning_rate=rate, seed=seed)
        task = motion_training(
            network, training, validation, recipe, augment=model == "plain, augmented", progress=False
        )
        history = task.run()
        tried.append(
            {
                "rate": rate,
                "parameters": parameters(network),
                "train": history.records[-1].loss ** 0.5,
                "validation": -history.records[-1].score,
                "test": evaluate_motions(network, test).error(),
                "seconds": round(sum(record.seconds for record in history.records), 1),
            }
        )
    best = min(tried, key=lambda one: float(str(one["validation"])))
    return {"model": model, "system": system, "size": size, "seed": seed, "steps": steps, **best}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--table", action="store_true")
    asked.add_argument("--figure", type=Path)
    asked.add_argument("--seeds", type=int, default=1)
    given = asked.parse_args()
    cells: list[dict[str, Any]] = json.loads(RESULTS.read_text())["cells"] if RESULTS.exists() else []
    done = {(c["model"], c["system"], c["size"], c["seed"], c.get("steps", STEPS)) for c in cells}
    amounts = [*((n, STEPS) for n in SIZES), (SIZES[-1], LONG)]
    wanted = [(m, s, n, seed, k) for seed in range(given.seeds) for n, k in amounts for s in SYSTEMS for m in MODELS]
    for one in [] if given.table or given.figure else [one for one in wanted if one not in done]:
        torch.set_num_threads(1)
        cells.append({**cell(*one), "measured": machine_line()})
        print(json.dumps(cells[-1]), flush=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(RESULTS, json.dumps({"cells": cells}, indent=1) + "\n")
    print(table(cells))
    if given.figure is not None:
        write_atomically(given.figure, figure(cells).to_html(include_plotlyjs=True))


def table(cells: list[dict[str, Any]]) -> str:
    amounts = [*((n, STEPS) for n in SIZES), (SIZES[-1], LONG)]
    head = ["system", "model", "parameters", *(f"{n} motions, {k} steps" for n, k in amounts)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for system in SYSTEMS:
        for model in MODELS:
            own = [c for c in cells if (c["model"], c["system"]) == (model, system)]
            found = [[c for c in own if (c["size"], c.get("steps", STEPS)) == amount] for amount in amounts]
            shown = [f"{_percent(some, 'test')} ({_percent(some, 'train')})" if some else "" for some in found]
            lines.append(f"| {system} | {model} | {own[0]['parameters'] if own else ''} | {' | '.join(shown)} |")
    told = sorted({c["measured"] for c in cells})
    return "\n".join([*lines, "", f"Error of the state on {HELD} test motions (in training). {'; '.join(told)}"])


def _percent(cells: list[dict[str, Any]], key: str) -> str:
    return f"{100 * sum(c[key] for c in cells) / len(cells):.1f} %"


def figure(cells: list[dict[str, Any]]) -> Any:
    import plotly.graph_objects as go

    drawn = go.Figure()
    for system in SYSTEMS:
        for model in MODELS:
            own = sorted(
                (c["size"], c["test"])
                for c in cells
                if (c["model"], c["system"], c.get("steps", STEPS)) == (model, system, STEPS)
            )
            drawn.add_scatter(
                x=[n for n, _ in own], y=[e for _, e in own], name=f"{system}, {model}", mode="lines+markers"
            )
    drawn.update_layout(
        xaxis={"type": "log", "title": "training motions"}, yaxis={"type": "log", "title": "relative error"}
    )
    return drawn


if __name__ == "__main__":
    main()

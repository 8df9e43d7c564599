"""Train the weights that travel in the package, `equiviz/weights/`, as the benchmark trains the same networks.

    python benchmarks/shipped_weights.py glassy-T056
    python benchmarks/shipped_weights.py glassy-T044 --data FOLDER/kob_andersen_T044

glassy-T056 is the network of the cell ``b-glassy`` (shipped set, training split); its scores are those of the test
split. glassy-T044 is an ensemble of three, trained as in the cell ``a-glassy-cage`` but on all ten configurations;
nothing is left to score it on, so its manifest quotes the cross-validation of that cell, which must be finished.
An interrupted training continues where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from equiviz.apps.glass_benchmark import VALIDATION
from equiviz.apps.glass_benchmark_cells import CELLS, Cell
from equiviz.datasets.cache import cache_folder
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.folder import read_folder
from equiviz.datasets.glass.shipped import load_shipped
from equiviz.models.registry import family
from equiviz.training.evaluate import evaluate
from equiviz.training.evaluation_report import EvaluationReport, Score
from equiviz.training.glass_training import Trained, fit, plan_from, save_trained, settings_from_data
from equiviz.training.load import SHIPPED

RESULTS = Path(__file__).parent / "results" / "glass"
MEMBERS = 3
OUTPUTS = {"rho": "propensity", "displacement": "displacement"}  # in a result file: of the model


def cell_named(name: str) -> Cell:
    """A cell of the glass benchmark."""
    return next(cell for cell in CELLS if cell.name == name)


def trained(
    cell: Cell, training: Sequence[GlassConfiguration], validation: Sequence[GlassConfiguration], members: int
) -> Trained:
    """Networks as in a cell."""
    own = family(cell.family)
    settings = {**settings_from_data(own, training), **cell.settings}
    plan = replace(plan_from(cell.plan), members=members)
    # Another place for other settings: an interrupted training continues, a changed one begins.
    label = hashlib.sha256(json.dumps(cell.key(), sort_keys=True).encode()).hexdigest()[:16]
    state = cache_folder() / "shipped_weights" / f"{cell.name}-{label}"
    return fit(own, settings, training, validation, plan, state, progress=True)


def cross_validated(cell: Cell) -> EvaluationReport:
    """The scores of a finished cell: per configuration, the mean over seeds."""
    runs = json.loads((RESULTS / f"{cell.name}.json").read_text())["runs"]
    found: dict[tuple[str, str, str, str], list[float]] = {}
    for run in runs:
        for output in OUTPUTS:
            for kind, times in run.get(output, {}).items():
                for time, entry in times.items():
                    for name, rho in entry["per_configuration"].items():
                        found.setdefault((output, kind, time, name), []).append(rho)
    scores = [
        Score(kind, float(time), name, sum(own) / len(own), output=OUTPUTS[output])
        for (output, kind, time, name), own in found.items()
    ]
    data = f"{cell.folds}-fold cross-validation, single networks"
    note = family(cell.family).build(dict(cell.settings)).note  # that the cages are a short simulation
    return EvaluationReport("glassy-T044", data, scores, note)


def ship_t056() -> None:
    """glassy-T056, scored on the test split."""
    cell = cell_named("b-glassy")
    training, validation, test = (load_shipped(split) for split in ("train", "validation", "test"))
    done = trained(cell, training, validation[:VALIDATION], 1)
    report = evaluate(done.model, test, "glassy-T056")
    print(report.describe())
    name = "equiviz shipped glass set, T = 0.56, training split"
    folder, plan, chosen = SHIPPED / "glassy-T056", plan_from(cell.plan), validation[:VALIDATION]
    print(save_trained(folder, done.model, plan, report, name, training, half=True, validation=chosen))


def ship_t044(data: Path) -> None:
    """glassy-T044, trained on everything there is."""
    cell = cell_named("a-glassy-cage")
    report = cross_validated(cell)  # before the long part: it may be missing
    training = read_folder(data)
    done = trained(cell, training, [], MEMBERS)
    print(report.describe())
    print(save_trained(SHIPPED / "glassy-T044", done.model, plan_from(cell.plan), report, data, training, half=True))


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=("glassy-T056", "glassy-T044"))
    parser.add_argument("--data", type=Path, help="kob_andersen_T044, for glassy-T044")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.name == "glassy-T056":
        ship_t056()
    elif arguments.data is None:
        parser.error("glassy-T044 wants --data FOLDER/kob_andersen_T044")
    else:
        ship_t044(arguments.data)


if __name__ == "__main__":
    main()

"""`equiviz benchmark glass`: ridge, Bapst's network and glassy side by side, and what equivariance buys.

Each cell of the tables is one JSON file; a finished one is not computed again, and an unfinished training continues
where it was. So the benchmark may be interrupted at any moment, and tables may be printed at any moment.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from equiviz.apps.glass_baseline import offset_report
from equiviz.apps.glass_benchmark_cells import CELLS, Cell
from equiviz.apps.glass_benchmark_tables import tables
from equiviz.datasets.cache import cache_folder, content_key
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.folder import read_folder
from equiviz.datasets.glass.shipped import load_shipped, shipped_folder
from equiviz.models.registry import family as find_family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.atomic_file import write_atomically
from equiviz.training.errors import TrainingError
from equiviz.training.evaluation_report import EvaluationReport, Score
from equiviz.training.glass_evaluation import score
from equiviz.training.glass_task import GlassTarget, examples
from equiviz.training.glass_training import Plan, fit_examples, plan_from, settings_from_data
from equiviz.training.objective import Example
from equiviz.view.provenance import Provenance

# Validation chooses the epoch; more configurations would cost more time than they are worth.
VALIDATION = 4


@dataclass(frozen=True, eq=False)
class GlassBenchmark:
    """The finished cells, by name, and the folder they lie in."""

    folder: Path
    cells: Mapping[str, Mapping[str, object]]

    def describe(self) -> str:
        """The tables in Markdown, from whatever is finished."""
        return tables(self.cells)


@dataclass(eq=False)
class Workshop:
    """Data and what models prepare from them, kept between cells: preparation costs more than some trainings."""

    splits: Mapping[str, Sequence[GlassConfiguration]]
    prepared: dict[str, dict[str, Example[GlassTarget]]] = field(default_factory=dict)

    def examples(self, cell: Cell, configurations: Sequence[GlassConfiguration]) -> list[Example[GlassTarget]]:
        """Prepared configurations for the model of a cell."""
        if not configurations:
            return []
        own = find_family(cell.family)
        settings = {**settings_from_data(own, configurations), **cell.settings}
        known = self.prepared.setdefault(json.dumps([cell.family, settings], sort_keys=True), {})
        missing = [c for c in configurations if c.name not in known]
        if missing:
            known.update((e.name, e) for e in examples(own.build(settings), missing, missing[0].times.tolist()))
        return [known[c.name] for c in configurations]


def benchmark(
    out: str | Path,
    data: str | Path | None = None,
    only_table: bool = False,
    names: Sequence[str] | None = None,
    shipped: Mapping[str, Sequence[GlassConfiguration]] | None = None,
) -> GlassBenchmark:
    """Compute what is missing, and return all finished cells.

    Args:
        out: Folder of results, one JSON file per cell.
        data: Folder kob_andersen_T044; table a is left out without.
        only_table: Compute nothing.
        names: Only these cells.
        shipped: Other data in place of the shipped set: "train", "validation", "test".
    """
    folder = Path(out)
    if not only_table:
        wanted = [cell for cell in CELLS if names is None or cell.name in names]
        workshops: dict[bool, Workshop] = {}
        for cell in _missing(wanted, folder, data is not None):
            if bool(cell.folds) not in workshops:
                workshops[bool(cell.folds)] = _workshop(cell, data, shipped)
            _save(folder / f"{cell.name}.json", run_cell(cell, workshops[bool(cell.folds)]))
    return GlassBenchmark(folder, finished(folder))


def finished(folder: str | Path) -> dict[str, dict[str, object]]:
    """The finished cells in a folder, by name, in the order of the benchmark; those of other settings are ignored."""
    found = {}
    for cell in CELLS:
        content = _read_result(Path(folder) / f"{cell.name}.json")
        if content.get("key") == _as_json(cell.key()):
            found[cell.name] = {**content, "tables": list(cell.tables), "label": cell.label}
    return found


def run_cell(cell: Cell, workshop: Workshop) -> dict[str, object]:
    """Train and score one cell.

    Returns:
        "name", "key", "data" (its checksum or name), "parameters", "runs" (one document of `EvaluationReport.to_dict`
        per training), "seconds" (wall) and "processor_seconds" of training and scoring, "machine", "date".
    """
    started, processor = time.perf_counter(), time.process_time()
    runs: list[dict[str, object]] = []
    parameters = 0
    for training, validation, test in _splits(cell, workshop):
        if cell.family == "offset":
            runs.append(offset_report(test).to_dict())
            continue
        for seed in cell.seeds:
            model = _trained(cell, workshop, training, validation, seed)
            runs.append({"seed": seed, **_report(cell, workshop, model, test).to_dict()})
            parameters = parameter_count(model)
    origin = Provenance.collect()
    return {
        "name": cell.name,
        "key": cell.key(),
        "data": _data_of(cell),
        "parameters": parameters,
        "runs": runs,
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "machine": origin.machine,
        "date": origin.date,
        "versions": dict(origin.versions),
        "replicas": sorted({c.replicas or 0 for split in workshop.splits.values() for c in split}),
    }


def parameter_count(model: EquivariantModel) -> int:
    """How many fitted numbers take part in a prediction: the trained ones, and a linear part that is blended in."""
    blended = bool(getattr(model.config, "linear_share", 0.0))
    return sum(p.numel() for p in model.parameters() if p.requires_grad or blended)


def _trained(
    cell: Cell,
    workshop: Workshop,
    training: Sequence[GlassConfiguration],
    validation: Sequence[GlassConfiguration],
    seed: int,
) -> EquivariantModel:
    own = find_family(cell.family)
    settings = {**settings_from_data(own, training), **cell.settings}
    plan: Plan = plan_from(cell.plan)
    plan = replace(plan, recipe=replace(plan.recipe, seed=seed))
    sets = workshop.examples(cell, training), workshop.examples(cell, validation)
    return fit_examples(own, settings, *sets, plan, state_folder(cell, training, seed)).model


def state_folder(cell: Cell, training: Sequence[GlassConfiguration], seed: int) -> Path:
    """Where an unfinished training of a cell lies: another place for other settings, other data, or another fold."""
    label = json.dumps([cell.key(), seed, [c.name for c in training]], sort_keys=True)
    content = {str(place): c.propensity for place, c in enumerate(training)}
    key = content_key(label, content)[-16:]
    return cache_folder() / "benchmark" / f"{cell.name}-{seed}-{key}"


def _report(
    cell: Cell, workshop: Workshop, model: EquivariantModel, test: Sequence[GlassConfiguration]
) -> EvaluationReport:
    scores: list[Score] = []
    for configuration, example in zip(test, workshop.examples(cell, test), strict=True):
        with torch.no_grad():
            scores += score(model, configuration, model(example.graph))[0]
    return EvaluationReport(cell.label, f"{len(test)} configurations", scores)


def _missing(cells: Sequence[Cell], folder: Path, with_data: bool) -> Iterator[Cell]:
    """Cells that are not finished (or were, under other settings), with a progress bar."""
    from tqdm.auto import tqdm

    todo = [cell for cell in cells if (with_data or not cell.folds) and not _is_done(cell, folder)]
    with tqdm(todo, unit="cell") as bar:
        for cell in bar:
            bar.set_description(cell.name)
            yield cell


def _is_done(cell: Cell, folder: Path) -> bool:
    content = _read_result(folder / f"{cell.name}.json")
    return content.get("key") == _as_json(cell.key()) and content.get("data") == _data_of(cell)


def _data_of(cell: Cell) -> str:
    """What the cell is measured on: the checksum of the shipped set's manifest, or the name of the other set."""
    if cell.folds:
        return "kob_andersen_T044"
    return hashlib.sha256((shipped_folder() / "manifest.json").read_bytes()).hexdigest()


def _read_result(path: Path) -> dict[str, object]:
    """A result file; empty where there is none. Raises TrainingError for one that cannot be read."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as cause:
        raise TrainingError(
            f"{path} is no result of this benchmark ({cause}); remove it, and it is measured again."
        ) from cause
    return dict(content)


def _as_json(value: object) -> object:
    return json.loads(json.dumps(value))


def _workshop(
    cell: Cell, data: str | Path | None, shipped: Mapping[str, Sequence[GlassConfiguration]] | None
) -> Workshop:
    if cell.folds:
        assert data is not None
        return Workshop({"all": read_folder(data)})
    return Workshop(shipped or {split: load_shipped(split) for split in ("train", "validation", "test")})


def _splits(
    cell: Cell, workshop: Workshop
) -> Iterator[tuple[list[GlassConfiguration], list[GlassConfiguration], list[GlassConfiguration]]]:
    """Training, validation and test configurations: once for the shipped set, once per fold for the others."""
    if not cell.folds:
        train = list(workshop.splits["train"])
        chosen = train[: cell.count] if cell.count else train
        yield chosen, list(workshop.splits["validation"])[:VALIDATION], list(workshop.splits["test"])
        return
    every = list(workshop.splits["all"])
    for fold in range(cell.folds):
        inside = [c for i, c in enumerate(every) if i % cell.folds != fold]
        # The number of epochs was fixed beforehand: a validation set would cost training data, of which there are ten.
        yield inside, [], [c for i, c in enumerate(every) if i % cell.folds == fold]


def _save(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())

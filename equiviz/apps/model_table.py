"""`equiviz models --markdown`: every family, its shipped weights, and what both are worth, measured here and now.

The scores are those that the weights were saved with; parameters, equivariance errors and speed are measured, each on
something real that comes with the package (`Task.sample`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch

from equiviz.equivariance.check import check
from equiviz.models.registry import Family, families, family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.training.load import load, manifest_of, shipped_names
from equiviz.training.tasks.task import Sample, Task, task_named
from equiviz.view.provenance import Provenance
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

ELEMENTS = 3
"""Random elements of the group for the errors: they are largest of a table, not of a verdict."""
TIMED = 1.0
"""Seconds for which a network runs again and again, for its speed."""
ATOMS = 100
"""Smaller structures are put together to about so many for it: who has one molecule does not wait."""
FRESH = "none shipped; random weights"


@dataclass(frozen=True)
class ModelRow:
    """One network.

    Attributes:
        family, weights, paper, group: names; `weights` says so where none are shipped.
        parameters: of all members.
        data: what it was trained on; "" for random weights.
        score: on data that it did not see; "" for random weights.
        reference: what others reach on the like, with its source; "" where there is nothing to compare with.
        error32, error64: the largest relative error of all stages under what the model claims, in single and in double
            precision.
        microseconds: one forward pass on prepared input, median, per `row`; with forces where the model gives some.
        row: particle, atom, residue, sphere or system.
    """

    family: str
    weights: str
    paper: str
    group: str
    parameters: int
    data: str
    score: str
    reference: str
    error32: float
    error64: float
    microseconds: float
    row: str


@dataclass(eq=False, repr=False)
class ModelTable(Report):
    """All of them.

    Attributes:
        rows: by family, then by name.
        threads: that torch used.
    """

    rows: list[ModelRow]
    threads: int

    title = "Families, and the weights that are shipped"

    def to_frame(self) -> DataFrame:
        """One row per network; the columns are the attributes of `ModelRow`."""
        import pandas as pd

        names = [entry.name for entry in fields(ModelRow)]
        return pd.DataFrame([[getattr(row, name) for name in names] for row in self.rows], columns=names)

    def figure(self) -> Figure:
        """Equivariance errors in single and double precision, on a logarithmic axis."""
        from plotly.graph_objects import Figure, Scatter

        names = [f"{row.family}: {row.weights}" if row.weights != FRESH else row.family for row in self.rows]
        chart = Figure()
        for label, errors in (
            ("float32", [row.error32 for row in self.rows]),
            ("float64", [row.error64 for row in self.rows]),
        ):
            told = [error if error > 0 else None for error in errors]
            chart.add_trace(Scatter(x=told, y=names, mode="markers", name=label, marker_size=11))
        chart.update_xaxes(type="log", exponentformat="power", title="largest relative equivariance error")
        chart.update_yaxes(autorange="reversed")
        chart.update_layout(title=self.title, margin_l=190)
        return chart

    def markdown(self) -> str:
        """The table for a README, with the machine and the date under it."""
        header = (
            "| family, paper | group | weights | parameters | data | score | others reach | error float32, float64 "
            "| speed |"
        )
        lines = [header, "|" + "---|" * 9]
        lines += ["| " + " | ".join(_cells(row)) + " |" for row in self.rows]
        made = Provenance.collect()
        machine = f"{made.machine}; torch {made.versions.get('torch', '')}, {self.threads} threads; {made.date}"
        return "\n".join([*lines, "", f"*`equiviz models --markdown`; {machine}.*"])

    def describe(self) -> str:
        """The table as lines."""
        told = []
        for row in self.rows:
            known = f" {row.data}: {row.score}." if row.score else ""
            told.append(
                f"{row.family}, {row.weights}: {row.group}, {row.parameters:,} parameters.{known} Equivariance errors "
                f"{_error(row.error32)} (float32), {_error(row.error64)} (float64); {_speed(row)}."
            )
        return "\n".join(told)


def model_table(names: Iterable[str] | None = None, progress: bool = False) -> ModelTable:
    """Measure families and their shipped weights.

    Args:
        names: families; all of them where None.
        progress: whether to show a progress bar.

    Raises:
        UnknownFamily: none of that name.
    """
    from tqdm.auto import tqdm

    chosen = list(families().values()) if names is None else [family(name) for name in names]
    shipped = {name: load(name) for name in shipped_names()}
    networks: list[tuple[Family, str, EquivariantModel]] = []
    for own in chosen:
        weights = {name: model for name, model in shipped.items() if _family_of(model) == own.name}
        networks += [(own, name, model) for name, model in weights.items()]
        if not weights:
            networks.append((own, FRESH, own.build().eval()))
    bar = tqdm(networks, desc="measuring", unit="network", disable=not progress)
    return ModelTable([row_of(*entry) for entry in bar], torch.get_num_threads())


def row_of(own: Family, weights: str, model: EquivariantModel) -> ModelRow:
    """Measure one network."""
    task = task_named(model.task, own.name)
    sample = task.sample(model)
    single, double = equivariance_errors(model, sample)
    return ModelRow(
        own.name,
        weights,
        own.paper,
        model.group,
        sum(weight.numel() for weight in model.parameters()),
        _data(model),
        _score(model, task),
        own.references.get(weights, ""),
        single,
        double,
        1e6 * seconds_per_row(model, sample),
        task.row,
    )


def equivariance_errors(model: EquivariantModel, sample: Sample) -> tuple[float, float]:
    """The largest relative errors under what the model claims, as it is and with its weights in float64."""
    report = check(model, sample, elements=ELEMENTS, wide=0)
    told = [finding for finding in report.findings if finding.claimed and finding.passed is not None]
    return max((f.error for f in told), default=float("nan")), max((f.precise for f in told), default=float("nan"))


def seconds_per_row(model: EquivariantModel, sample: Sample) -> float:
    """The median time of a forward pass on prepared input, by its nodes; the first, which may compile, is not counted.

    A structure of less than `ATOMS` is copied to a batch of about so many.
    """
    copies = max(1, ATOMS // max(len(sample), 1)) if isinstance(sample, Structure) else 1
    prepared = model.prepare(sample if copies == 1 else [sample] * copies)  # type: ignore[arg-type, list-item]
    with torch.no_grad():
        return _median(lambda: model(prepared)) / (copies * len(sample))


def _median(run: Callable[[], object]) -> float:
    run()
    times: list[float] = []
    while sum(times) < TIMED:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _family_of(model: EquivariantModel) -> str:
    manifest = manifest_of(model)
    return model.family if manifest is None else manifest.family


def _data(model: EquivariantModel) -> str:
    manifest = manifest_of(model)
    return "" if manifest is None else str(manifest.data.get("name", ""))


def _score(model: EquivariantModel, task: Task) -> str:
    manifest = manifest_of(model)
    if manifest is None:
        return ""
    where = manifest.scores.get("on") or manifest.scores.get("data")
    told = task.headline(manifest.scores)
    return f"{told} ({where})" if told and where else told


def _cells(row: ModelRow) -> list[str]:
    errors = f"{_error(row.error32)}, {_error(row.error64)}"
    cells = [
        f"`{row.family}`: {row.paper}",
        row.group,
        row.weights if row.weights == FRESH else f"`{row.weights}`",
        f"{row.parameters:,}",
        row.data or "-",
        row.score or "-",
        row.reference or "-",
        errors if row.group != "none" else f"{errors} (permutations)",
        _speed(row),
    ]
    return [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]


def _error(value: float) -> str:
    return f"{value:.0e}" if value > 0 else "0"


def _speed(row: ModelRow) -> str:
    value = row.microseconds
    return f"{value:,.0f} µs per {row.row}" if value >= 100 else f"{value:.3g} µs per {row.row}"

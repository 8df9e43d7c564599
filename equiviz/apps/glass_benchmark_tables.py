"""The finished cells of the glass benchmark as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from equiviz.training.metrics import Estimate, estimate

Cells = Mapping[str, Mapping[str, object]]

_TITLES = {
    "a": "kob_andersen_T044: 5-fold cross-validation over 10 configurations",
    "a3": "kob_andersen_T044: the mean displacement from the inherent position, as a vector",
    "b": "The shipped set (T = 0.56): 40 configurations to train, 10 others to test",
    "c1": "What equivariance buys (i): rho against the number of training configurations",
    "c2": "What equivariance buys (ii): scalar against equivariant messages",
    "c3": "What equivariance buys (iii): the mean displacement from the inherent position, as a vector",
    "c4": "What equivariance buys (iv): angular features at short and long times",
}


def tables(cells: Cells) -> str:
    """All tables that have at least one finished cell. Rho: per configuration, then averaged, with a 95 % interval."""
    parts = []
    for table, title in _TITLES.items():
        own = [cell for cell in cells.values() if table in _strings(cell["tables"])]
        rows = [row for cell in own if (row := _row(cell, "displacement" if table in ("a3", "c3") else "rho", table))]
        if rows:
            parts += [f"### {title}", "", *_markdown(rows), ""]
    if not parts:
        return "No cell of the benchmark is finished yet."
    notes = [f"{name}: {cell['note']}." for name, cell in cells.items() if cell.get("note")]
    return "\n".join([*parts, _footer(list(cells.values())), *notes])


def per_time(cell: Mapping[str, object], output: str, kind: str) -> dict[str, Estimate]:
    """Time -> rho of one type: per configuration averaged over seeds, then over configurations."""
    runs = cell["runs"]
    assert isinstance(runs, list)
    values: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        for time, entry in run.get(output, {}).get(kind, {}).items():
            for name, rho in entry["per_configuration"].items():
                if rho is not None:
                    values.setdefault(time, {}).setdefault(name, []).append(rho)
    return {t: estimate([sum(own) / len(own) for own in named.values()]) for t, named in values.items()}


def _row(cell: Mapping[str, object], output: str, table: str) -> dict[str, str]:
    found = {kind: per_time(cell, output, kind) for kind in ("A", "B")}
    if not any(found.values()):
        return {}
    key = cell["key"]
    assert isinstance(key, dict)
    row = {"model": str(cell["label"])}
    if table == "c1":
        row["trained on"] = str(key["count"])
    row["parameters"] = f"{cell['parameters']:,}" if cell["parameters"] else "none"
    for kind, own in found.items():
        row |= {f"{kind}, t = {time}": _spelled(value) for time, value in own.items()}
    row["processor s"] = f"{cell['processor_seconds']:.0f}"
    return row


def _spelled(value: Estimate) -> str:
    if value.count < 2:
        return f"{value.mean:.3f}"
    return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _markdown(rows: Sequence[Mapping[str, str]]) -> list[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return [*lines, *("| " + " | ".join(row.get(name, "") for name in columns) + " |" for row in rows)]


def _footer(cells: Sequence[Mapping[str, object]]) -> str:
    machines = sorted({str(cell["machine"]) for cell in cells})
    dates = sorted(str(cell["date"]) for cell in cells)
    return f"Measured on {'; '.join(machines)}, between {dates[0]} and {dates[-1]}, one thread."


def _strings(values: object) -> list[str]:
    assert isinstance(values, list)
    return [str(value) for value in values]

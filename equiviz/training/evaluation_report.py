"""The result of `evaluate`: rho per type, time and configuration, beside what replica noise allows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.training.metrics import Estimate, estimate
from equiviz.training.score_report import ScoreReport

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

# Whoever asks for a time means the nearest one that differs by less than this fraction: files name times with two or
# three digits.
SAME_TIME = 0.1
# Scores whose times differ by less than this fraction are of one time, rounded differently.
ROUNDING = 1e-3
TIME_UNIT = "LJ time units"
"""sigma_AA (m / epsilon_AA)^1/2."""


def same_time(first: float, second: float) -> bool:
    """Whether two names of times mean the same time: they differ by 10 % at most."""
    return abs(first - second) <= SAME_TIME * max(first, second)


@dataclass(frozen=True)
class Score:
    """One cell: a particle type at a time in a configuration.

    Attributes:
        kind: The type's name: "A".
        time: In LJ units.
        configuration: Its name.
        rho: Pearson's correlation over the particles of that type.
        ceiling: The largest rho that the noise of the replicas allows; NaN where the data do not tell.
        output: "propensity", or "displacement" for the correlation of vectors.
    """

    kind: str
    time: float
    configuration: str
    rho: float
    ceiling: float = float("nan")
    output: str = "propensity"


class EvaluationReport(ScoreReport):
    """How well a model predicts a set of configurations.

    Attributes:
        model, data: Their names.
        scores: One per output, type, time and configuration.
        note: A sentence that the reader should know, or "".
    """

    def __init__(self, model: str, data: str, scores: Iterable[Score], note: str = "") -> None:
        self.model, self.data, self.note = model, data, note
        self.scores = tuple(scores)
        self.title = f"{model} on {data}"

    @property
    def configurations(self) -> list[str]:
        """The names of the configurations, in order."""
        return list(dict.fromkeys(score.configuration for score in self.scores))

    def select(self, kind: str = "A", time: float | None = None, output: str = "propensity") -> list[Score]:
        """The scores of one type, of one output, and of one time unless None: the nearest within 10 %."""
        own = [score for score in self.scores if score.kind == kind and score.output == output]
        if time is None:
            return own
        near = [known for known in self.times(output) if same_time(known, time)]
        if not near:
            return []
        meant = min(near, key=lambda known: abs(known - time))
        return [score for score in own if 0 <= score.time - meant <= ROUNDING * meant]

    def times(self, output: str = "propensity") -> list[float]:
        """The times scored, in order; those that differ by rounding only (a thousandth) are one, the smallest."""
        distinct: list[float] = []
        for time in sorted({score.time for score in self.scores if score.output == output}):
            if not distinct or time - distinct[-1] > ROUNDING * distinct[-1]:
                distinct.append(time)
        return distinct

    def kinds(self) -> list[str]:
        """The particle types, in order."""
        return sorted({score.kind for score in self.scores})

    def rho(self, kind: str = "A", time: float | None = None, output: str = "propensity") -> Estimate:
        """Mean rho over configurations (first averaged over times, when several are chosen), with its interval.

        One configuration gives no interval: its ends are NaN then.
        """
        own: dict[str, list[float]] = {}
        for score in self.select(kind, time, output):
            own.setdefault(score.configuration, []).append(score.rho)
        return estimate([sum(values) / len(values) for values in own.values()])

    def ceiling(self, kind: str = "A", time: float | None = None, output: str = "propensity") -> float:
        """The mean noise ceiling; NaN where unknown."""
        known = [s.ceiling for s in self.select(kind, time, output) if not math.isnan(s.ceiling)]
        return sum(known) / len(known) if known else float("nan")

    def to_dict(self) -> dict[str, object]:
        """For JSON: "model", "data", "configurations", "time_unit", "rho": {type: {time: cell}}, maybe "displacement".

        And "note" where there is one. Times are in "time_unit", Lennard-Jones units.

        Each cell has "mean", "standard_error", "low", "high" (95 % bootstrap over configurations), "ceiling" and
        "per_configuration"; what is unknown is null (with one configuration, the interval too). "displacement" is there
        when the model predicts vectors.
        """
        document: dict[str, object] = {
            "model": self.model,
            "data": self.data,
            "configurations": len(self.configurations),
            "time_unit": TIME_UNIT,
            "rho": self._cells("propensity"),
        }
        if self.times("displacement"):
            document["displacement"] = self._cells("displacement")
        if self.note:
            document["note"] = self.note
        return document

    def _cells(self, output: str) -> dict[str, dict[str, dict[str, object]]]:
        return {
            kind: {f"{time:g}": self._cell(kind, time, output) for time in self.times(output)} for kind in self.kinds()
        }

    def _cell(self, kind: str, time: float, output: str) -> dict[str, object]:
        found = self.rho(kind, time, output)
        return {
            "mean": _number(found.mean),
            "standard_error": _number(found.standard_error),
            "low": _number(found.low),
            "high": _number(found.high),
            "ceiling": _number(self.ceiling(kind, time, output)),
            "per_configuration": {s.configuration: _number(s.rho) for s in self.select(kind, time, output)},
        }

    def to_frame(self) -> DataFrame:
        """One row per score: output, type, time (LJ), configuration, rho, ceiling."""
        import pandas as pd

        rows = [
            {
                "output": s.output,
                "type": s.kind,
                "time (LJ)": s.time,
                "configuration": s.configuration,
                "rho": s.rho,
                "noise ceiling": s.ceiling,
            }
            for s in self.scores
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Rho against time with intervals and the noise ceiling; bars per type when there is one time only."""
        from equiviz.view.charts import Ceiling, Series, bars, line_chart

        times, kinds = self.times(), self.kinds()
        title = self.title if len(self.configurations) > 1 else f"{self.title} (one configuration: no interval)"
        found = {kind: [self.rho(kind, time) for time in times] for kind in kinds}
        if len(times) == 1:
            own = [found[kind][0] for kind in kinds]
            series = Series("rho", [0.0] * len(own), [e.mean for e in own], *_interval(own))
            top = self.ceiling(kinds[0], times[0])
            return bars(kinds, [series], "Pearson rho", title, ceiling=None if math.isnan(top) else top)
        curves = [Series(kind, times, [e.mean for e in own], *_interval(own)) for kind, own in found.items()]
        tops = [self.ceiling(kinds[0], time) for time in times]
        known = None if any(map(math.isnan, tops)) else Ceiling(f"noise ceiling ({kinds[0]})", times, tops)
        span = _axis([one for own in found.values() for one in own])
        return line_chart(curves, "time (LJ units)", "Pearson rho", title, x_log=True, y_range=span, ceiling=known)

    def describe(self) -> str:
        """Rho per type and time, in sentences."""
        count = len(self.configurations)
        how = f"1 configuration: Pearson rho at times t ({TIME_UNIT}). One configuration gives no interval."
        if count != 1:
            how = (
                f"{count} configurations: Pearson rho at times t ({TIME_UNIT}), per configuration, then averaged (95 % "
                "interval over configurations)."
            )
        lines = [f"{self.model} on {self.data}, {how}"]
        for output, words in (("propensity", "propensity"), ("displacement", "mean displacement vector")):
            lines += [self._line(kind, time, output, words) for kind in self.kinds() for time in self.times(output)]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _line(self, kind: str, time: float, output: str, words: str) -> str:
        found, top = self.rho(kind, time, output), self.ceiling(kind, time, output)
        bound = "noise ceiling unknown" if math.isnan(top) else f"noise ceiling {top:.3f}"
        interval = f" [{found.low:.3f}, {found.high:.3f}]" if found.count > 1 else ""
        return f"  {words}, type {kind}, t = {time:g}: {found.mean:.3f}{interval}, {bound}"


def _interval(found: Sequence[Estimate]) -> tuple[list[float] | None, list[float] | None]:
    """The ends of the intervals, low and high; none where one of them is unknown."""
    if any(math.isnan(one.low) for one in found):
        return None, None
    return [one.low for one in found], [one.high for one in found]


def _axis(found: Sequence[Estimate]) -> tuple[float, float]:
    """From 0 to 1; where rho is negative, from the next tenth below it."""
    known = [value for one in found for value in (one.mean, one.low) if not math.isnan(value)]
    lowest = min(known, default=0.0)
    return (0.0 if lowest >= 0 else math.floor(10 * lowest) / 10), 1.0


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None

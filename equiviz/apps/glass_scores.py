"""How well a model predicts the glass, beside what noise allows and what needs no network: one picture, one table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.training.evaluation_report import EvaluationReport
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

MEANING = {"propensity": "mobility", "displacement": "mean displacement vector"}
BASELINE = "without a network"


@dataclass(eq=False, repr=False)
class GlassScores(Report):
    """Scores of a model.

    Attributes:
        found: Of the model, per type, time and configuration.
        baseline: Of the thermal minus the inherent position as a prediction of the vectors; None without vectors.
    """

    found: EvaluationReport
    baseline: EvaluationReport | None = None

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading."""
        count = len(self.found.configurations)
        return f"{self.found.model} on {count} configuration{'s' * (count != 1)} that it never saw"

    def to_frame(self) -> DataFrame:
        """One row per output, type and time: mean rho, its 95 % interval, the noise ceiling, rho without a network."""
        import pandas as pd

        found = self.found
        rows = [
            self._row(output, kind, time)
            for output in MEANING
            for kind in found.kinds()
            for time in found.times(output)
        ]
        return pd.DataFrame(rows)

    def _row(self, output: str, kind: str, time: float) -> dict[str, object]:
        rho = self.found.rho(kind, time, output)
        trivial = math.nan
        if self.baseline is not None and output == "displacement":
            trivial = self.baseline.rho(kind, time, output).mean
        names = {"output": MEANING[output], "type": kind, "time (LJ)": f"{time:g}"}
        scores = {
            "rho": rho.mean,
            "low": rho.low,
            "high": rho.high,
            "noise ceiling": self.found.ceiling(kind, time, output),
        }
        return {**names, **{name: round(value, 3) for name, value in scores.items()}, BASELINE: round(trivial, 3)}

    def figure(self) -> Figure:
        """Rho of the mobility against time, with the noise ceiling of each type; bars where there is one time only."""
        from equiviz.view.charts import Ceiling, Series, line_chart

        found, times = self.found, self.found.times()
        if len(times) == 1:
            return found.figure()
        curves, tops = [], []
        for kind in found.kinds():
            own = [found.rho(kind, time) for time in times]
            ends = ([e.low for e in own], [e.high for e in own]) if own[0].count > 1 else (None, None)
            curves.append(Series(kind, times, [e.mean for e in own], *ends))
            top = [found.ceiling(kind, time) for time in times]
            tops += [] if any(map(math.isnan, top)) else [Ceiling(f"noise ceiling {kind}", times, top)]
        lowest = min(min(map(float, curve.low if curve.low is not None else curve.y)) for curve in curves)  # type: ignore[arg-type]
        span = (min(0.0, math.floor(10 * lowest) / 10), 1.0)
        axes = "time t (LJ units)", "Pearson rho"
        return line_chart(curves, *axes, self.title, x_log=True, y_range=span, ceiling=tops or None)

    def describe(self) -> str:
        """One line per output and type: rho against time, and what stands beside it."""
        lines = ["Pearson rho per configuration and type of particle, then averaged."]
        for output, meaning in MEANING.items():
            lines += [self._line(output, meaning, kind) for kind in self.found.kinds() if self.found.times(output)]
        return "\n".join([*lines, *([self.found.note] if self.found.note else [])])

    def _line(self, output: str, meaning: str, kind: str) -> str:
        times = self.found.times(output)
        told = [f"{self.found.rho(kind, time, output).mean:.3f} at t = {time:g}" for time in times]
        return f"{meaning.capitalize()}, {kind}: {', '.join(told)}."

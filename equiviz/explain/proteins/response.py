"""Response: how a score answers to one number that is varied; the report of all perturbations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.charts import Series, line_chart
from equiviz.view.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame
    from plotly.graph_objects import Figure


@dataclass(eq=False, repr=False)
class Response(Report):
    """A curve with its 95 % interval; K points.

    Attributes:
        title: heading.
        varied, measured: what x and y are, with their units.
        x: ``[K]``.
        y, low, high: ``[K]``; the ends are NaN where nothing can be said of the uncertainty.
        words: what the curve says.
        counts: ``[K]``, how many sites or draws stand behind each point.
    """

    title: str
    varied: str
    measured: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    words: str
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def to_frame(self) -> DataFrame:
        """One row per point."""
        import pandas as pd

        columns: dict[str, object] = {self.varied: self.x, self.measured: self.y, "low": self.low, "high": self.high}
        return pd.DataFrame(columns | ({"count": self.counts} if len(self.counts) else {}))

    def figure(self) -> Figure:
        """The curve, its interval shaded."""
        known = bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())
        ends = {"low": self.low, "high": self.high} if known else {}
        return line_chart([Series(self.measured, self.x, self.y, **ends)], self.varied, self.measured, self.title)

    def describe(self) -> str:
        """What it says, in words."""
        return self.words


def interval_of_mean(samples: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean, and 95 % interval of the mean by Student's t; an interval of NaN for one sample."""
    from scipy.stats import t

    values = np.asarray(samples, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half

"""The charts that reports need, one function each. Every string is escaped here; every chart follows one template.

All functions return a plotly figure and raise :class:`~equiviz.view.errors.ViewError` for data that cannot be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.view.arrays import numbers
from equiviz.view.colours import GUIDE, QUIET, SERIES, with_alpha
from equiviz.view.errors import ViewError
from equiviz.view.escape import escape
from equiviz.view.template import figure

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from plotly.graph_objects import Figure


@dataclass(frozen=True, eq=False)
class Series:
    """A named curve ``y(x)``; ``low`` and ``high`` bound its interval where one is known. All are ``[n]``."""

    name: str
    x: ArrayLike  # [n]
    y: ArrayLike  # [n]
    low: ArrayLike | None = None  # [n]
    high: ArrayLike | None = None  # [n]


@dataclass(frozen=True, eq=False)
class Ceiling:
    """What nothing can exceed, for example the noise ceiling of a correlation: the region above it is shaded.

    ``low``/``high`` bound the ceiling's own uncertainty.
    """

    name: str
    x: ArrayLike  # [n]
    y: ArrayLike  # [n]
    low: ArrayLike | None = None  # [n]
    high: ArrayLike | None = None  # [n]


def line_chart(
    series: Sequence[Series],
    x_title: str,
    y_title: str,
    title: str = "",
    *,
    x_log: bool = False,
    y_log: bool = False,
    y_range: tuple[float, float] | None = None,
    ceiling: Ceiling | Sequence[Ceiling] | None = None,
) -> Figure:
    """Curves with shaded intervals, and a ceiling above which the region is grey. Titles name the units.

    Several ceilings are one for each curve, in its colour; the region above the highest is grey.
    """
    if not series:
        raise ViewError("line_chart: expected at least one Series, got none. Pass the curves to draw.")
    chart = figure(escape(title), legend=len(series) > 1 or ceiling is not None)
    if isinstance(ceiling, Ceiling):
        _add_ceiling(chart, ceiling, y_range)
    elif ceiling:
        _add_ceilings(chart, ceiling, y_range)
    for place, curve in enumerate(series):
        _add_curve(chart, curve, SERIES[place % len(SERIES)])
    chart.update_xaxes(title_text=escape(x_title), **_scale(x_log, [curve.x for curve in series]))
    chart.update_yaxes(title_text=escape(y_title), **_scale(y_log, [curve.y for curve in series]))
    if y_range is not None:
        chart.update_yaxes(range=np.log10(y_range) if y_log else list(y_range))
    chart.update_layout(hovermode="x unified")
    return chart


def learning_curves(
    series: Sequence[Series], x_title: str = "epoch", y_title: str = "loss", title: str = "", *, y_log: bool = True
) -> Figure:
    """Training and validation curves against epochs, or a score against the amount of data (``y_log=False``)."""
    return line_chart(series, x_title, y_title, title, y_log=y_log)


def bars(
    labels: Sequence[str],
    series: Sequence[Series],
    value_title: str,
    title: str = "",
    *,
    horizontal: bool = False,
    ceiling: float | None = None,
) -> Figure:
    """Grouped bars with intervals: one group per label, one bar per series (``Series.x`` is ignored).

    ``ceiling``: a dashed line at what nothing can exceed.
    """
    import plotly.graph_objects as graphs

    chart = figure(escape(title), legend=len(series) > 1)
    names = [escape(label) for label in labels]
    for place, curve in enumerate(series):
        colour = SERIES[place % len(SERIES)]
        values = _values(curve.y, f"bars: series {curve.name!r}", len(names))  # [n]
        along = {"x": values, "y": names, "orientation": "h"} if horizontal else {"x": names, "y": values}
        look = {"color": with_alpha(colour, 0.55), "line": {"color": colour, "width": 1.5}}
        interval = _error_bars(curve, values, colour, horizontal)
        chart.add_trace(graphs.Bar(name=escape(curve.name), marker=look, **along, **interval))
    chart.update_layout(barmode="group", bargap=0.34, bargroupgap=0.08)
    (chart.update_xaxes if horizontal else chart.update_yaxes)(title_text=escape(value_title))
    if horizontal:
        chart.update_yaxes(autorange="reversed")
        chart.update_layout(height=max(260, 120 + 34 * len(names) * max(1, len(series)) // 2))
    if ceiling is not None:
        (chart.add_vline if horizontal else chart.add_hline)(ceiling, line={"dash": "dash", "color": GUIDE})
    return chart


def _error_bars(curve: Series, values: NDArray[np.float64], colour: str, horizontal: bool) -> dict[str, object]:
    if curve.low is None or curve.high is None:
        return {}
    low, high = (_values(bound, f"bars: interval of {curve.name!r}", len(values)) for bound in (curve.low, curve.high))
    bounds = {"type": "data", "symmetric": False, "array": high - values, "arrayminus": values - low}
    return {"error_x" if horizontal else "error_y": {**bounds, "color": colour, "width": 5, "thickness": 2}}


def _scale(log: bool, data: Sequence[ArrayLike]) -> dict[str, Any]:
    """A linear axis, or a logarithmic one whose labels are decades (or 1, 2, 5 where the data span less than two)."""
    if not log:
        return {"type": "linear"}
    known = np.concatenate([numbers(values).ravel() for values in data])
    known = known[np.isfinite(known) & (known > 0)]
    low, high = (np.log10(known.min()), np.log10(known.max())) if len(known) else (0.0, 1.0)
    minor = {"ticks": "outside", "dtick": "D1", "ticklen": 2}
    if high - low > 2:
        return {"type": "log", "dtick": 1, "minor": minor}
    ticks = [step * 10.0**decade for decade in range(int(low) - 2, int(high) + 2) for step in (1, 2, 5)]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks], "minor": minor}


def _add_curve(chart: Figure, curve: Series, colour: str) -> None:
    import plotly.graph_objects as graphs

    y = _values(curve.y, f"line_chart: series {curve.name!r}")  # [n]
    x = _values(curve.x, f"line_chart: x of series {curve.name!r}", len(y))  # [n]
    if curve.low is not None and curve.high is not None:
        _add_band(chart, x, curve.low, curve.high, with_alpha(colour, 0.18), curve.name)
    mode = "lines+markers" if len(y) <= 30 else "lines"
    name = escape(curve.name)
    chart.add_trace(graphs.Scatter(x=x, y=y, name=name, mode=mode, line={"color": colour}, legendgroup=name))


def _add_band(chart: Figure, x: NDArray[np.float64], low: ArrayLike, high: ArrayLike, colour: str, name: str) -> None:
    """A filled region between two curves: one closed polygon, so that the legend and the hover do not see it."""
    import plotly.graph_objects as graphs

    below, above = (_values(bound, f"line_chart: interval of {name!r}", len(x)) for bound in (low, high))
    outline = graphs.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([above, below[::-1]]),
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=escape(name),
    )
    chart.add_trace(outline)


def _add_ceiling(chart: Figure, ceiling: Ceiling, y_range: tuple[float, float] | None) -> None:
    import plotly.graph_objects as graphs

    y = _values(ceiling.y, "line_chart: ceiling")  # [n]
    x = _values(ceiling.x, "line_chart: x of the ceiling", len(y))  # [n]
    top = np.full_like(y, max(1.0, float(np.nanmax(y))) if y_range is None else y_range[1])
    _add_band(chart, x, y, top, QUIET, ceiling.name)
    if ceiling.low is not None and ceiling.high is not None:
        _add_band(chart, x, ceiling.low, ceiling.high, QUIET, ceiling.name)
    line = {"color": GUIDE, "dash": "dash", "width": 2}
    name = escape(ceiling.name)
    chart.add_trace(graphs.Scatter(x=x, y=y, name=name, mode="lines", line=line, legendgroup=name))


def _add_ceilings(chart: Figure, ceilings: Sequence[Ceiling], y_range: tuple[float, float] | None) -> None:
    """A dashed line in the colour of each curve, and grey above the highest."""
    import plotly.graph_objects as graphs

    y = [_values(own.y, "line_chart: ceiling") for own in ceilings]  # [n] each
    x = _values(ceilings[0].x, "line_chart: x of the ceiling", len(y[0]))  # [n]
    highest = np.max(y, axis=0)
    top = np.full_like(highest, max(1.0, float(np.nanmax(highest))) if y_range is None else y_range[1])
    _add_band(chart, x, highest, top, QUIET, ceilings[0].name)
    for place, (own, values) in enumerate(zip(ceilings, y, strict=True)):
        name, line = escape(own.name), {"color": SERIES[place % len(SERIES)], "dash": "dash", "width": 2}
        chart.add_trace(graphs.Scatter(x=x, y=values, name=name, mode="lines", line=line, legendgroup=name))


def _values(data: ArrayLike, what: str, count: int | None = None) -> NDArray[np.float64]:
    """``data`` as float64 of shape ``[n]``; tensors may be given."""
    values = numbers(data)
    if values.ndim != 1 or (count is not None and len(values) != count):
        expected = "[n]" if count is None else f"[{count}]"
        raise ViewError(f"{what}: expected numbers of shape {expected}, got shape {list(values.shape)}.")
    return values

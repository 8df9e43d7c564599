"""Heat maps with numbers in their cells, and predicted against measured values."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.view.arrays import numbers
from equiviz.view.colours import DIVERGING, ERRORS, GUIDE, PREDICTED, SEQUENTIAL, SERIES
from equiviz.view.errors import ViewError
from equiviz.view.escape import escape
from equiviz.view.template import figure

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from pandas import DataFrame
    from plotly.graph_objects import Figure

MOST_POINTS = 2_000  # above this many, a parity chart draws densities instead of points
WIDEST_WITH_GAPS = 120  # with more columns, gaps between the cells would hide them


def heat_map(
    frame: DataFrame,
    colour_title: str,
    title: str = "",
    *,
    x_title: str = "",
    y_title: str = "",
    digits: str = ".2f",
    value_range: tuple[float, float] | None = None,
    signed: bool = False,
    notes: DataFrame | None = None,
) -> Figure:
    """A table of numbers as coloured cells with the numbers in them; the frame's index and columns name them.

    ``signed``: a diverging scale centred at zero. ``notes``: a frame of the same shape whose text joins the hover.
    Cells that are NaN stay empty. Wide maps (more than 24 columns) show the numbers on hover only.
    """
    values = _cells(frame)  # [rows, columns]
    low, high = value_range or _range(values, signed)
    text = [[format(value, digits) if np.isfinite(value) else "" for value in row] for row in values]
    chart = _map(frame, values, text, colour_title, title, notes)
    chart.data[0].update(zmin=low, zmax=high, colorscale=DIVERGING if signed else SEQUENTIAL)
    return _axes(chart, x_title, y_title)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """One panel of a row of heat maps.

    Attributes:
        frame: The numbers; rows and columns are named, and all panels of a row have the same.
        title: Above the panel: what the colours are.
        value_range: The two ends of the colours.
        signed: A diverging scale centred at zero.
        notes: A frame of the same shape whose text joins the hover.
    """

    frame: DataFrame
    title: str
    value_range: tuple[float, float]
    signed: bool = False
    notes: DataFrame | None = None


def heat_map_row(panels: Sequence[HeatMap], title: str = "", digits: str = ".2f") -> Figure:
    """Heat maps side by side, whose rows have the same names; numbers in the cells, column names on top."""
    if not panels:
        raise ViewError("heat_map_row: expected at least one HeatMap, got none.")
    shape = panels[0].frame.shape
    chart = figure(escape(title), height=210 + 22 * shape[0])
    for place, panel in enumerate(panels):
        _add_panel(chart, panel, place, len(panels), digits)
    # Below this width the numbers would touch: a narrow page scrolls the picture sideways.
    longest = max(len(str(name)) for name in panels[0].frame.index)
    chart.update_layout(margin={"l": 24 + 7 * longest, "t": 120, "b": 60, "r": 40})
    chart.update_layout(meta={"least": 150 + len(panels) * max(200, 38 * shape[1])})
    return chart


def _told(value: float, digits: str) -> str:
    """The number, without the sign of what rounds to zero; nothing for NaN."""
    text = format(value, digits) if np.isfinite(value) else ""
    return text.lstrip("-") if text and not float(text) else text


def _add_panel(chart: Figure, panel: HeatMap, place: int, count: int, digits: str) -> None:
    values = _cells(panel.frame)  # [rows, columns]
    text = [[_told(value, digits) for value in row] for row in values]
    trace = _map(panel.frame, values, text, panel.title, "", panel.notes).data[0]
    low, high = panel.value_range
    name = str(place + 1) if place else ""
    left, right = (place + 0.03 * bool(place)) / count, (place + 1 - 0.03 * (place < count - 1)) / count
    bar = {"orientation": "h", "x": (left + right) / 2, "y": 0, "yanchor": "top", "len": 0.8 * (right - left)}
    look: dict[str, Any] = {"zmin": low, "zmax": high, "colorscale": DIVERGING if panel.signed else SEQUENTIAL}
    heading = {"text": escape(panel.title), "side": "bottom"}
    trace.update(xaxis=f"x{name}", yaxis=f"y{name}", texttemplate="%{text}", textfont={"size": 11}, **look)
    trace.update(colorbar={**bar, "title": heading})
    chart.add_trace(trace)
    plain: dict[str, Any] = {"showgrid": False, "showline": False, "ticks": "", "type": "category"}
    across = {"domain": [left, right], "anchor": f"y{name}", "side": "top", "tickangle": -40}
    down = {"anchor": f"x{name}", "autorange": "reversed", "showticklabels": not place}
    chart.update_layout({f"xaxis{name}": {**plain, **across}, f"yaxis{name}": {**plain, **down, "dtick": 1}})


def error_heat_map(
    frame: DataFrame,
    title: str = "",
    *,
    floor: float = 1e-16,
    ceiling: float = 1.0,
    x_title: str = "irreps",
    y_title: str = "stage",
    colour_title: str = "relative error",
    notes: DataFrame | None = None,
) -> Figure:
    """Relative errors on a logarithmic scale that is the same in every report: dark is rounding, bright is a fault.

    Errors below ``floor`` (the rounding of the arithmetic; zero among them) are coloured as the floor, and their number
    is shown as it is. NaN leaves the cell empty; infinity counts as the ceiling.
    """
    values = _cells(frame, finite_only=False)  # [rows, columns]
    logs = np.log10(np.clip(values, floor, ceiling))
    text = [["" if np.isnan(value) else f"{value:.0e}" if value else "0" for value in row] for row in values]
    chart = _map(frame, logs, text, colour_title, title, notes)
    low, high = int(np.floor(np.log10(floor))), int(np.ceil(np.log10(ceiling)))
    ticks = list(range(low, high + 1, max(1, (high - low) // 5)))
    bar = {"tickvals": ticks, "ticktext": [f"1e{tick}" if tick else "1" for tick in ticks]}
    chart.data[0].update(zmin=low, zmax=high, colorscale=ERRORS, colorbar=bar)
    return _axes(chart, x_title, y_title)


def parity(
    measured: ArrayLike,
    predicted: ArrayLike,
    quantity: str,
    title: str = "",
    *,
    groups: Sequence[str] | None = None,
) -> Figure:
    """Predicted against measured values of one quantity (its name holds the unit), with the line of perfect prediction.

    Up to 2,000 points are drawn, coloured by ``groups`` (one name per point); above that, the density of points.
    """
    x, y, names = _paired(measured, predicted, groups)  # [n] each
    chart = figure(escape(title), height=500, legend=groups is not None)
    if len(x) <= MOST_POINTS:
        _add_points(chart, x, y, names)
    else:
        _add_density(chart, x, y)
    _add_diagonal(chart, np.concatenate([x, y]))
    chart.update_xaxes(title_text=f"measured {escape(quantity)}", constrain="domain", constraintoward="left")
    chart.update_yaxes(title_text=f"predicted {escape(quantity)}", scaleanchor="x", constrain="domain")
    return chart


def scatter(
    x: ArrayLike, y: ArrayLike, x_title: str, y_title: str, title: str = "", *, labels: Sequence[str] = ()
) -> Figure:
    """Two quantities of the same things against each other; ``labels`` name the points on hover."""
    across, up, names = _paired(x, y, labels or None, "scatter")  # [n] each
    chart = figure(escape(title), height=500)
    _add_points(chart, across, up, np.full(len(names), "points"))
    if labels:
        chart.data[0].update(text=[escape(name) for name in names.tolist()], hovertemplate="%{text}<extra></extra>")
    chart.update_xaxes(title_text=escape(x_title))
    chart.update_yaxes(title_text=escape(y_title))
    return chart


def _map(
    frame: DataFrame,
    values: NDArray[np.float64],
    text: list[list[str]],
    colour_title: str,
    title: str,
    notes: DataFrame | None,
) -> Figure:
    cells = [[""] * len(frame.columns)] * len(frame) if notes is None else notes.to_numpy()
    extra = [[f"<br>{escape(cell)}" if cell else "" for cell in row] for row in cells]
    import plotly.graph_objects as graphs

    height = max(260, 110 + 36 * len(frame))
    gap = 2 if len(frame.columns) <= WIDEST_WITH_GAPS else 0
    trace = graphs.Heatmap(
        z=values,
        x=[escape(name) for name in frame.columns],
        y=[escape(name) for name in frame.index],
        text=text,
        customdata=extra,
        texttemplate="%{text}" if len(frame.columns) <= 24 else "",
        hovertemplate=f"%{{y}}, %{{x}}<br>{escape(colour_title)}: %{{text}}%{{customdata}}<extra></extra>",
        xgap=gap,
        ygap=gap,
        hoverongaps=False,
        colorbar={"title": {"text": _upright(colour_title, height - 130), "side": "right"}},
    )
    chart = figure(escape(title), height=height)
    chart.add_trace(trace)
    return chart


def _upright(text: str, length: int) -> str:
    """A title that runs upwards, in lines of some pixels: a longer one would run into the tools above the chart."""
    return "<br>".join(escape(line) for line in textwrap.wrap(text, max(12, length // 7), break_long_words=False))


def _axes(chart: Figure, x_title: str, y_title: str) -> Figure:
    plain: dict[str, Any] = {"showgrid": False, "showline": False, "ticks": "", "type": "category"}
    chart.update_xaxes(title_text=escape(x_title), **plain)
    chart.update_yaxes(title_text=escape(y_title), autorange="reversed", **plain)
    return chart


def _cells(frame: DataFrame, finite_only: bool = True) -> NDArray[np.float64]:
    if frame.empty:
        raise ViewError("heat map: expected a table with at least one row and one column, got an empty one.")
    values = frame.to_numpy(dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan) if finite_only else values


def _range(values: NDArray[np.float64], signed: bool) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return (0.0, 1.0)
    largest = float(np.abs(known).max()) or 1.0
    return (-largest, largest) if signed else (float(known.min()), float(known.max()))


def _paired(
    measured: ArrayLike, predicted: ArrayLike, groups: Sequence[str] | None, chart: str = "parity"
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]:
    """The pairs of which both are finite, and the group name of each."""
    x, y = (numbers(values).ravel() for values in (measured, predicted))
    names = np.asarray(["points"] * len(x) if groups is None else [str(name) for name in groups])
    if x.shape != y.shape or not len(x):
        raise ViewError(f"{chart}: expected as many predicted as measured values, got {len(y)} and {len(x)}.")
    if len(names) != len(x):
        raise ViewError(f"{chart}: expected one group name per point, {len(x)} in all, got {len(names)}.")
    known = np.isfinite(x) & np.isfinite(y)
    return x[known], y[known], names[known]


def _add_points(chart: Figure, x: NDArray[np.float64], y: NDArray[np.float64], names: NDArray[np.str_]) -> None:
    import plotly.graph_objects as graphs

    for place, name in enumerate(dict.fromkeys(names.tolist())):
        chosen = names == name
        look = {"size": 5, "opacity": 0.55, "color": SERIES[place % len(SERIES)]}
        points = graphs.Scatter(x=x[chosen], y=y[chosen], mode="markers", marker=look, name=escape(name))
        chart.add_trace(points)


def _add_density(chart: Figure, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Counts in square cells over the bulk of the data; empty cells stay clear, the scale is logarithmic."""
    import plotly.graph_objects as graphs

    low, high = np.quantile(np.concatenate([x, y]), [0.0005, 0.9995])
    edges = np.linspace(low, high, 81)
    counts, _, _ = np.histogram2d(y, x, bins=[edges, edges])
    middle = (edges[1:] + edges[:-1]) / 2
    logs = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan)
    ticks = [0, 1, 2, 3, 4]
    title = {"text": "points per cell", "side": "right"}
    bar = {"title": title, "tickvals": ticks, "ticktext": [f"{10**k:,}" for k in ticks]}
    chart.add_trace(
        graphs.Heatmap(
            x=middle,
            y=middle,
            z=logs,
            customdata=counts,
            colorscale=SEQUENTIAL,
            colorbar=bar,
            hoverongaps=False,
            hovertemplate="%{customdata} points<extra></extra>",
        )
    )


def _add_diagonal(chart: Figure, values: NDArray[np.float64]) -> None:
    import plotly.graph_objects as graphs

    dense = len(values) > 2 * MOST_POINTS
    ends = np.quantile(values, [0.0005, 0.9995]) if dense else np.array([values.min(), values.max()])
    line = {"color": PREDICTED if dense else GUIDE, "dash": "dash", "width": 1.6}
    look = {"mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
    chart.add_trace(graphs.Scatter(x=ends, y=ends, **look))

"""The map of environments over the power spectrum, in one live figure, for each sends plotly's script (5 MB)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from equiviz.apps.explorer.environments import Environments
from equiviz.apps.explorer.power import QUANTITY, PowerSpectrum
from equiviz.equivariance.check_widget.look import NEUTRAL, blank_figure, live, trace_of
from equiviz.view.colours import SERIES, with_alpha
from equiviz.view.escape import escape
from equiviz.view.palette import label_colours

if TYPE_CHECKING:
    from plotly.callbacks import Points

HERE, ELSEWHERE, ALL_NODES, SELECTED = "this structure", "other structures", "all", "selected"
MANY = 5_000
"""From so many points on, the map is drawn by WebGL."""
MOST_SPECIES = 8
"""Of more, no key is drawn."""
_GREY = "rgba(128,128,128,0.45)"


class Charts:
    """The figure, filled anew for each stage.

    Attributes:
        figure: live.
        environments: what the map shows.
        structure: number of the structure that the view shows.
    """

    def __init__(self, height: int, many: bool) -> None:
        import plotly.graph_objects as graphs

        figure = blank_figure(height)
        dots: Any = graphs.Scattergl if many else graphs.Scatter
        look = {"mode": "markers", "hovertemplate": "%{text}<extra></extra>"}
        grey = {"color": _GREY, "size": 5}
        figure.add_trace(dots(name=ELSEWHERE, marker=grey, **look))
        rim = {"width": 0.5, "color": NEUTRAL.axis}
        figure.add_trace(dots(name=HERE, marker={"size": 7, "line": rim}, **look))
        for name, colour in ((ALL_NODES, SERIES[0]), (SELECTED, SERIES[1])):
            fill = _fill(colour, 0)
            hover = f"{name}: %{{y:.3g}}<extra>%{{x}}</extra>"
            figure.add_trace(graphs.Bar(name=name, marker=fill, xaxis="x2", yaxis="y2", hovertemplate=hover))
        self._arrange(figure)
        self.figure = live(figure)
        cast(Any, self.figure)._config = {"responsive": True, "displaylogo": False}
        self.environments: Environments | None = None
        self.structure = 0

    def fit(self) -> None:
        """Ask the page to draw the figure as wide as its place, which plotly does not do while it is hidden."""
        for automatic in (False, True):
            self.figure.update_layout(autosize=automatic)

    def listen(self, chosen: Callable[[list[int]], object], other: Callable[[int, int], object]) -> None:
        """Tell of clicks and boxes on the map.

        Args:
            chosen: is handed rows of the shown structure; none where a selection was cleared.
            other: is handed the number of another structure, and a row of it, that was clicked.
        """

        def here(_: object, clicked: Points, __: object) -> None:
            chosen(sorted(self._rows(self.structure)[np.asarray(clicked.point_inds, dtype=np.int64)].tolist()))

        def at(trace: object, clicked: Points, state: object) -> None:
            if clicked.point_inds:  # plotly tells every trace of a click
                here(trace, clicked, state)

        def elsewhere(_: object, clicked: Points, __: object) -> None:
            if self.environments is not None and clicked.point_inds:
                places = np.flatnonzero(self.environments.structure != self.structure)
                place = places[clicked.point_inds[0]]
                other(int(self.environments.structure[place]), int(self.environments.row[place]))

        trace = cast(Any, trace_of(self.figure, HERE))
        trace.on_selection(here)
        trace.on_click(at)
        trace.on_deselect(lambda *_: chosen([]))
        cast(Any, trace_of(self.figure, ELSEWHERE)).on_click(elsewhere)

    def map(self, environments: Environments, labels: list[str], structure: int, noun: str = "atom") -> None:
        """Another map, or another structure on it.

        Args:
            environments: to be drawn.
            labels: of the shown structure's atoms, or of the points of a stage.
            structure: its number.
            noun: what one of them is called.
        """
        self.environments, self.structure = environments, structure
        shown = environments.structure == structure
        colours = label_colours(labels)
        with self.figure.batch_update():
            own = [labels[k] for k in environments.row[shown].tolist()]
            named = [f"{noun} {k}" for k in environments.row[shown].tolist()]
            text = [who if label == noun else f"{escape(label)}, {who}" for label, who in zip(own, named, strict=True)]
            points = _coordinates(environments.points[shown])
            marker = {"color": [colours[label] for label in own]}
            trace_of(self.figure, HERE).update(**points, text=text, marker=marker, selectedpoints=None)
            others = zip(environments.structure[~shown].tolist(), environments.row[~shown].tolist(), strict=True)
            told = [f"structure {s + 1}, {noun} {k}: click to go there" for s, k in others]
            points, marker = _coordinates(environments.points[~shown]), {"color": [_GREY] * len(told)}
            trace_of(self.figure, ELSEWHERE).update(**points, text=told, marker=marker)
            self.figure.update_layout(annotations=[] if set(labels) == {noun} else _key(labels, colours))
            x, y = (escape(name) for name in environments.axes)
            self.figure.update_layout(xaxis={"title": {"text": x}}, yaxis={"title": {"text": y}})

    def keep(self) -> None:
        """Note what is drawn for a page that connects later (Voila, a reload): plotly keeps the first state only.

        It is noted without a message, because the pages that are there know it already.
        """
        made = cast(Any, self.figure)
        made._trait_values["_widget_data"] = deepcopy(made._data)
        made._trait_values["_widget_layout"] = deepcopy(made._layout_obj._props)

    def select(self, rows: Sequence[int]) -> None:
        """Mark nodes of the shown structure."""
        places = np.flatnonzero(np.isin(self._rows(self.structure), np.asarray(rows, dtype=np.int64))).tolist()
        cast(Any, trace_of(self.figure, HERE)).selectedpoints = places or None

    def spectrum(self, every: PowerSpectrum, chosen: PowerSpectrum | None) -> None:
        """The bars of a stage; of the selected nodes too, where some are."""
        with self.figure.batch_update():
            labels = [escape(label) for label in every.labels]
            fill = _fill(SERIES[0], len(labels))
            trace_of(self.figure, ALL_NODES).update(x=labels, y=every.values, marker=fill)
            drawn: dict[str, Any] = {"x": labels, "y": chosen.values} if chosen is not None else {"x": [], "y": []}
            trace_of(self.figure, SELECTED).update(**drawn, marker=_fill(SERIES[1], len(drawn["x"])))
            kind = "log" if every.logarithmic else "linear"
            self.figure.update_layout(yaxis2={"type": kind, "title": {"text": _title(chosen)}})

    def _rows(self, structure: int) -> Any:
        if self.environments is None:
            return np.zeros(0, dtype=np.int64)
        return self.environments.row[self.environments.structure == structure]

    def _arrange(self, figure: Any) -> None:
        plain = {"showgrid": False, "zeroline": False}
        figure.update_layout(
            margin={"l": 64, "r": 12, "t": 26, "b": 46},
            dragmode="lasso",
            barmode="group",
            bargap=0.35,
            modebar={"remove": ["toimage", "zoom", "autoscale", "zoomin", "zoomout"], "orientation": "h"},
            xaxis={**plain, "showticklabels": False, "ticks": ""},
            yaxis={"domain": [0.44, 1], "showticklabels": False, "ticks": "", **plain},
            xaxis2={"anchor": "y2", "type": "category", "title": {"text": "irrep (degree l, parity)"}},
            yaxis2={"domain": [0, 0.3], "anchor": "x2", "exponentformat": "power"},
        )


def _key(labels: Sequence[str], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """The colours of the species, in a line over the map."""
    known = sorted(set(labels))
    if len(known) > MOST_SPECIES:
        return []
    text = "   ".join(f'<span style="color:{colours[label]}">●</span> {escape(label)}' for label in known)
    where = {"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "bottom"}
    return [{**where, "text": text, "showarrow": False}]


def _fill(colour: str, count: int) -> dict[str, Any]:
    """A colour for each bar: plotly's page forgets the one colour of a trace that was empty at first (plotly 7.1)."""
    return {"color": [with_alpha(colour, 0.6)] * count, "line": {"color": [colour] * count, "width": 1.5}}


def _title(chosen: PowerSpectrum | None) -> str:
    first, second = QUANTITY.split(", ")
    what = f"{first},<br>{second}"
    return what if chosen is None else f"{what}<br>(red: {chosen.rows} selected)"


def _coordinates(points: Any) -> dict[str, Any]:
    return {"x": points[:, 0].astype(np.float32), "y": points[:, 1].astype(np.float32)}

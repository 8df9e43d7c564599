"""The live figure: heat map, and what is said of the chosen site. One figure, for each sends plotly's script (5 MB)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.protein_explorer.colourings import score_reach
from equiviz.apps.protein_explorer.drawing import (
    ORDER,
    ORDERED,
    amino_acid_rows,
    bar_colours,
    heat_trace,
    marks,
    signed_colours,
    site_axis,
    wild_trace,
)
from equiviz.equivariance.check_widget.look import blank_figure, live, trace_of
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.view.colours import DIVERGING, GUIDE
from equiviz.view.escape import escape

if TYPE_CHECKING:
    from plotly.callbacks import Points

    from equiviz.explain.proteins.responsible import Responsible
    from equiviz.explain.proteins.scan import Scan

SCAN, WILD, PREFERENCES, ROW, DEGREES, CHANNELS = "scan", "wild type", "preferences", "substitutions", "l", "channels"
_TOPS = {"heat": 1.0, "bars": 0.5, "row": 0.305, "shares": 0.19}
_PLAIN: dict[str, Any] = {"showgrid": False, "ticks": "", "showline": False}
_WORDS: dict[str, Any] = {"type": "category", "fixedrange": True}
_ZERO: dict[str, Any] = {"zeroline": True, "zerolinecolor": GUIDE, "zerolinewidth": 1, "fixedrange": True}
_LETTERS: dict[str, Any] = {
    **_PLAIN,
    "fixedrange": True,
    "tickvals": list(range(len(ORDER))),
    "ticktext": ORDERED,
    "tickangle": 0,
    "range": [-0.5, len(ORDER) - 0.5],
}


class Charts:
    """Heat map, bars of the preferences, the substitution row, and shares of degrees and channels.

    Attributes:
        figure: live.
    """

    def __init__(self, scan: Scan, height: int) -> None:
        import plotly.graph_objects as graphs

        figure = blank_figure(height)
        heat = heat_trace(scan)
        cast(Any, heat).colorbar.update(y=(1 + 0.57) / 2, len=0.43, x=1.0, xpad=4)
        figure.add_trace(heat)
        figure.add_trace(wild_trace(scan))
        places = list(range(len(ORDER)))  # plotly's live figure forgets letters that stood there before a page came
        names: dict[str, Any] = {"x": places, "hovertext": [AMINO_ACIDS[k] for k in ORDER]}
        hover = {"hovertemplate": "%{hovertext}: %{y:.3f}<extra></extra>", "textposition": "none"}
        figure.add_trace(graphs.Bar(name=PREFERENCES, y=[0.0] * len(ORDER), xaxis="x2", yaxis="y2", **names, **hover))
        reach = score_reach(scan)
        row: dict[str, Any] = {"zmin": -reach, "zmax": reach, "colorscale": DIVERGING, "showscale": False}
        row |= {"texttemplate": "%{z:.1f}", "textfont": {"size": 10}, "xgap": 2}
        row |= {"hovertemplate": "%{hovertext}: %{z:+.2f} nats<extra></extra>", "hovertext": [names["hovertext"]]}
        figure.add_trace(graphs.Heatmap(name=ROW, x=places, xaxis="x3", yaxis="y3", **row))
        for name, number in ((DEGREES, 4), (CHANNELS, 5)):
            along = {
                "xaxis": f"x{number}",
                "yaxis": f"y{number}",
                "hovertemplate": "%{x}: %{y:+.3f} nats<extra></extra>",
            }
            figure.add_trace(graphs.Bar(name=name, **along))
        self._arrange(figure, scan)
        self.figure = live(figure)
        cast(Any, self.figure)._config = {"responsive": True, "displaylogo": False}

    def listen(self, cell: Callable[[int, int], object], amino_acid: Callable[[int], object]) -> None:
        """Tell of clicks.

        Args:
            cell: is handed a site and an amino acid, 0 to 19, of the heat map.
            amino_acid: is handed one that was clicked among those of the chosen site.
        """

        def scanned(_: object, clicked: Points, __: object) -> None:
            if clicked.xs:
                cell(int(clicked.xs[0]), ORDER[ORDERED.index(str(clicked.ys[0]))])

        def named(_: object, clicked: Points, __: object) -> None:
            if clicked.xs:
                amino_acid(ORDER[int(clicked.xs[0])])

        cast(Any, trace_of(self.figure, SCAN)).on_click(scanned)
        for name in (PREFERENCES, ROW):
            cast(Any, trace_of(self.figure, name)).on_click(named)

    def take(self, scan: Scan) -> None:
        """Another frame of the same protein."""
        fresh = heat_trace(scan)
        with self.figure.batch_update():
            trace_of(self.figure, SCAN).update(z=fresh["z"], hovertext=fresh["hovertext"])

    def choose(self, scan: Scan, site: int, amino_acid: int, reasons: Responsible) -> None:
        """Mark a site in the heat map, and show what the network says of it."""
        wild = int(scan.classes[site])
        order = list(ORDER)
        probabilities = scan.log_probabilities[site].exp()[order].tolist()
        scores = scan.mutation_scores[site][order].numpy()
        degrees = {f"l = {degree}": value for degree, value in reasons.by_degree.items()}
        with self.figure.batch_update():
            colours = bar_colours(wild, amino_acid)
            trace_of(self.figure, PREFERENCES).update(y=probabilities, marker={"color": colours})
            trace_of(self.figure, ROW).update(z=scores[None])
            for name, shares in ((DEGREES, degrees), (CHANNELS, reasons.by_channel)):
                values = list(shares.values())
                marker = {"color": signed_colours(values)}
                trace_of(self.figure, name).update(x=[escape(word) for word in shares], y=values, marker=marker)
            named = None if amino_acid == wild else amino_acid
            words = _headings(reasons)
            self.figure.update_layout(shapes=marks(site, named, len(scan)), annotations=words)
        self._keep()

    def _keep(self) -> None:
        """Note what is drawn for a page that connects later: plotly keeps the first state only."""
        made = cast(Any, self.figure)
        large = {SCAN, WILD}  # not copied: they change as a whole or not at all
        kept = [trace if trace.get("name") in large else deepcopy(trace) for trace in made._data]
        made._trait_values["_widget_data"] = kept
        made._trait_values["_widget_layout"] = deepcopy(made._layout_obj._props)

    def _arrange(self, figure: Any, scan: Scan) -> None:
        figure.update_layout(
            margin={"l": 52, "r": 58, "t": 30, "b": 34},
            bargap=0.3,
            shapes=marks(0, None, len(scan)),
            modebar={"remove": ["toimage", "select", "lasso", "zoomin", "zoomout"], "orientation": "h"},
            xaxis={"anchor": "y", **_PLAIN, **site_axis(scan)},
            yaxis={"domain": [0.57, 1], "anchor": "x", **amino_acid_rows()},
            xaxis2={"anchor": "y2", **_LETTERS},
            yaxis2={"domain": [0.365, _TOPS["bars"]], "anchor": "x2", "fixedrange": True, "rangemode": "tozero"},
            xaxis3={"anchor": "y3", **_LETTERS, "showticklabels": False},
            yaxis3={"domain": [0.275, _TOPS["row"]], "anchor": "x3", **_PLAIN, "showticklabels": False},
            xaxis4={"domain": [0, 0.4], "anchor": "y4", **_WORDS},
            yaxis4={"domain": [0.02, _TOPS["shares"]], "anchor": "x4", **_ZERO},
            xaxis5={"domain": [0.5, 1], "anchor": "y5", **_WORDS},
            yaxis5={"domain": [0.02, _TOPS["shares"]], "anchor": "x5", **_ZERO},
        )


def _headings(reasons: Responsible) -> list[dict[str, Any]]:
    asked, site = reasons.amino_acid, escape(reasons.name)
    told = [
        (0.0, _TOPS["heat"], "log p(mutant) − log p(wild type); dots: the wild type. Click a cell."),
        (0.0, _TOPS["bars"], f"<b>{site}</b>: probability of each amino acid (red: wild type, green: chosen)"),
        (0.0, _TOPS["row"], f"<b>{site}</b>: mutation scores, nats"),
        (0.0, _TOPS["shares"], f"log p({asked}), nats, by degree"),
        (0.5, _TOPS["shares"], "by channel"),
    ]
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    return [{**place, "x": x, "y": y, "text": words, "font": {"size": 13}} for x, y, words in told]

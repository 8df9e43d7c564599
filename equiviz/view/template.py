"""One look for every figure: the plotly templates for light and dark pages.

A page holds both templates once, and its script switches figures between them. A figure in a notebook carries the
light one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from equiviz.view.colours import DIVERGING, SEQUENTIAL, SERIES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from plotly.graph_objs.layout import Template

FONT = "Inter, 'Source Sans 3', 'Segoe UI', 'Helvetica Neue', Roboto, Ubuntu, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Theme:
    """The colours of one kind of page. Each is a CSS colour."""

    paper: str
    text: str
    muted: str
    grid: str
    axis: str
    hover: str


LIGHT = Theme(paper="#ffffff", text="#1f2430", muted="#5b6472", grid="#e8eaef", axis="#9aa2b1", hover="#ffffff")
DARK = Theme(paper="#161a22", text="#e4e8f0", muted="#a0a9b8", grid="#2a303c", axis="#5d6778", hover="#222835")


def _axis(theme: Theme) -> dict[str, object]:
    return {
        "gridcolor": theme.grid,
        "linecolor": theme.axis,
        "tickcolor": theme.axis,
        "zerolinecolor": theme.grid,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 14}},
        "tickfont": {"color": theme.muted, "size": 12},
    }


def _scene_axis(theme: Theme) -> dict[str, object]:
    lines = {"gridcolor": theme.grid, "linecolor": theme.axis, "zerolinecolor": theme.grid}
    return {**lines, "backgroundcolor": theme.paper}


def _legend() -> dict[str, object]:
    return {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"}


def template(theme: Theme = LIGHT) -> Template:
    """The plotly template of a theme."""
    import plotly.graph_objects as graphs

    small = {"tickfont": {"size": 12}, "title": {"font": {"size": 13}}}
    bar = {"outlinewidth": 0, "thickness": 12, "ticks": "outside", "ticklen": 3, "tickcolor": theme.axis, **small}
    layout = graphs.Layout(
        font={"family": FONT, "size": 13, "color": theme.text},
        title={
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 8},
            "font": {"size": 16, "weight": 600},
        },
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        colorway=SERIES,
        colorscale={"sequential": SEQUENTIAL, "diverging": DIVERGING},
        coloraxis={"colorbar": bar},
        hoverlabel={"bgcolor": theme.hover, "bordercolor": theme.axis, "font": {"color": theme.text, "family": FONT}},
        legend=_legend(),
        margin={"l": 64, "r": 24, "t": 40, "b": 56},
        xaxis=_axis(theme),
        yaxis=_axis(theme),
        sliderdefaults={
            "bgcolor": theme.axis,
            "bordercolor": theme.axis,
            "activebgcolor": theme.text,
            "borderwidth": 0,
            "currentvalue": {"font": {"color": theme.text, "size": 13}},
        },
        scene={name: _scene_axis(theme) for name in ("xaxis", "yaxis", "zaxis")},
    )
    made = graphs.layout.Template(layout=layout)
    data = cast(Any, made.data)
    data.scatter = [graphs.Scatter(line={"width": 2.5}, marker={"size": 7})]
    data.heatmap = [graphs.Heatmap(colorbar=bar)]
    data.scatter3d = [graphs.Scatter3d(marker={"colorbar": bar})]
    data.mesh3d = [graphs.Mesh3d(colorbar=bar)]
    return made


def figure(title: str = "", height: int = 420, legend: bool = False) -> Figure:
    """An empty figure with the light template and room on top for what it holds. ``title`` must already be escaped."""
    import plotly.graph_objects as graphs

    top = 16 + 32 * bool(title) + 32 * legend
    look = {"template": template(), "title": {"text": title}, "height": height, "margin": {"t": top}}
    return graphs.Figure(layout={**look, "showlegend": legend})

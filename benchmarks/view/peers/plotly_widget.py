"""plotly's FigureWidget: carries its script with every instance, and sends only what changes."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from IPython.display import display

from benchmarks.view.peers import plotly_figure


def _draw(drawing: Any) -> None:
    drawing.shown = go.FigureWidget(drawing.figure())
    display(drawing.shown)


def _update(drawing: Any, turn: int) -> None:
    with drawing.shown.batch_update():
        drawing.shown.update_traces(**drawing.changes(turn))


class Atoms(plotly_figure.Atoms):
    """Markers coloured by values."""

    draw, update = _draw, _update


class Glyphs(plotly_figure.Glyphs):
    """One mesh of all surfaces."""

    draw, update = _draw, _update

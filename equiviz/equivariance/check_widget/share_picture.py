"""Who has which share in the error of a block: coloured points, or bars where an input has no positions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from equiviz.equivariance.check_widget.drawn_points import DrawnPoints
from equiviz.equivariance.check_widget.look import GREY, bar, space, trace_of
from equiviz.equivariance.check_widget.points import Points
from equiviz.view.colours import SEQUENTIAL

if TYPE_CHECKING:
    from plotly.basedatatypes import BaseFigure
    from torch import Tensor

POINTS, SHARES = "points", "shares"
"""Names of the traces."""
_GREY_ONLY = [(0.0, GREY), (1.0, GREY)]


class SharePicture:
    """The right-hand side of a figure.

    Attributes:
        figure: where it is drawn.
        drawn: the points; None where there are none, and bars stand there instead.
    """

    def __init__(self, figure: BaseFigure, points: Points | None, left: float) -> None:
        self.figure = figure
        self.drawn = None if points is None else DrawnPoints(figure, points, POINTS)
        figure.update_layout(coloraxis={"colorbar": bar("share of the squared error", 1.0, ".0%")})
        if self.drawn is None:
            self._add_bars(left + 0.1)
        else:
            self.drawn.add()
            figure.update_layout(scene=space(left, 1.0))

    def move_to(self, figure: BaseFigure) -> None:
        """Change another figure that holds the same traces from now on."""
        self.figure = figure
        self.drawn = None if self.drawn is None else replace(self.drawn, figure=figure)

    def fits(self, shares: Tensor) -> bool:
        """Whether there is one share for each point."""
        return self.drawn is None or len(shares) == len(self.drawn.points)

    def colour(self, shares: Tensor | None) -> None:
        """Show shares ``[N]``; grey points, or no bars, where there are none."""
        count = 0 if self.drawn is None else len(self.drawn.points)
        values = np.zeros(count) if shares is None else shares.detach().double().cpu().numpy()
        top, known = float(values.max(initial=0)) or 1.0, shares is not None
        look = {"cmin": 0.0, "cmax": top, "colorscale": SEQUENTIAL if known else _GREY_ONLY, "showscale": known}
        self.figure.update_layout(coloraxis=look)
        if self.drawn is not None:
            self.drawn.colour(values, [f"{value:.2%} of the squared error" for value in values] if known else None)
        else:
            trace_of(self.figure, SHARES).update(x=np.arange(len(values)), y=values, marker={"color": values})

    def _add_bars(self, left: float) -> None:
        import plotly.graph_objects as graphs

        hover = "number %{x}: %{y:.2%}<extra></extra>"
        where = {"xaxis": "x2", "yaxis": "y2", "marker": {"coloraxis": "coloraxis"}}
        self.figure.add_trace(graphs.Bar(name=SHARES, hovertemplate=hover, **where))
        self.figure.update_layout(
            xaxis2={"domain": [left, 1.0], "anchor": "y2", "title": {"text": "number of the node"}},
            yaxis2={"anchor": "x2", "tickformat": ".0%", "rangemode": "tozero"},
        )

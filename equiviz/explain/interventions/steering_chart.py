"""The prediction before and after, row by row, in one live figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.equivariance.check_widget.look import GREY, blank_figure, live, trace_of
from equiviz.view.colours import SERIES
from equiviz.view.escape import escape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from plotly.basedatatypes import BaseFigure
    from plotly.graph_objects import FigureWidget

    from equiviz.symmetry.field import Field

BEFORE, AFTER = "before", "after"
_HEIGHT = 340
MOST = 4000
"""Rows that are drawn; of more, the first."""


class SteeringChart:
    """Rings before, dots after: values of scalars, norms of what turns.

    Attributes:
        figure: one figure.
    """

    def __init__(self) -> None:
        import plotly.graph_objects as graphs

        self.figure: BaseFigure = blank_figure(_HEIGHT)
        looks = {
            BEFORE: {"symbol": "circle-open", "size": 10, "color": GREY, "line": {"width": 1.5}},
            AFTER: {"symbol": "circle", "size": 6, "color": SERIES[0]},
        }
        for name, look in looks.items():
            self.figure.add_trace(graphs.Scatter(x=[], y=[], mode="markers", marker=look, name=name))
        self.figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.12}, margin={"t": 30, "r": 16})

    def make_live(self) -> FigureWidget:
        """The figure, in a form whose changes show in the notebook."""
        self.figure = live(self.figure)
        return self.figure

    def show(self, name: str, before: Field, after: Field) -> None:
        """Draw an output."""
        values = rows_of(before)
        support = {"node": "atom", "edge": "edge", "graph": "structure"}.get(before.support, "row")
        what = "" if values.ndim == 1 and _is_plain(before) else "norm of "
        with self.figure.batch_update():
            for trace, field in ((BEFORE, before), (AFTER, after)):
                found = rows_of(field)[:MOST]
                trace_of(self.figure, trace).update(x=list(range(len(found))), y=found)
            self.figure.update_layout(
                xaxis={"title": {"text": support}}, yaxis={"title": {"text": escape(what + name)}}
            )


def rows_of(field: Field) -> NDArray[np.float64]:
    """One number per row ``[rows]``: the value of a single scalar, else the norm of all."""
    values = field.values.detach().cpu().flatten(1).double()
    return (values[:, 0] if _is_plain(field) else values.norm(dim=1)).numpy()


def _is_plain(field: Field) -> bool:
    return field.values.flatten(1).shape[1] == 1 and not field.values.is_complex()

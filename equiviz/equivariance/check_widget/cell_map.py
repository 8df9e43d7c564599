"""The heat map of stage against irrep, in a figure that holds other pictures too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from equiviz.equivariance.check_widget.block_words import cell_text, cell_words
from equiviz.equivariance.check_widget.look import bar, stage_axis, trace_of
from equiviz.equivariance.round_off import base_tolerance
from equiviz.view.colours import SERIES

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.basedatatypes import BaseFigure, BaseTraceType

    from equiviz.equivariance.check_report import CheckReport
    from equiviz.equivariance.claims import Kind
    from equiviz.equivariance.finding import Finding

CELLS = "cells"
"""Name of the trace."""


class CellMap:
    """The cells of one kind of transformation at a time.

    Attributes:
        report: the result of a check.
        figure: where the cells are drawn.
        rows, columns: stages and irreps.
        right: where the heat map ends, as a share of the figure's width.
    """

    def __init__(self, report: CheckReport, figure: BaseFigure) -> None:
        import plotly.graph_objects as graphs

        self.report, self.figure = report, figure
        self.rows, self.columns = report.stages, list(dict.fromkeys(f.irrep for f in report.findings))
        self.right = min(0.62, 0.42 + 0.02 * max(0, len(self.columns) - 5))
        figure.add_trace(graphs.Heatmap(name=CELLS))
        plain = {"showgrid": False, "showline": False, "ticks": "", "type": "category"}
        figure.update_layout(
            xaxis={**plain, "domain": [0, self.right]},
            yaxis={**plain, **stage_axis(self.rows)},
        )

    @property
    def trace(self) -> BaseTraceType:
        """The heat map itself."""
        return trace_of(self.figure, CELLS)

    def fill(self, kind: Kind, local: bool) -> None:
        """Show the errors under another kind of transformation, or local instead of inherited ones."""
        from equiviz.view.maps import error_heat_map

        own = [f for f in self.report.findings if f.group == kind]
        values, texts, notes = self._table(math.nan), self._table(""), self._table("")
        for f in own:
            error = f.local if local else f.inherited
            values.loc[f.stage, f.irrep] = error
            texts.loc[f.stage, f.irrep] = "" if math.isnan(error) else cell_text(f, error, _broken(f, local))
            notes.loc[f.stage, f.irrep] = cell_words(f)
        title = f"{'local' if local else 'inherited'} relative error"
        made = error_heat_map(values, floor=base_tolerance(self.report.dtype) / 1e3, colour_title=title, notes=notes)
        made.update_traces(name=CELLS)
        drawn = cast("dict[str, object]", trace_of(made, CELLS).to_plotly_json())
        scale = cast("dict[str, object]", drawn["colorbar"])
        drawn |= {"z": _without_nan(drawn["z"]), "text": texts.to_numpy().tolist()}
        self.trace.update({**drawn, "colorbar": {**scale, **bar("", self.right + 0.005)}})
        self.figure.update_layout(xaxis={"title": {"text": f"irreps (colours: {title})"}})

    def frame(self, stage: str, irrep: str) -> None:
        """Draw a frame about one cell."""
        column, row = self.columns.index(irrep), self.rows.index(stage)
        corners = {"x0": column - 0.49, "x1": column + 0.49, "y0": row - 0.49, "y1": row + 0.49}
        self.figure.update_layout(shapes=[{"type": "rect", "line": {"color": SERIES[1], "width": 3}, **corners}])

    def _table(self, value: float | str) -> DataFrame:
        import pandas as pd

        return pd.DataFrame(value, index=self.rows, columns=self.columns)


def _broken(finding: Finding, local: bool) -> bool:
    return finding.guilty if local else finding.passed is False


def _without_nan(table: object) -> list[list[float | None]]:
    """plotly sends tables as JSON, which knows no NaN."""
    import numpy as np

    cells = np.asarray(table, dtype=np.float64).tolist()
    return [[None if math.isnan(cell) else cell for cell in row] for row in cells]

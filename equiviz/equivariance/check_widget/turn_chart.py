"""The picture of a turn: the error of each stage at one angle, the largest of them at all angles, and the structure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from equiviz.equivariance.check_widget.block_words import size
from equiviz.equivariance.check_widget.drawn_points import DrawnPoints
from equiviz.equivariance.check_widget.look import GREY, blank_figure, live, margins, space, stage_axis, trace_of
from equiviz.equivariance.check_widget.turn_errors import ANGLES
from equiviz.equivariance.round_off import base_tolerance
from equiviz.view.colours import SERIES
from equiviz.view.escape import escape

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.basedatatypes import BaseFigure, BaseTraceType
    from plotly.graph_objects import FigureWidget
    from torch import Tensor

    from equiviz.equivariance.check_report import CheckReport
    from equiviz.equivariance.check_widget.points import Points
    from equiviz.equivariance.check_widget.turn_errors import TurnErrors

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")
HIGHEST = 2.0
"""The largest relative error there is, ||a - b|| against the rms of ||a|| and ||b||; not finite: drawn there."""
_TOLERANCE, _LARGEST, _NOW, _AXIS = "tolerance", "largest", "now", "axis"


class TurnChart:
    """Two charts on the left, the structure on the right.

    Attributes:
        report: the result of a check.
        figure: all of it, one figure.
        structure: what turns along; None where the input has no positions.
    """

    def __init__(self, report: CheckReport, points: Points | None) -> None:
        self.report = report
        self.lowest = base_tolerance(report.dtype) / 1e3
        self.figure: BaseFigure = blank_figure(max(480, 260 + 26 * len(report.stages)))
        self.structure = None if points is None else DrawnPoints(self.figure, points, "points")
        self._lay_out(1.0 if points is None else 0.55)
        if self.structure is not None:
            self._add_structure(self.structure)

    def make_live(self) -> FigureWidget:
        """The figure, in a form whose changes show in the notebook."""
        made = live(self.figure)
        self.figure = made
        if self.structure is not None:
            self.structure = replace(self.structure, figure=made)
        return made

    def _add_structure(self, structure: DrawnPoints) -> None:
        import plotly.graph_objects as graphs

        structure.add()
        structure.colour_by_species()
        self._add_directions(structure.points)
        line = {"color": SERIES[1], "width": 6}
        self.figure.add_trace(graphs.Scatter3d(name=_AXIS, mode="lines", line=line, hoverinfo="skip", showlegend=False))
        self.figure.update_layout(scene=space(0.57, 1.0, structure.points.limits))

    def take(self, found: TurnErrors) -> None:
        """Draw the errors about another axis."""
        with self.figure.batch_update():
            self._trace(_LARGEST).update(y=self._shown(found.largest), text=_told(found.largest))
            self.figure.update_layout(xaxis2={"title": {"text": f"angle (°) about {_direction(found.axis)}"}})
            if self.structure is not None:
                self._trace(_AXIS).update(_axis_line(found.axis, self.structure.points))

    def show(self, found: TurnErrors, angle: int, matrix: NDArray[np.float64]) -> None:
        """Draw one angle, and the input turned by it, ``[3, 3]``."""
        errors = found.at(angle)
        with self.figure.batch_update():
            for irrep in self._irreps:
                own = [errors.get((stage, irrep), math.nan) for stage in self.report.stages]
                self._trace(_irrep(irrep)).update(x=self._shown(own), text=_told(own))
            here = found.largest[ANGLES.index(angle)]
            self._trace(_NOW).update(x=[angle, angle], y=[self.lowest, float(self._shown([float(here)])[0])])
            if self.structure is not None:
                self.structure.turn(matrix)

    @property
    def _irreps(self) -> list[str]:
        return list(dict.fromkeys(f.irrep for f in self.report.findings))

    def _trace(self, name: str) -> BaseTraceType:
        return trace_of(self.figure, name)

    def _shown(self, errors: list[float] | Tensor) -> NDArray[np.float64]:
        """Inside the axis: zero at its lower end, what is not finite at its upper."""
        return np.clip(np.asarray(errors, dtype=np.float64), self.lowest, HIGHEST)

    def _lay_out(self, right: float) -> None:
        logs = [math.log10(self.lowest) - 0.2, math.log10(HIGHEST) + 0.2]
        log = {"type": "log", "range": logs, "exponentformat": "power", "dtick": 3 if logs[1] - logs[0] > 8 else 1}
        stages = [escape(stage) for stage in self.report.stages]
        self.figure.update_layout(
            xaxis={**log, "domain": [0, right], "anchor": "y", "title": {"text": "relative error at this angle"}},
            yaxis={"domain": [0.46, 0.94], "categoryarray": stages, **stage_axis(self.report.stages)},
            xaxis2={"domain": [0, right], "anchor": "y2", "range": [-185, 185], "tickvals": list(range(-180, 181, 45))},
            yaxis2={**log, "domain": [0, 0.26], "anchor": "x2", "title": {"text": "largest error"}},
            margin=margins(self.report.stages, right=8),
            showlegend=True,
            legend={"x": 0, "y": 1.0, "xanchor": "left", "yanchor": "top", "orientation": "h"},
        )
        self._add_stage_traces(stages)
        self._add_angle_traces()

    def _add_stage_traces(self, stages: list[str]) -> None:
        import plotly.graph_objects as graphs

        hover = "%{y}, %{fullData.name}: %{text}<extra></extra>"
        for place, irrep in enumerate(self._irreps):
            colour = SERIES[place % len(SERIES)]
            marker = {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 10, "color": colour}
            line = {"width": 1.2, "color": colour}
            look = {"mode": "lines+markers", "marker": marker, "line": line, "hovertemplate": hover}
            self.figure.add_trace(graphs.Scatter(y=stages, name=_irrep(irrep), **look))
        bound = {"mode": "lines", "line": {"dash": "dash", "color": GREY, "width": 2}, "hoverinfo": "skip"}
        self.figure.add_trace(graphs.Scatter(x=self._tolerances(), y=stages, name=_TOLERANCE, **bound))

    def _tolerances(self) -> list[float]:
        """The largest tolerance of any irrep, by stage."""
        told = [f for f in self.report.findings if f.group == "rotation"]
        least = base_tolerance(self.report.dtype)
        return [max([least, *(f.tolerance for f in told if f.stage == stage)]) for stage in self.report.stages]

    def _add_angle_traces(self) -> None:
        import plotly.graph_objects as graphs

        where = {"xaxis": "x2", "yaxis": "y2", "showlegend": False}
        hover = "%{x}°: %{text}<extra></extra>"
        curve = {"mode": "lines+markers", "line": {"color": GREY, "width": 2}, "marker": {"size": 4}}
        self.figure.add_trace(graphs.Scatter(x=ANGLES, name=_LARGEST, hovertemplate=hover, **curve, **where))
        now = {"mode": "lines+markers", "line": {"color": SERIES[1], "width": 2}, "marker": {"size": [0, 10]}}
        self.figure.add_trace(graphs.Scatter(name=_NOW, hoverinfo="skip", **now, **where))

    def _add_directions(self, points: Points) -> None:
        """x, y and z in the corner of the scene: they stay when the structure turns."""
        import plotly.graph_objects as graphs

        middle = points.places.mean(axis=0)
        length = 0.35 * points.reach
        corner = middle + points.reach * np.array([0.5, 0.5, -0.8])  # below, between the points and the camera
        ends = [corner + length * direction for direction in np.eye(3)]
        pen = np.concatenate([np.stack([corner, end, np.full(3, np.nan)]) for end in ends])
        texts = [text for name in "xyz" for text in ("", name, "")]
        font = {"color": GREY, "size": 15}
        x, y, z = pen.T
        line = {"color": GREY, "width": 3}
        look = {"mode": "lines+text", "text": texts, "textfont": font, "line": line, "hoverinfo": "skip"}
        self.figure.add_trace(graphs.Scatter3d(x=x, y=y, z=z, showlegend=False, name="directions", **look))


def _axis_line(axis: Tensor, points: Points) -> dict[str, NDArray[np.float64]]:
    """The axis through the middle of each structure, with gaps between them."""
    along = 1.05 * points.reach * (axis / axis.norm()).numpy()
    gap = np.full(3, np.nan)
    lines = [np.stack([place - along, place + along, gap]) for place in np.unique(points.places, axis=0)]
    x, y, z = np.concatenate(lines).T
    return {"x": x, "y": y, "z": z}


def _irrep(name: str) -> str:
    """The name of a trace, which the legend shows."""
    return escape(name)


def _told(errors: list[float] | Tensor) -> list[str]:
    return ["" if math.isnan(error) else size(error) for error in np.asarray(errors, dtype=np.float64).tolist()]


def _direction(axis: Tensor) -> str:
    return f"({', '.join(f'{part:.2g}' for part in axis.tolist())})"

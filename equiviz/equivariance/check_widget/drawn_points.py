"""Points as traces of a live figure, which can be recoloured and turned without being made anew.

Capitals: N points, V vertices of one sphere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.equivariance.check_widget.look import trace_of
from equiviz.equivariance.check_widget.points import Points
from equiviz.view.colours import GUIDE
from equiviz.view.drawing import LIGHT_FROM, LIT, MOST_SPHERES, MOST_TEXTS
from equiviz.view.escape import escape
from equiviz.view.geometry import spheres
from equiviz.view.palette import label_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.basedatatypes import BaseFigure, BaseTraceType

_STRAIGHT = np.eye(3)


@dataclass(frozen=True, eq=False)
class DrawnPoints:
    """Spheres, or markers where there are too many, and the edges of cells, in one scene of a figure.

    Attributes:
        figure: what they are drawn on.
        points: what is drawn.
        name: of the trace of points; that of the cell's is the same with "cell" behind it.
        axis: the colour axis of the figure on which points are coloured.
    """

    figure: BaseFigure
    points: Points
    name: str
    axis: str = "coloraxis"

    def add(self) -> None:
        """Draw the points, all of one colour yet."""
        import plotly.graph_objects as graphs

        x, y, z = self.points.turned_edges(_STRAIGHT).T
        line = {"color": GUIDE, "width": 2.5}
        cell = graphs.Scatter3d(x=x, y=y, z=z, mode="lines", line=line, hoverinfo="skip", name=f"{self.name} cell")
        self.figure.add_traces([self._markers() if self._many else self._spheres(), cell])

    @property
    def trace(self) -> BaseTraceType:
        """The trace of points."""
        return trace_of(self.figure, self.name)

    def colour(self, values: NDArray[np.float64], texts: list[str] | None = None) -> None:
        """Colour each point by a number ``[N]`` on the colour axis, and say something else of each on hover."""
        told = [self._label(k) + (f"<br>{escape(texts[k])}" if texts else "") for k in range(len(self.points))]
        if self._many:
            self.trace.update(marker={"color": values.astype(np.float32)}, text=told)
            return
        owner = np.repeat(np.arange(len(self.points)), self._vertices_each)
        text = [told[k] for k in owner] if len(self.points) <= MOST_TEXTS else None
        self.trace.update(intensity=values.astype(np.float32)[owner], text=text)

    def colour_by_species(self) -> None:
        """One colour for each species; takes the colour axis for it."""
        known, colours = sorted(set(self.points.labels)), label_colours(self.points.labels)
        number = {label: k for k, label in enumerate(known)}
        self.colour(np.array([number[label] for label in self.points.labels], dtype=np.float64))
        scale = [(end, colours[label]) for k, label in enumerate(known) for end in _ends(k, len(known))]
        look = {"colorscale": scale, "cmin": -0.5, "cmax": len(known) - 0.5, "showscale": False}
        self.figure.update_layout({self.axis: look})

    def turn(self, matrix: NDArray[np.float64]) -> None:
        """Draw the points in another orientation."""
        where = self.points.turned(matrix)
        if not self._many:
            where = spheres(where, self.points.radii, self._refinements).vertices
        self.trace.update(_coordinates(where))
        if len(self.points.edges):
            trace_of(self.figure, f"{self.name} cell").update(_coordinates(self.points.turned_edges(matrix)))

    @property
    def _many(self) -> bool:
        return len(self.points) > MOST_SPHERES

    @property
    def _refinements(self) -> int:
        return 2 if len(self.points) <= 150 else 1

    @property
    def _vertices_each(self) -> int:
        return 10 * 4**self._refinements + 2

    def _label(self, k: int) -> str:
        return f"{escape(self.points.labels[k])}, number {k}".lstrip(", ")

    def _spheres(self) -> BaseTraceType:
        import plotly.graph_objects as graphs

        mesh = spheres(self.points.turned(_STRAIGHT), self.points.radii, self._refinements)
        i, j, k = mesh.faces.T
        light = {"lighting": LIT, "lightposition": LIGHT_FROM}
        hover = "%{text}<extra></extra>" if len(self.points) <= MOST_TEXTS else "%{intensity:.3g}<extra></extra>"
        where, look = _coordinates(mesh.vertices), {"hovertemplate": hover, "coloraxis": self.axis}
        return graphs.Mesh3d(**where, i=i, j=j, k=k, **light, **look, name=self.name)

    def _markers(self) -> BaseTraceType:
        import plotly.graph_objects as graphs

        size = np.clip(self.points.radii / self.points.reach * 300, 3, 40).astype(np.float32)
        look = {"size": size, "line": {"width": 0}, "opacity": 1, "coloraxis": self.axis}
        where = _coordinates(self.points.turned(_STRAIGHT))
        return graphs.Scatter3d(
            **where, mode="markers", marker=look, hovertemplate="%{text}<extra></extra>", name=self.name
        )


def _coordinates(points: NDArray[np.float64] | NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    x, y, z = points.astype(np.float32).T
    return {"x": x, "y": y, "z": z}


def _ends(place: int, count: int) -> tuple[float, float]:
    """Where one of `count` steps of a colour scale begins and ends."""
    return place / count, (place + 1) / count

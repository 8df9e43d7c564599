"""plotly's plain figure: quicker to appear than its widget, but what is shown cannot change.

(JupyterLab's plotly keeps the graph that is there, whatever `update_display` sends.)
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import plotly.io
from IPython.display import display

from benchmarks.view.cases import Case, coefficients, places, values
from benchmarks.view.surfaces import surfaces

plotly.io.renderers.default = "plotly_mimetype"  # JupyterLab has plotly's script already: nothing is sent twice


class Atoms:
    """Markers coloured by values."""

    script_bytes = 0

    def __init__(self, case: Case) -> None:
        self.count, self.places = case.count, places(case.count)
        self.numbers = [self.made(turn) for turn in range(3)]

    def made(self, turn: int) -> np.ndarray:
        """The numbers of a turn."""
        return values(self.count, turn)

    def figure(self) -> go.Figure:
        """The first figure."""
        x, y, z = self.places.T.astype(np.float32)
        look = {"size": 6, "color": self.numbers[0].astype(np.float32), "colorscale": "Viridis"}
        return self.framed(go.Scatter3d(x=x, y=y, z=z, mode="markers", marker=look))

    def framed(self, trace: object) -> go.Figure:
        """A trace in a box of true proportions, as high as the others' pictures."""
        return go.Figure([trace], {"height": 480, "scene": {"aspectmode": "data"}, "margin": dict.fromkeys("lrtb", 0)})

    def changes(self, turn: int) -> dict[str, object]:
        """What an update alters in the trace."""
        return {"marker_color": self.numbers[turn].astype(np.float32)}

    def draw(self) -> None:
        """Display the figure."""
        display(self.figure())

    def update(self, turn: int) -> None:
        """Raises: there is no way."""
        raise NotImplementedError("a plotly figure that is shown cannot change")


class Glyphs(Atoms):
    """One mesh of all surfaces."""

    def made(self, turn: int) -> np.ndarray:
        """The coefficients of a turn."""
        return coefficients(self.count, turn)

    def figure(self) -> go.Figure:
        """The first figure."""
        i, j, k = surfaces(self.places, self.numbers[0]).joined().T.astype(np.int32)
        return self.framed(go.Mesh3d(i=i, j=j, k=k, colorscale="RdBu", **self.changes(0)))

    def changes(self, turn: int) -> dict[str, object]:
        """Other points and heights; the triangles stay."""
        drawn = surfaces(self.places, self.numbers[turn])
        x, y, z = drawn.points.reshape(-1, 3).T.astype(np.float32)
        return {"x": x, "y": y, "z": z, "intensity": drawn.heights.ravel().astype(np.float32)}

"""nglview 4.0: buffers of shapes. It is found in the folder that EQUIVIZ_NGLVIEW names (benchmarks/view/parts.py)."""

from __future__ import annotations

import os
import sys

import numpy as np
from IPython.display import display

from benchmarks.view.cases import RADIUS, Case, coefficients, places, values
from benchmarks.view.surfaces import surfaces

sys.path.append(os.environ["EQUIVIZ_NGLVIEW"])
import nglview


class Atoms:
    """A buffer of spheres."""

    script_bytes = 0

    def __init__(self, case: Case) -> None:
        self.count, self.places = case.count, places(case.count)

    def draw(self) -> None:
        """Display the widget and fill it."""
        self.view = nglview.NGLWidget()
        self.view.layout.height = "480px"
        display(self.view)
        self.add(0)
        self.view._remote_call("autoView", target="Stage", args=[0])

    def add(self, turn: int) -> None:
        """All spheres, in colours from blue to red."""
        shares = values(self.count, turn)
        colours = np.stack([shares, 0.2 + 0 * shares, 1 - shares], axis=1)
        self.view.shape.add_buffer(
            "sphere",
            position=self.places.round(3).ravel().tolist(),
            color=colours.round(3).ravel().tolist(),
            radius=[RADIUS] * self.count,
        )

    def update(self, turn: int) -> None:
        """Another buffer instead of the old one."""
        self.view._remote_call("removeAllComponents", target="Stage")
        self.add(turn)


class Glyphs(Atoms):
    """A mesh of all surfaces."""

    def add(self, turn: int) -> None:
        """The whole mesh; without normals NGL draws no light on it, so they are sent."""
        drawn = surfaces(self.places, coefficients(self.count, turn))
        points = drawn.points - self.places[:, None]
        normals = points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)
        parts = (drawn.points.round(3), drawn.colours().round(3), drawn.joined(), normals.round(2))
        self.view.shape.add_mesh(*(part.ravel().tolist() for part in parts))

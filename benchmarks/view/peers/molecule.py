"""py3Dmol, made to work offline: the npm package's script is shown once per page, and py3Dmol is told that it is there.

The script's file is named by the environment variable EQUIVIZ_3DMOL (benchmarks/view/parts.py fetches it).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import py3Dmol
from IPython.display import HTML, display

from benchmarks.view.cases import RADIUS, Case, coefficients, places, values
from benchmarks.view.surfaces import surfaces


class Atoms:
    """Spheres coloured by a property."""

    def __init__(self, case: Case) -> None:
        self.count, self.places = case.count, places(case.count)
        self.script = (
            f"<script>{Path(os.environ['EQUIVIZ_3DMOL']).read_text()}\n$3Dmolpromise = Promise.resolve();</script>"
        )
        self.script_bytes = len(self.script.encode())

    def draw(self) -> None:
        """Display the script, then the view."""
        display(HTML(self.script))
        self.view = py3Dmol.view(width="100%", height=480)
        self.fill()
        self.view.zoomTo()
        self.view.show()

    def fill(self) -> None:
        """Everything that is drawn."""
        lines = [f"C {x:.3f} {y:.3f} {z:.3f}" for x, y, z in self.places]
        self.view.addModel("\n".join([str(self.count), "", *lines]), "xyz", {"assignBonds": False})
        self.colour(0)

    def colour(self, turn: int) -> None:
        """Values by a line of JavaScript (py3Dmol itself has no call for it), then the style that reads them."""
        listed = json.dumps(np.round(values(self.count, turn), 4).tolist())
        line = "\tviewer_UNIQUEID.getModel().selectedAtoms({}).forEach((a, k) => { a.properties.f = v[k]; });\n"
        self.view.startjs += f"\tvar v = {listed};\n{line}"
        self.view.updatejs += f"\tvar v = {listed};\n{line}"
        scheme = {"prop": "f", "gradient": "roygb", "min": 0, "max": 1}
        self.view.setStyle({}, {"sphere": {"radius": RADIUS, "colorscheme": scheme}})

    def update(self, turn: int) -> None:
        """Other values and colours."""
        self.colour(turn)
        self.view.update()


class Glyphs(Atoms):
    """A custom shape for each surface."""

    def fill(self) -> None:
        """All shapes."""
        self.add(0)

    def add(self, turn: int) -> None:
        """The shapes of a turn; 3Dmol computes their normals itself."""
        drawn = surfaces(self.places, coefficients(self.count, turn))
        faces = drawn.triangles.ravel().tolist()
        for points, colours in zip(drawn.points.round(3).tolist(), drawn.colours().round(2).tolist(), strict=True):
            shape = {"vertexArr": [dict(zip("xyz", p, strict=True)) for p in points], "faceArr": faces}
            self.view.addCustom({**shape, "colorArr": [dict(zip("rgb", c, strict=True)) for c in colours]})

    def update(self, turn: int) -> None:
        """Other shapes instead of the old ones."""
        self.view.removeAllShapes()
        self.add(turn)
        self.view.update()

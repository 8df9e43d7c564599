"""equiviz: the live widget of a scene."""

from __future__ import annotations

import numpy as np
from IPython.display import display

from benchmarks.view.cases import RADIUS, Case, coefficients, places, values
from benchmarks.view.surfaces import REACH
from equiviz.view import Atoms as AtomsLayer
from equiviz.view import (
    ColourScale,
    Scene,
    live_widget,  # noqa: F401  (imported late otherwise)
)
from equiviz.view import Glyphs as GlyphsLayer
from equiviz.view.document import static


class Atoms:
    """Spheres coloured by values."""

    changing = "values"

    def __init__(self, case: Case) -> None:
        self.count = case.count
        self.places = places(case.count)
        self.numbers = [self.made(turn) for turn in range(3)]
        self.script_bytes = len(static("view.js").encode())

    def made(self, turn: int) -> np.ndarray:
        """The numbers of a turn."""
        return values(self.count, turn)

    def layer(self) -> AtomsLayer | GlyphsLayer:
        """The only layer."""
        return AtomsLayer(self.places, np.full(self.count, RADIUS), self.numbers[0], ColourScale("value"))

    def draw(self) -> None:
        """Build the scene and display its widget."""
        self.view = Scene([self.layer()], "A benchmark").widget(480)
        display(self.view)

    def update(self, turn: int) -> None:
        """Send other numbers."""
        self.view.change(0, **{self.changing: self.numbers[turn]})


class Glyphs(Atoms):
    """Surfaces from coefficients."""

    changing = "coefficients"

    def made(self, turn: int) -> np.ndarray:
        """The coefficients of a turn."""
        return coefficients(self.count, turn)

    def layer(self) -> AtomsLayer | GlyphsLayer:
        """The only layer."""
        return GlyphsLayer(self.places, self.numbers[0], REACH)

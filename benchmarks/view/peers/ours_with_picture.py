"""equiviz as a cell's last line shows it: the live view, and beside it a PNG for GitHub, nbviewer and PDF."""

from __future__ import annotations

from typing import Any

from IPython.display import display
from ipywidgets import Widget

from benchmarks.view.peers import ours
from equiviz.view import Scene


def _displayed(layer: Any) -> Any:
    display(Scene([layer], "A benchmark"))
    return next(widget for widget in Widget.widgets.values() if type(widget).__name__ == "SceneView")


class Atoms(ours.Atoms):
    """Spheres coloured by values."""

    def draw(self) -> None:
        """Display the scene itself."""
        self.view = _displayed(self.layer())


class Glyphs(ours.Glyphs):
    """Surfaces from coefficients."""

    def draw(self) -> None:
        """Display the scene itself."""
        self.view = _displayed(self.layer())

"""equiviz with the rotation hand: dragging turns the scene (`turn`) instead of the camera."""

from __future__ import annotations

from benchmarks.view.peers import ours


class Atoms(ours.Atoms):
    """Spheres coloured by values."""

    def draw(self) -> None:
        """Display, then take the hand."""
        super().draw()
        self.view.hand = True


class Glyphs(ours.Glyphs):
    """Surfaces from coefficients."""

    def draw(self) -> None:
        """Display, then take the hand."""
        super().draw()
        self.view.hand = True

"""A number for each atom: colours in the picture, and bars of the strongest that select their atom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from equiviz.apps.explorer.clickable_bars import ClickableBars, strongest
from equiviz.apps.explorer.explanations import score_scene
from equiviz.apps.explorer.look import row
from equiviz.equivariance.check_widget.look import line, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.apps.explorer.pane import Pane
    from equiviz.view.scene import Scene

SHOW, RESET = "colour the atoms", "reset colours"
MOST = 8
"""Bars."""


class ScoredAtoms:
    """The numbers of one structure.

    Attributes:
        pane: in whose view atoms are coloured.
        values: ``[N]``; none where there are no numbers.
        head: what the bars are.
        bars: the strongest.
        paint: a button that colours the atoms, or draws the features again.
        box: all of it; hidden where there are no numbers.
    """

    def __init__(self, pane: Pane, show: str = SHOW, reset: str = RESET) -> None:
        from ipywidgets import Button, VBox

        self.pane, self._says = pane, (show, reset)
        self._scene: Scene | None = None
        self.values: NDArray[np.float64] = np.zeros(0)
        self._name = self._words = ""
        self.head = line()
        self.bars = ClickableBars(self._select, MOST)
        self.paint = Button(tooltip="scores on the atoms, or the features that are chosen above")
        self.paint.on_click(pane.view.guarded(lambda _: self.turn_over()))
        self.box = VBox([row(self.head, self.paint), self.bars.box], layout={"display": "none"})
        pane.followers.append(self._follow)
        self._follow()

    @property
    def painted(self) -> bool:
        """Whether the atoms have these colours now."""
        return self.pane.painter is self

    def fill(
        self, values: NDArray[np.float64], name: str, words: str, *, paint: bool = True, scene: Scene | None = None
    ) -> None:
        """Show other numbers.

        Args:
            values: one for each atom of the shown structure ``[N]``; others are not shown.
            name: of the quantity, on the colour bar.
            words: what the colours are, under the picture.
            paint: whether to draw them at once.
            scene: what is drawn; by default the atoms, coloured by the numbers.
        """
        labels = self.pane.recorded.structures[self.pane.choice.structure].labels
        if len(values) != len(labels):
            self.clear()
            return
        self.values, self._name, self._words, self._scene = values, name, words, scene
        shown = strongest(values.tolist(), labels, MOST)
        self.bars.fill(shown)
        say(self.head, f"The {len(shown)} strongest of {len(values):,} atoms", "equiviz-head")
        self.box.layout.display = None
        if paint or self.painted:
            self._draw()

    def clear(self) -> None:
        """Show no numbers; colours that were painted go."""
        self.values = np.zeros(0)
        self.bars.fill([])
        self.box.layout.display = "none"
        if self.painted:
            self.pane.reset()

    def turn_over(self) -> None:
        """Colour the atoms, or draw the features again."""
        if self.painted:
            self.pane.reset()
        elif len(self.values):
            self._draw()

    def _draw(self) -> None:
        structure = self.pane.recorded.structures[self.pane.choice.structure]
        scene = self._scene or score_scene(structure, self.values, self._name)
        self.pane.paint(self, scene, self._words)

    def _select(self, atom: int) -> None:
        self.pane.view.selected = [atom]

    def _follow(self) -> None:
        self.paint.description = self._says[self.painted]

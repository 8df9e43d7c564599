"""The charts beside the view: they follow what is chosen there, and what is selected on either side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.explorer.charts import MANY, Charts
from equiviz.apps.explorer.choices import fitted
from equiviz.apps.explorer.environments import Environments, environments, methods
from equiviz.apps.explorer.pane import Pane
from equiviz.apps.explorer.power import power_spectrum
from equiviz.equivariance.check_widget.look import line, say

if TYPE_CHECKING:
    from equiviz.apps.explorer.environments import Method

_HOW = "Click a point, or draw around some: the same atoms are marked in the picture, and the other way round."


class SidePanel:
    """The map of environments, linked with a view, over the power spectrum.

    Attributes:
        pane: whose view is followed.
        charts: the live figure.
        method: chooses the map; hidden where there is only one.
        words: what is selected, and what was left out.
        box: all of it.
    """

    def __init__(self, pane: Pane, height: int) -> None:
        from ipywidgets import ToggleButtons, VBox

        self.pane = pane
        nodes = sum(len(structure) for structure in pane.recorded.structures)
        self.charts = Charts(height, many=nodes > MANY)
        self.method = ToggleButtons(options=methods(), description="map", style={"description_width": "initial"})
        self.method.style.button_width = "5em"
        self.method.layout.display = None if len(methods()) > 1 else "none"
        self.words = line()
        self._maps: dict[tuple[int, str, str], Environments] = {}
        self._shown: tuple[object, ...] = ()
        self.charts.listen(self._from_map, self._elsewhere)
        pane.followers.append(self.follow)
        pane.view.observe(pane.view.guarded(lambda _: self._selected()), "selected")
        self.method.observe(pane.view.guarded(lambda _: self.follow()), "value")
        self.follow()
        self.box = VBox([line("Environments and power spectrum", "equiviz-head"), self.method])
        self.box.children = (*self.box.children, cast(Any, self.charts.figure), self.words)

    def follow(self) -> None:
        """Show the chosen stage and structure."""
        pane, choice = self.pane, self.pane.choice
        shown = (id(pane.recorded), choice.stage, choice.structure, self.method.value)
        if shown == self._shown:
            return
        self._shown = shown
        self.charts.map(self._map(), pane.recorded.structures, choice.structure)
        self._selected()

    def _map(self) -> Environments:
        """The map of the chosen stage; made once."""
        method = cast("Method", self.method.value)
        key = (id(self.pane.recorded), self.pane.choice.stage, method)
        if key not in self._maps:
            self._maps[key] = environments(self.pane.recorded.captures(), self.pane.choice.stage, method)
        return self._maps[key]

    def _selected(self) -> None:
        """Mark what is selected in the view, and show its spectrum."""
        field, rows = self.pane.field, [row for row in self.pane.view.selected]
        on_nodes = field.support == "node"
        rows = [row for row in rows if row < len(field)] if on_nodes else []
        self.charts.select(rows)
        self.charts.spectrum(power_spectrum(field), power_spectrum(field, rows) if rows else None)
        made = self.charts.environments
        note = made.note if made is not None else ""
        say(self.words, " ".join(filter(None, [note, self._selected_words(rows)])), "equiviz-quiet")

    def _selected_words(self, rows: list[int]) -> str:
        if not rows:
            return _HOW
        labels = self.pane.recorded.structures[self.pane.choice.structure].labels
        named = ", ".join(f"{labels[row]} {row}" for row in rows[:8])
        return f"{len(rows)} selected: {named}{' …' if len(rows) > 8 else ''}."

    def _from_map(self, rows: list[int]) -> None:
        def mark(_: object) -> None:
            self.pane.view.selected = rows

        self.pane.view.guarded(mark)(None)

    def _elsewhere(self, structure: int, row: int) -> None:
        """A node of another structure was clicked: go there."""
        from dataclasses import replace

        def go(_: object) -> None:
            capture = self.pane.recorded.capture(structure)
            self.pane.choose(fitted(replace(self.pane.choice, structure=structure), capture))
            self.pane.view.selected = [row]

        self.pane.view.guarded(go)(None)

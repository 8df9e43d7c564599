"""The charts beside the view: they follow what is chosen there, and what is selected on either side."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.explorer.charts import MANY, Charts
from equiviz.apps.explorer.choices import fitted, rows_of
from equiviz.apps.explorer.environments import Environments, environments, methods
from equiviz.apps.explorer.look import row
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.explorer.pane import Pane
from equiviz.apps.explorer.power import power_spectrum
from equiviz.equivariance.check_widget.look import line, say

if TYPE_CHECKING:
    from equiviz.apps.explorer.environments import Method

_HOW = "Click a point, or draw around some: the same {}s are marked in the picture, and the other way round."
_OF_SYSTEMS = "Each point of the map is a whole system; click another one to go there."
SYSTEM = "system"


class SidePanel:
    """The map of environments, linked with a view, over the power spectrum.

    Attributes:
        pane: whose view is followed.
        charts: the live figure.
        atoms: the selection as numbers, for the keyboard.
        progress: of the recording.
        method: chooses the map; hidden where there is only one.
        words: what is selected, and what was left out.
        box: all of it.
    """

    def __init__(self, pane: Pane, height: int) -> None:
        from ipywidgets import IntProgress, Text, ToggleButtons, VBox

        self.pane = pane
        nodes = sum(len(structure) for structure in pane.recorded.structures)
        self.charts = Charts(height, many=nodes > MANY)
        self.method = ToggleButtons(options=methods(), description="map", style={"description_width": "initial"})
        self.method.style.button_width = "5em"
        self.method.layout.display = None if len(methods()) > 1 else "none"
        self.words = line()
        self._maps: dict[tuple[int, str, str, int], Environments] = {}
        self._shown: tuple[object, ...] = ()
        self.progress = IntProgress(max=len(pane.recorded), description="recording", layout={"display": "none"})
        many = f"{pane.recorded.noun}s"
        self.atoms = Text(description=many, placeholder="3, 17-20", continuous_update=False)
        self.atoms.tooltip = f"numbers of the selected {many}"
        self.atoms.style.description_width, self.atoms.layout.width = "initial", "16em"
        self.charts.listen(self._from_map, self._elsewhere)
        pane.followers.append(self.follow)
        pane.view.observe(pane.view.guarded(lambda _: self._selected()), "selected")
        self.method.observe(pane.view.guarded(lambda _: self.follow()), "value")
        self.atoms.observe(pane.view.guarded(self._typed), "value")
        self._filling = Latest(pane.view.guarded(self._fill))
        self.follow()
        head = row(line("Environments and power spectrum", "equiviz-head"), self.atoms, self.method, self.progress)
        self.box = VBox([head, cast(Any, self.charts.figure), self.words])

    def follow(self) -> None:
        """Show the chosen stage and structure; record the structures that are still missing, one after the other."""
        pane, choice = self.pane, self.pane.choice
        shown = (id(pane.recorded), choice.stage, choice.structure, self.method.value, len(pane.recorded.captures))
        if shown == self._shown:
            return
        self._shown = shown
        noun = SYSTEM if pane.recorded.moving else pane.recorded.noun
        labels = [SYSTEM] if pane.recorded.moving else pane.drawn_on.structure.labels
        self.charts.map(self._map(), labels, choice.structure, noun)
        self._selected()
        if pane.recorded.missing() is not None:
            self._filling(None)

    def _fill(self, _: object) -> None:
        """Record one more structure; the page and other messages have their turn before the next."""
        recorded = self.pane.recorded
        number = recorded.missing()
        if number is not None:
            self.progress.max, self.progress.value = len(recorded), number
            self.progress.layout.display = None
            with suppress(Exception):  # recorded.failures has it, and the words below the charts tell
                recorded.capture(number)
        if recorded.missing() is None:
            self.progress.layout.display = "none"
            self.follow()
        else:
            self._filling(None)

    def _map(self) -> Environments:
        """The map of the chosen stage, of the structures that are recorded; made once."""
        recorded, method = self.pane.recorded, cast("Method", self.method.value)
        key = (id(recorded), self.pane.choice.stage, method, len(recorded.captures))
        if key not in self._maps:
            rows = {number: recorded.rows(number) for number in recorded.captures}
            self._maps[key] = environments(rows, self.pane.choice.stage, method)
        return self._maps[key]

    def _typed(self, change: dict[str, Any]) -> None:
        count, noun = len(self.pane.drawn_on), self.pane.recorded.noun
        self.pane.view.selected = rows_of(str(change["new"]), count, noun)

    def _selected(self) -> None:
        """Mark what is selected in the view, and show its spectrum."""
        pane = self.pane
        field = pane.recorded.rows(pane.choice.structure)[pane.choice.stage]
        on_nodes = field.support == "node" and not pane.recorded.moving
        rows = [k for k in pane.view.selected if k < len(field)] if on_nodes else []
        self.charts.select(rows)
        self.charts.spectrum(power_spectrum(field), power_spectrum(field, rows) if rows else None)
        self.charts.keep()
        made = self.charts.environments
        note = made.note if made is not None else ""
        say(
            self.words,
            " ".join(filter(None, [note, self._failed_words(), self._selected_words(rows)])),
            "equiviz-quiet",
        )

    def _failed_words(self) -> str:
        """Of structures on which the model raised."""
        failures = self.pane.recorded.failures
        if not failures:
            return ""
        first = min(failures)
        others = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
        return f"Not recorded: {self.pane.recorded.title(first)}{others} ({failures[first]})."

    def _selected_words(self, rows: list[int]) -> str:
        if self.pane.recorded.moving:
            return _OF_SYSTEMS
        if not rows:
            return _HOW.format(self.pane.recorded.noun)
        labels = self.pane.drawn_on.structure.labels
        named = ", ".join(f"{labels[k]} {k}" for k in rows[:8])
        return f"{len(rows)} selected: {named}{' …' if len(rows) > 8 else ''}."

    def _from_map(self, rows: list[int]) -> None:
        def mark(_: object) -> None:
            self.pane.view.selected = [] if self.pane.recorded.moving else rows

        self.pane.view.guarded(mark)(None)

    def _elsewhere(self, structure: int, atom: int) -> None:
        """A node of another structure was clicked: go there."""
        from dataclasses import replace

        def go(_: object) -> None:
            seen = self.pane.recorded.seen(structure)
            self.pane.choose(fitted(replace(self.pane.choice, structure=structure), seen))
            self.pane.view.selected = [] if self.pane.recorded.moving else [atom]

        self.pane.view.guarded(go)(None)

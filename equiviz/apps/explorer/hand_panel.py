"""The rotation hand: turn the input, and see what the model makes of it beside what it should make of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from equiviz.apps.explorer.choices import Choice, numbers, offered_blocks
from equiviz.apps.explorer.element_controls import ElementControls
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.explorer.pane import Pane
from equiviz.apps.explorer.rotation_hand import RotationHand, Turned, error_words
from equiviz.apps.explorer.turned_views import AtomViews, PointViews, TurnedViews, orientation
from equiviz.equivariance.check_widget.look import line, say
from equiviz.explain.outputs import is_output
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, GroupElement

if TYPE_CHECKING:
    from equiviz.view.live_widget import SceneView

HEADS = ("The input g x", "The model's f(g x)", "D(g) f(x)")
ON_GRID = ", as it lies on the model's grid"
DRAG, MOVED = "drag it, or focus it and use the arrow keys", "it goes where the slider below takes it"
RUN, ONCE = "run on the turned input", "run once, on the input as it came; then turned"
SLOW = 0.3
"""Seconds of a run that readers should be told of."""
ROUNDING = 1e-9
"""Of the largest number of a block: less is told as 0."""
FEW = 16
"""Numbers of an output that are told beside each other."""


class HandPanel:
    """Three views and the error under them.

    Attributes:
        pane: whose choice is drawn.
        hands: of the chosen model and structure.
        controls: buttons, lists and sliders of group elements.
        verdict, worst: lines on the chosen block, and on all of them.
        values: numbers of a field that is not drawn, of the selected point, and of outputs.
        turned: the last run.
        box: all of it.
    """

    def __init__(self, pane: Pane, height: int) -> None:
        from ipywidgets import HBox, VBox

        self.pane = pane
        self.hands: dict[tuple[int, int], RotationHand] = {}
        self.turned: Turned | None = None
        self._shown: tuple[object, ...] = ()
        self.three: TurnedViews = (PointViews if pane.recorded.on_points else AtomViews)(pane, height)
        self.verdict, self.worst, self.values = line(), line(), line()
        elements = self.runs.elements
        self._g = elements.identity()
        self._latest = Latest[GroupElement](self.hand.guarded(self._run))
        self.controls = ElementControls(elements, self.turn_to, self.hand.guarded)
        self.hand.observe(lambda change: self._latest(_element(change["new"])), "turn")
        if pane.recorded.on_points:
            self.views[1].observe(self.hand.guarded(lambda change: self._selected(change["new"])), "selected")
        run = f"{RUN}{ON_GRID if pane.recorded.on_points and elements.dragged else ''}"
        told = (DRAG if elements.dragged else MOVED, run, ONCE)
        columns = [self._column(*parts) for parts in zip(HEADS, told, self.views, strict=True)]
        columns_box = HBox(columns)
        columns_box.add_class("equiviz-views")
        self.box = VBox([columns_box, self.controls.box, self.verdict, self.worst, self.values])
        pane.followers.append(self.follow)

    @property
    def views(self) -> list[SceneView]:
        """The input with the hand; what the model gives for it; the turned features of the input as it came."""
        return self.three.views

    @property
    def hand(self) -> SceneView:
        """The view that is turned."""
        return self.views[0]

    @property
    def runs(self) -> RotationHand:
        """Of the chosen model and structure."""
        key = (id(self.pane.recorded), self.pane.choice.structure)
        if key not in self.hands:
            self.hands = {key: RotationHand(self.pane.recorded, self.pane.choice.structure)}
        return self.hands[key]

    def open(self) -> None:
        """Draw what is chosen, and run the model for the turn that there is."""
        self._shown = ()
        self.follow(shown=True)

    def follow(self, shown: bool | None = None) -> None:
        """Another choice: all three views follow; not while the panel is hidden."""
        if (self.box.layout.display == "none") if shown is None else not shown:
            return
        place = (id(self.pane.recorded), self.pane.choice.structure)
        self.three.redraw(not self._shown or self._shown == place)
        self._shown = place
        self._run(self._g)

    def turn_to(self, g: GroupElement) -> None:
        """Turn the input by an element."""
        if isinstance(g, O3) and orientation(g) != list(self.hand.turn):
            self.hand.turn = orientation(g)
        else:
            self._latest(g)

    def _column(self, head: str, words: str, view: SceneView) -> Any:
        from ipywidgets import VBox

        layout = {"flex": "1 1 260px", "min_width": "220px"}
        return VBox([line(head, "equiviz-head"), line(words, "equiviz-quiet"), cast(Any, view)], layout=layout)

    def _run(self, g: GroupElement) -> None:
        """Run the model on the turned input, and tell how far it is from the turned features."""
        choice = self.pane.choice
        if self.turned is None or self.turned.seconds > SLOW:
            say(self.worst, "Running the model on the turned input …", "equiviz-quiet")
        self._g = g
        self.turned = self.runs.at(g)
        self.three.show(self.turned)
        self.controls.show(g)
        mark, lines = error_words(self.runs, self.turned, choice.stage, choice.block)
        say(self.verdict, f"{mark} {lines[0]}", "equiviz-verdict")
        slow = f" One run takes {self.turned.seconds:.1f} s." if self.turned.seconds > SLOW else ""
        say(self.worst, "\n".join(lines[1:]) + slow, "equiviz-quiet")
        self._say_numbers()

    def _selected(self, rows: Sequence[int]) -> None:
        """A point was chosen here: the view of the menus has the same."""
        if self.pane.field.support == "node":
            self.pane.view.selected = [row for row in rows if row < len(self.pane.field)]
        self._say_numbers()

    def _say_numbers(self) -> None:
        say(self.values, "\n".join(filter(None, [*self._of_points(), *self._of_wholes()])), "equiviz-quiet")

    def _of_points(self) -> list[str]:
        """Of the first selected point: what the model gives there, and what it should give."""
        choice, rows = self.pane.choice, list(self.views[1].selected)
        pictured = (
            self.turned.pictured(choice.stage) if self.turned is not None and self.pane.recorded.on_points else None
        )
        if pictured is None or not rows or rows[0] >= len(pictured[0].positions):
            return []
        fields = [Field(on.values, on.representation) for on in pictured]
        if choice.block not in offered_blocks(fields[0]) or choice.block not in fields[0].representation.labels():
            return []
        smallest = ROUNDING * float(fields[1][choice.block].abs().max())
        copies = [numbers(field, choice.block, choice.channel)[rows[0]] for field in fields]
        told = [_vector([x if abs(x) > smallest else 0.0 for x in copy], 4) for copy in copies]
        one = pictured[0]
        if not one.fixed:
            at = [_vector(on.positions[rows[0]].tolist(), 4) for on in pictured]
            told = [f"{words} at {place}" for words, place in zip(told, at, strict=True)]
        what = one.names.get(choice.block, choice.block)
        return [f"{one.point} {rows[0]}, {what}: f(g x) = {told[0]};  D(g) f(x) = {told[1]}"]

    def _of_wholes(self) -> list[str]:
        """Of fields of one row: the chosen copy of the chosen one; of values on points all small outputs, too."""
        choice, seen = self.pane.choice, self.pane.recorded.seen(self.pane.choice.structure)
        wholes = [name for name, field in seen.items() if field.support == "graph"]
        if choice.stage in wholes:
            return [self._pair_words(choice.stage, choice)]
        if not self.pane.recorded.on_points:
            return []
        return [self._pair_words(n, None) for n in wholes if is_output(n) and seen[n].values.numel() <= FEW]

    def _pair_words(self, stage: str, choice: Choice | None) -> str:
        """f(g x) beside D(g) f(x): one copy of a block, or all numbers."""
        assert self.turned is not None
        reference = self.runs.runs.reference[stage]
        if choice is not None and choice.block not in offered_blocks(reference):
            return ""
        if stage not in self.turned.found:
            return ""
        pair = self.turned.matching.pair(stage, self.turned.found[stage].values)
        if pair is None:
            return ""
        if choice is not None:
            found, expected = (numbers(f, choice.block, choice.channel)[0] for f in (pair.found, pair.expected))
            return f"f(g x) = {_vector(found)};  D(g) f(x) = {_vector(expected)}"
        found, expected = (_vector(f.values[0].tolist(), 3) for f in (pair.found, pair.expected))
        return f"{stage}: f(g x) = {found}\n{stage}: D(g) f(x) = {expected}"


def _element(turn: Sequence[float]) -> O3:
    return O3.from_matrix(torch.tensor(list(turn), dtype=torch.float64).reshape(3, 3))


def _vector(values: Sequence[float], digits: int = 6) -> str:
    told = ", ".join(f"{value:.{digits}g}" if math.isfinite(value) else str(value) for value in values)
    return told if len(values) == 1 else f"({told})"

"""The rotation hand: turn the input, and see what the model makes of it beside what it should make of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch

from equiviz.apps.explorer.choices import Choice, numbers, offered_blocks
from equiviz.apps.explorer.drawing import scene_of_field, seen_from_all_sides
from equiviz.apps.explorer.look import row
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.explorer.pane import Pane, draw
from equiviz.apps.explorer.rotation_hand import RotationHand, Turned, error_words, turn_words
from equiviz.equivariance.check_widget.look import line, say
from equiviz.symmetry.groups import O3
from equiviz.view.live import scene_view
from equiviz.view.scene import Scene
from equiviz.view.show import show

if TYPE_CHECKING:
    from equiviz.view.live_widget import SceneView

HEADS = (
    ("The input g x", "drag it, or focus it and use the arrow keys"),
    ("The model's f(g x)", "run on the turned input"),
    ("D(g) f(x)", "run once, on the input as it came; then turned"),
)
SLOW = 0.3
"""Seconds of a run that readers should be told of."""


class HandPanel:
    """Three views and the error under them.

    Attributes:
        pane: whose choice is drawn.
        views: the input with the hand; what the model gives for it; the turned features of the input as it came.
        verdict, worst: lines on the chosen block, and on all of them.
        values: numbers of a field that is not drawn.
        turned: the last run.
        box: all of it.
    """

    def __init__(self, pane: Pane, height: int) -> None:
        from ipywidgets import Button, HBox, VBox

        self.pane = pane
        self.hands: dict[tuple[int, int], RotationHand] = {}
        self.turned: Turned | None = None
        self._shown: tuple[object, ...] = ()
        self._generator = torch.Generator().manual_seed(0)
        self.views = self._make_views(height)
        self.verdict, self.worst, self.values = line(), line(), line()
        self.random = Button(description="turn at random", tooltip="another orientation, drawn uniformly")
        self.back = Button(description="turn back", tooltip="the input as it came")
        self.random.on_click(self.hand.guarded(lambda _: self.turn_to(self._drawn())))
        self.back.on_click(self.hand.guarded(lambda _: self.turn_to(O3.identity())))
        self._latest = Latest(self.hand.guarded(self._run))
        self.hand.observe(lambda change: self._latest(change["new"]), "turn")
        columns = [self._column(*head, view) for head, view in zip(HEADS, self.views, strict=True)]
        columns_box = HBox(columns)
        columns_box.add_class("equiviz-views")
        self.box = VBox([columns_box, row(self.random, self.back), self.verdict, self.worst, self.values])
        pane.followers.append(self.follow)

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
        self._redraw()
        self._run(self.hand.turn)

    def turn_to(self, g: O3) -> None:
        """Turn the input to an orientation."""
        self.hand.turn = [float(x) for x in g.matrix.flatten()]

    def _drawn(self) -> O3:
        return O3.from_quaternion(torch.randn(4, generator=self._generator, dtype=torch.float64))

    def _make_views(self, height: int) -> list[SceneView]:
        choice = self.pane.choice
        linked = f"hand-{id(self)}"
        hand = scene_view(self._bare(choice), height, linked)
        still = scene_view(self._scene(choice), height, linked)
        found = scene_view(self._scene(choice), height)
        # The model's features must not turn before the model has run: this view shares the camera only.
        from ipywidgets import jslink

        jslink((hand, "camera"), (found, "camera"))
        for view in (found, still):
            jslink((hand, "slab"), (view, "slab"))
        hand.hand = still.hand = True
        return [hand, found, still]

    def _column(self, head: str, words: str, view: SceneView) -> Any:
        from ipywidgets import VBox

        layout = {"flex": "1 1 260px", "min_width": "220px"}
        return VBox([line(head, "equiviz-head"), line(words, "equiviz-quiet"), cast(Any, view)], layout=layout)

    def _scene(self, choice: Choice) -> Scene:
        recorded = self.pane.recorded
        capture = recorded.capture(choice.structure)
        scene = scene_of_field(recorded.structures[choice.structure], capture[choice.stage], choice, capture.graph)
        return seen_from_all_sides(scene, scene.layers)

    def _bare(self, choice: Choice) -> Scene:
        """The input alone, in the place where its features are drawn."""
        return seen_from_all_sides(show(self.pane.recorded.structures[choice.structure]), self._scene(choice).layers)

    def _redraw(self) -> None:
        choice = self.pane.choice
        place = (id(self.pane.recorded), choice.structure)
        same = not self._shown or self._shown == place
        self._shown = place
        draw(self.views[0], self._bare(choice), same)
        for view in self.views[1:]:
            draw(view, self._scene(choice), same)

    def _run(self, turn: Sequence[float]) -> None:
        """Run the model on the turned input, and tell how far it is from the turned features."""
        g = O3.from_matrix(torch.tensor(list(turn), dtype=torch.float64).reshape(3, 3))
        choice = self.pane.choice
        if self.turned is None or self.turned.seconds > SLOW:
            say(self.worst, "Running the model on the turned input …", "equiviz-quiet")
        self.turned = self.runs.at(g)
        self._show_found(choice, g)
        lines = error_words(self.runs, self.turned, choice.stage, choice.block) or [turn_words(g)]
        broken = "broken" in lines[0]
        say(self.verdict, f"{'✗' if broken else '✓'} {lines[0]}", "equiviz-verdict")
        slow = f" One run takes {self.turned.seconds:.1f} s." if self.turned.seconds > SLOW else ""
        say(self.worst, "\n".join(lines[1:]) + slow, "equiviz-quiet")
        say(self.values, self._numbers(choice), "equiviz-quiet")

    def _show_found(self, choice: Choice, g: O3) -> None:
        """f(g x), in one message with its orientation: drawn as D(g^-1) f(g x) in a view that is turned by g."""
        assert self.turned is not None
        recorded, found = self.pane.recorded, self.views[1]
        capture = recorded.capture(choice.structure)
        structure = recorded.structures[choice.structure]
        field = self.turned.turned_back(choice.stage)
        expected = self.views[2].scene
        scene = scene_of_field(structure, field, replace(choice, shared=False), capture.graph)
        with found.hold_sync():
            found.turn = [float(x) for x in g.matrix.flatten()]
            draw_like(found, scene, expected)

    def _numbers(self, choice: Choice) -> str:
        """Of a field of one row: what the model gives, and what it should give."""
        assert self.turned is not None
        reference = self.runs.runs.reference[choice.stage]
        if reference.support != "graph" or choice.block not in offered_blocks(reference):
            return ""
        pair = self.turned.matching.pair(choice.stage, self.turned.found[choice.stage].values)
        if pair is None:
            return ""
        found, expected = (numbers(f, choice.block, choice.channel)[0] for f in (pair.found, pair.expected))
        return f"f(g x) = {_vector(found)};  D(g) f(x) = {_vector(expected)}"


def draw_like(view: SceneView, scene: Scene, like: Scene) -> None:
    """Draw a scene on the scale of another: only its numbers are sent."""
    for number, (own, other) in enumerate(zip(scene.layers, like.layers, strict=True)):
        for name in ("vectors", "coefficients", "values"):
            new, old = getattr(own, name, None), getattr(other, name, None)
            if new is not None and old is not None and new.shape == old.shape:
                view.change(number, **{name: new})
                return


def _vector(values: Sequence[float]) -> str:
    told = ", ".join(f"{value:.6g}" if math.isfinite(value) else str(value) for value in values)
    return told if len(values) == 1 else f"({told})"

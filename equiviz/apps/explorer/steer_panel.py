"""Sliders that scale and turn the copy that is shown, and what becomes of the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.apps.explorer.look import row
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.explorer.scored_atoms import ScoredAtoms
from equiviz.apps.explorer.steered import SAME, Steered, SteeredRuns, why_not_steered
from equiviz.equivariance.check_widget.look import attempt, line, say
from equiviz.explain.interventions.steering_face import AXES, Held
from equiviz.explain.outputs import own_name
from equiviz.symmetry.transformations import ROTATIONS

if TYPE_CHECKING:
    from equiviz.apps.explorer.pane import Pane
    from equiviz.apps.explorer.question_menus import QuestionMenus

HOW = "Move a slider; by keyboard, focus it and use the arrow keys. Scale 0 takes the channel away, -1 turns it round."


class SteerPanel:
    """Sliders of the chosen layer, irrep and channel.

    Attributes:
        pane: whose choice is steered, and whose atoms are coloured by the change.
        question: its menu says which output the atoms are coloured by.
        scale, angle, axis, here: the sliders; whether only selected atoms are steered.
        reset: brings all back.
        block: what is steered.
        words: what becomes of each output.
        scores: the change, atom by atom.
        found: the last run; None where nothing is steered.
        open: whether it is seen: while it is not, nothing is run.
        box: all of it.
    """

    def __init__(self, pane: Pane, question: QuestionMenus) -> None:
        self.pane, self.question = pane, question
        self.found: Steered | None = None
        self.open = True
        self._runs, self._filling = SteeredRuns(), False
        self._about: tuple[object, ...] = ()
        self._channel = pane.inner.channel
        self.block, self.words = line(), line()
        self.scores = ScoredAtoms(pane)
        self._latest = Latest(pane.view.guarded(lambda _: self._run()))
        self._make_controls()
        pane.followers.append(self._follow)
        pane.view.observe(pane.view.guarded(lambda _: self._selected()), "selected")
        self._follow()
        self.box = self._made_box()

    @property
    def held(self) -> Held:
        """What the sliders say."""
        choice, scale = self.pane.inner, round(float(self.scale.value), 6)
        return Held(choice.stage, choice.block, choice.channel, scale, str(self.axis.value), int(self.angle.value))

    def free(self) -> None:
        """Steer nothing."""
        self._filling = True
        try:
            self.scale.value, self.angle.value = 1.0, 0
        finally:
            self._filling = False
        self._run()

    def _make_controls(self) -> None:
        from ipywidgets import Button, Checkbox, FloatSlider, IntSlider, ToggleButtons

        wide: dict[str, Any] = {"layout": {"width": "24em", "max_width": "100%"}, "continuous_update": False}
        wide["style"] = {"description_width": "4.2em"}
        self.scale = FloatSlider(1.0, min=-2.0, max=3.0, step=0.1, description="scale", readout_format=".1f", **wide)
        self.angle = IntSlider(0, min=-180, max=180, step=5, description="turn (°)", **wide)
        self.axis = ToggleButtons(options=list(AXES), value="z")
        self.axis.tooltips = [f"turn about the {axis} axis" for axis in AXES]
        self.axis.style.button_width = "2.5em"
        self.here = Checkbox(False, description="only the selected atoms", indent=False, layout={"width": "auto"})
        self.reset = Button(description="reset", tooltip="scale 1, no turn: the model's own prediction")
        for control in (self.scale, self.angle, self.axis, self.here):
            control.observe(lambda _: self._moved(), "value")
        self.question.output.observe(self.pane.view.guarded(lambda _: self._show()), "value")
        self.reset.on_click(self.pane.view.guarded(lambda _: self.free()))

    def _made_box(self) -> Any:
        from ipywidgets import Label, VBox

        head = line("What if this channel were stronger, or turned?", "equiviz-head")
        rows = [
            self.scale,
            row(self.angle, Label("about"), self.axis),
            row(self.here, self.reset, self.question.output),
        ]
        return VBox([head, self.block, *rows, self.words, self.scores.box, line(HOW, "equiviz-quiet")])

    def _moved(self) -> None:
        if not self._filling:
            self._latest(None)

    def _selected(self) -> None:
        if self.pane.recorded.moving:  # the selected vector is the channel
            self._follow()
        elif self.here.value and not self.held.free:
            self._latest(None)

    def _follow(self) -> None:
        """Another block: its sliders begin anew; another channel of it is steered in the same way."""
        choice = self.pane.inner
        about = (id(self.pane.recorded), choice.structure, choice.stage, choice.block)
        if about != self._about:
            self._about, self._channel = about, choice.channel
            self.free()
        elif choice.channel != self._channel:
            self._channel = choice.channel
            if self.open:
                self._run()
            else:
                self.free()

    def _run(self) -> None:
        choice, recorded = self.pane.inner, self.pane.recorded
        capture = recorded.capture(choice.structure)
        reason = why_not_steered(capture, choice)
        self._say_block(reason)
        self._allow(not reason, choice.block)
        self.found = None
        if reason or self.held.free:
            self._show()
            return
        nodes = list(self.pane.view.selected) if self.here.value and self._on_atoms else None

        def run() -> None:
            self.found = self._runs.at(recorded, choice, self.held.steering, nodes)

        if attempt(self.words, run):
            self._show()
        else:
            self.scores.clear()

    def _show(self) -> None:
        """What was found, of the output that is asked about."""
        if self.found is None:
            say(self.words, "")
            self.scores.clear()
            return
        say(self.words, "\n".join(self.found.words()))
        output = str(self.question.output.value)
        change = self.found.by_atom(output, len(self.pane.recorded.structures[self.pane.choice.structure]))
        if change is None or float(np.abs(change).max(initial=0.0)) <= SAME:
            self.scores.clear()
            return
        caption = (
            f"Change of {own_name(output)} when {self.held.irrep} of {self.held.stage} is {self.held.steering.words}."
        )
        self.scores.fill(change, f"change of {own_name(output)}", caption, paint=False)

    def _say_block(self, reason: str) -> None:
        choice = self.pane.inner
        shown = f"Steered: {choice.block}, channel {choice.channel}, of {choice.stage}."
        free = " The sliders are at rest: the prediction is the model's own." if self.held.free else ""
        hint = (
            " Select a vector to steer that one." if self.pane.recorded.moving and not self.pane.view.selected else ""
        )
        say(self.block, reason or shown + free + hint, "equiviz-quiet")

    def _allow(self, possible: bool, block: str) -> None:
        """Sliders that would do nothing are off."""
        field = self.pane.recorded.capture(self.pane.choice.structure)[self.pane.choice.stage]
        turned = ROTATIONS in field.representation.transformed_by()
        turns = possible and turned and field[block].shape[-1] > 1
        self.scale.disabled = self.reset.disabled = not possible
        self.angle.disabled = self.axis.disabled = not turns
        self.here.disabled = not (possible and self._on_atoms)

    @property
    def _on_atoms(self) -> bool:
        return self.pane.field.support == "node" and not self.pane.recorded.on_points

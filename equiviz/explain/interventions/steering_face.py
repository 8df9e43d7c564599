"""Sliders that scale and turn a channel, and beside them what becomes of the prediction."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from equiviz.equivariance.check_widget.look import FACE, STYLE, attempt, line, need_libraries, say
from equiviz.explain.interventions.intervened_run import outputs_of
from equiviz.explain.interventions.output_change import numbers, relative_change, told_of_zero
from equiviz.explain.interventions.steer import Steering, Wheel
from equiviz.explain.interventions.steering_chart import SteeringChart
from equiviz.explain.outputs import is_output, usual_output
from equiviz.symmetry.groups import O3

if TYPE_CHECKING:
    from ipywidgets import Dropdown

    from equiviz.symmetry.field import Field

AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_HELP = (
    "Focus a slider and use the arrow keys; reset brings the prediction back. Scale -1 turns a "
    "vector round, 0 takes it away."
)


@dataclass(frozen=True)
class Held:
    """What the controls say.

    Attributes:
        stage, irrep, channel: the block.
        scale: factor.
        axis: "x", "y" or "z".
        angle: in degrees.
    """

    stage: str
    irrep: str
    channel: int = 0
    scale: float = 1.0
    axis: str = "z"
    angle: int = 0

    @property
    def free(self) -> bool:
        """Whether nothing is steered."""
        return self.scale == 1 and self.angle % 360 == 0

    @property
    def steering(self) -> Steering:
        """What is done to the block."""
        turned = O3.rotation(AXES[self.axis], math.radians(self.angle)) if self.angle % 360 else None
        return Steering(self.scale, turned)


class SteeringFace:
    """The widget.

    Attributes:
        wheel: the model and its input.
        held: what the controls say.
        past: what they said before, for undo; the last one last.
        stage, irrep, channel, scale, axis, angle, output: the controls.
        undo, reset: buttons.
        verdict: words on the change of each output.
        box: all of it.

    Raises:
        MissingLibrary: ipywidgets or anywidget is absent.
    """

    def __init__(self, wheel: Wheel, stage: str, irrep: str, channel: int = 0) -> None:
        need_libraries()
        self.wheel, self.held, self.past = wheel, Held(stage, irrep, channel), list[Held]()
        self.before = outputs_of(wheel.free)
        self.after: dict[str, Field] = dict(self.before)
        self._filling = False
        self._make_controls()
        self.chart = SteeringChart()
        self.verdict = line()
        self._fill()
        self.box = self._box()
        self._watch()
        self._run()

    def choose(self, held: Held) -> None:
        """Other settings; the present ones can be brought back by undo."""
        if held == self.held:
            return
        self.past.append(self.held)
        self._take(held)

    def back(self) -> None:
        """Undo the last change."""
        if self.past:
            self._take(self.past.pop())

    def free(self) -> None:
        """Steer nothing; the block that is chosen stays."""
        self.choose(replace(self.held, scale=1.0, angle=0))

    def _take(self, held: Held) -> None:
        self.held = held
        self._fill()
        attempt(self.verdict, self._run)

    def _run(self) -> None:
        held = self.held
        self.after = dict(self.before)
        if not held.free:
            self.after = self.wheel.outputs(held.stage, held.irrep, held.channel, held.steering)
        self._draw()
        say(self.verdict, "\n".join([self._lead(), *map(self._told, self.before)]), "equiviz-verdict")

    def _draw(self) -> None:
        name = str(self.output.value)
        self.chart.show(name, self.before[name], self.after[name])

    def _lead(self) -> str:
        held = self.held
        if held.free:
            return "Nothing is steered: the prediction is the model's own."
        return f"{held.irrep}, channel {held.channel}, of {held.stage}: {held.steering.words}."

    def _told(self, name: str) -> str:
        before, after = self.before[name], self.after[name]
        first, second = numbers(before.values), numbers(after.values)
        if first.numel() == 1:
            return f"{name}: {float(first):.5g} → {float(second):.5g}"
        zero = told_of_zero(before, after, self.wheel.floor)
        return f"{name}: {zero or f'changes by {relative_change(before, after):.3g} of its rms'}"

    def _make_controls(self) -> None:
        from ipywidgets import BoundedIntText, Button, FloatSlider, IntSlider, ToggleButtons

        inner = [
            (name, field)
            for name, field in self.wheel.free.items()
            if not is_output(name) and not field.representation.affine and field.dim
        ]
        self._blocks = {name: field.representation.labels() for name, field in inner}
        self.stage, self.irrep = _menu("stage", list(self._blocks)), _menu("irrep", [])
        self.output = _menu("output", list(self.before))
        self.output.value = usual_output(self.before)
        self.channel = BoundedIntText(min=0, description="channel", layout={"width": "9.5em"})
        wide: dict[str, Any] = {"layout": {"width": "26em"}, "continuous_update": False}
        self.scale = FloatSlider(1.0, min=-2.0, max=3.0, step=0.1, description="scale", readout_format=".1f", **wide)
        self.angle = IntSlider(0, min=-180, max=180, step=5, description="turn (°)", **wide)
        self.axis = ToggleButtons(options=list(AXES), tooltips=[f"turn about the {axis} axis" for axis in AXES])
        self.axis.style.button_width = "2.5em"
        self.undo = Button(description="undo", tooltip="the settings before the last change")
        self.reset = Button(description="reset", tooltip="scale 1, no turn: the model's own prediction")
        for control in (self.channel, self.scale, self.angle):
            control.style.description_width = "initial"

    def _box(self) -> Any:
        from ipywidgets import HTML, HBox, Label, VBox

        rows = [
            HBox([self.stage, self.irrep, self.channel]),
            HBox([self.scale, self.angle, Label("about"), self.axis]),
            HBox([self.undo, self.reset, self.output]),
        ]
        for row in rows:
            row.layout.flex_flow = "row wrap"
        head = [HTML(STYLE), line("Steer a channel, and watch the prediction", "equiviz-title")]
        self.figure = self.chart.make_live()
        box = VBox([*head, *rows, self.verdict, self.figure, line(_HELP, "equiviz-quiet")])
        box.add_class(FACE)
        return box

    def _watch(self) -> None:
        for control in (self.stage, self.irrep, self.channel, self.scale, self.angle, self.axis):
            control.observe(lambda _: self._on_control(), "value")
        self.output.observe(lambda _: attempt(self.verdict, self._draw), "value")
        self.undo.on_click(lambda _: self.back())
        self.reset.on_click(lambda _: self.free())

    def _on_control(self) -> None:
        if self._filling:
            return
        stage, irrep = str(self.stage.value), str(self.irrep.value)
        irrep = irrep if irrep in self._blocks[stage] else self._blocks[stage][0]
        channel = min(int(self.channel.value), self._copies(stage, irrep) - 1)
        scale, angle = round(float(self.scale.value), 6), int(self.angle.value)
        self.choose(Held(stage, irrep, channel, scale, str(self.axis.value), angle))

    def _fill(self) -> None:
        """Bring the controls to what is held."""
        held = self.held
        with self._quietly():
            self.stage.value = held.stage
            self.irrep.options = self._blocks[held.stage]
            self.irrep.value = held.irrep
            self.channel.max = self._copies(held.stage, held.irrep) - 1
            self.channel.value = held.channel
            self.scale.value, self.angle.value, self.axis.value = held.scale, held.angle, held.axis
            self.angle.disabled = self.axis.disabled = self._size(held) == 1  # a scalar has no direction
            self.undo.disabled = not self.past
            self.reset.disabled = held.free

    @contextmanager
    def _quietly(self) -> Generator[None]:
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _copies(self, stage: str, irrep: str) -> int:
        return self.wheel.free[stage][irrep].shape[-2]

    def _size(self, held: Held) -> int:
        return self.wheel.free[held.stage][held.irrep].shape[-1]


def _menu(description: str, options: list[str]) -> Dropdown:
    from ipywidgets import Dropdown

    made = Dropdown(options=options, description=description, layout={"width": "auto", "max_width": "100%"})
    made.style.description_width = "initial"
    return made

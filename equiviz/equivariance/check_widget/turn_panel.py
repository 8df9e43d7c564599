"""A slider that turns the input, while the error of every stage is redrawn.

All angles about an axis are run at once when the axis is chosen, and kept; the slider only looks them up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.equivariance.check_widget.block_words import size
from equiviz.equivariance.check_widget.look import attempt, line, say
from equiviz.equivariance.check_widget.measured_input import orbit_runs
from equiviz.equivariance.check_widget.points import Points
from equiviz.equivariance.check_widget.turn_chart import TurnChart
from equiviz.equivariance.check_widget.turn_errors import ANGLES, STEP, TurnErrors, turn, turn_errors
from equiviz.symmetry.groups import O3, haar

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport
    from equiviz.equivariance.orbit_runs import OrbitRuns

_START = 30
"""Degrees: away from zero, where nothing is turned yet."""


class TurnPanel:
    """Axis, slider, chart and structure.

    Attributes:
        report: the result of a check, with its measurements.
        axes: the axes to choose from, by name.
        found: errors by the name of the axis, as far as they were asked for.
        axis: chooses the axis.
        slider: chooses the angle, in degrees.
        line: what is going on, what was found, or what went wrong.
        box: all of it.
    """

    def __init__(self, report: CheckReport) -> None:
        from ipywidgets import HBox, IntProgress, IntSlider, Label, Play, ToggleButtons, VBox, jslink

        self.report, self.axes = report, axes_of(report)
        self.found: dict[str, TurnErrors] = {}
        self.chart: TurnChart | None = None
        self._runs: OrbitRuns | None = None
        names = list(self.axes)
        self.axis = ToggleButtons(options=names, tooltips=[_told(self.axes[n]) for n in names])
        self.axis.style.button_width, self.axis.layout.width = "auto", "100%"
        self.slider = IntSlider(value=_START, min=ANGLES[0], max=ANGLES[-1], step=STEP, description="angle (°)")
        self.slider.layout.width, self.slider.style.description_width = "26em", "initial"
        play = Play(min=ANGLES[0], max=ANGLES[-1], step=STEP, interval=250, value=_START, repeat=True)
        play.tooltip = "turn the input all the way round"
        jslink((play, "value"), (self.slider, "value"))
        self.progress = IntProgress(max=len(ANGLES), description="running", layout={"display": "none"})
        self.line = line()
        self.box = VBox([HBox([Label("axis"), self.axis]), HBox([self.slider, play]), self.progress, self.line])
        self.axis.observe(lambda _: self.open(), "value")
        self.slider.observe(lambda _: attempt(self.line, self.redraw), "value")

    def open(self) -> None:
        """Run what has not been run yet about the chosen axis, and draw it."""
        attempt(self.line, self._run_and_draw)

    def redraw(self) -> None:
        """Draw the chosen angle."""
        found = self.found.get(str(self.axis.value))
        if found is None or self.chart is None:
            return
        angle = int(self.slider.value)
        self.chart.show(found, angle, turn(found.axis, angle).matrix.numpy())
        say(self.line, self._words(found, angle))

    def _run_and_draw(self) -> None:
        name = str(self.axis.value)
        if name not in self.found:
            self.found[name] = self._run(name)
        chart = self.chart or TurnChart(self.report, self._points())
        chart.take(self.found[name])
        if self.chart is None:
            self.chart = chart
            self.redraw()
            self.box.children = (*self.box.children, chart.make_live())
        self.redraw()

    def _run(self, name: str) -> TurnErrors:
        say(self.line, f"Running the model on {len(ANGLES)} orientations about {name} ...", "equiviz-quiet")
        self.progress.value, self.progress.layout.display = 0, None
        try:
            if self._runs is None:
                self._runs = orbit_runs(self.report)
            return turn_errors(self._runs, self.axes[name], self._tell)
        finally:
            self.progress.layout.display = "none"

    def _tell(self, done: int) -> None:
        self.progress.value = done

    def _points(self) -> Points | None:
        return None if self.report.sums is None else Points.of(self.report.sums.x)

    def _words(self, found: TurnErrors, angle: int) -> str:
        errors = found.at(angle)
        left_out = "".join(f" {name} is left out: {why}." for name, why in found.left_out.items())
        if not errors:
            return f"No stage can be compared.{left_out}"
        (stage, irrep), error = max(errors.items(), key=lambda item: item[1])
        turned = f"Turned by {angle}° about {_told(found.axis)}"
        return f"{turned}: largest relative error {size(error)}, at {stage}, {irrep}.{left_out}"


def axes_of(report: CheckReport) -> dict[str, Tensor]:
    """The axes to choose from: of the coordinates, of the worst rotation that the check saw, and a random one."""
    unit = torch.eye(3, dtype=torch.float64)
    axes = {"x": unit[0], "y": unit[1], "z": unit[2]}
    worst = _worst(report)
    if worst is not None:
        axes["worst seen"] = worst
    return {**axes, "random": haar(1, 0, "SO(3)")[0].axis}


def _worst(report: CheckReport) -> Tensor | None:
    """The axis of the rotation under which the first broken block, or else the worst of all, was worst."""
    told = [f for f in report.findings if f.group == "rotation" and f.passed is not None]
    told = [f for f in told if f.alarming] or told
    if not told or report.sums is None:
        return None
    chosen = next((f for f in told if f.guilty), max(told, key=lambda f: f.error))
    element = report.sums.inherited["rotation"].block(chosen.stage, chosen.irrep).worst_element
    return element.axis if isinstance(element, O3) else None


def _told(axis: Tensor) -> str:
    return f"({', '.join(f'{part:.2f}' for part in axis.tolist())})"

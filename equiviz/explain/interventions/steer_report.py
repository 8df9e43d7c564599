"""What `steer` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.output_change import relative_change, side_by_side, told_of_zero
from equiviz.explain.outputs import named_output
from equiviz.view.charts import Series, bars, line_chart
from equiviz.view.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipywidgets import DOMWidget
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.explain.interventions.steer import Wheel
    from equiviz.symmetry.field import Field


@dataclass(frozen=True, eq=False)
class Response:
    """Outputs at parts of the change.

    Attributes:
        doses: from 0, nothing, to 1, all of it.
        outputs: at each.
        scales: whether the change is one of size alone, so that it is linear in the dose.
        floor: rms below which an output is zero, see `equiviz.explain.interventions.output_change.noise_floor`.
    """

    doses: list[float]
    outputs: list[dict[str, Field]]
    scales: bool = False
    floor: float = 0.0

    def changes(self, output: str | None = None) -> list[float]:
        """As `SteerReport.change`, at each dose."""
        output = named_output(self.outputs[0], output, InterventionError)
        return [relative_change(self.outputs[0][output], found[output], self.floor) for found in self.outputs]


@dataclass(eq=False, repr=False)
class SteerReport(Report):
    """Outputs before and after a channel was steered.

    Attributes:
        model: what it is called.
        stage, irrep: what was steered.
        channel: which copy; None for all.
        steering: what was done, in words.
        before, after: the outputs.
        response: outputs at parts of the change.
        wheel: the model and its input, for the sliders of `widget`.
    """

    model: str
    stage: str
    irrep: str
    channel: int | None
    steering: str
    before: Mapping[str, Field]
    after: Mapping[str, Field]
    response: Response
    wheel: Wheel

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model}: {self._what()} of {self.stage}, {self.steering}"

    def change(self, output: str | None = None) -> float:
        """Root mean square change of an output over its rms; 0 or infinite where that is zero.

        Args:
            output: its name; None for the first that no rotation changes, or the first.

        Raises:
            InterventionError: no such output.
        """
        output = named_output(self.before, output, InterventionError)
        return relative_change(self.before[output], self.after[output], self.response.floor)

    def to_frame(self) -> DataFrame:
        """One row per output, row and component: before, after; each in the output's own unit."""
        frame = side_by_side({"before": self.before, "after": self.after})
        return frame.assign(change=frame["after"] - frame["before"])

    def figure(self) -> Figure:
        """How much each output changes, against how much of the steering was done; bars where it has no parts."""
        if len(self.response.doses) < 3:
            names = list(self.before)
            series = Series("change", range(len(names)), [self.change(name) for name in names])
            return bars(names, [series], "change over the output's rms", self.title)
        series = [Series(name, self.response.doses, self.response.changes(name)) for name in self.before]
        return line_chart(series, "part of the change (0 none, 1 all)", "change over the output's rms", self.title)

    def describe(self) -> str:
        """How much each output changes, and whether in proportion."""
        lead = f"In {self.model}, {self._what()} of {self.stage} was {self.steering}."
        return "\n\n".join([lead, *map(self._told, self.before)])

    def widget(self) -> DOMWidget:
        """Sliders that scale and turn a channel, with the change of the prediction beside them; works offline.

        Raises:
            MissingLibrary: ipywidgets or anywidget is absent.
        """
        from equiviz.explain.interventions.steering_face import SteeringFace

        return SteeringFace(self.wheel, self.stage, self.irrep, self.channel or 0).box

    def _what(self) -> str:
        return f"{self.irrep}, {'all channels' if self.channel is None else f'channel {self.channel}'},"

    def _told(self, name: str) -> str:
        change, zero = self.change(name), told_of_zero(self.before[name], self.after[name], self.response.floor)
        if zero is not None:
            return f"{name} {zero}."
        if change < 1e-12:
            return f"{name} does not change."
        changes = self.response.changes(name)
        if not self.response.scales:
            return f"{name} changes by {change:.2g} of its rms."
        ratio = changes[len(changes) // 2] / change
        linear = "in proportion to the dose" if abs(ratio - 0.5) < 0.01 else f"{ratio:.0%} of that at half the dose"
        return f"{name} changes by {change:.2g} of its rms, {linear}."

"""The error against the axis of rotation, on a button press: it runs the model on hundreds of orientations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equiviz.equivariance.check_widget.look import attempt, blank_figure, line, live, say
from equiviz.equivariance.check_widget.measured_input import measurement
from equiviz.equivariance.sphere_map import SphereMap, sphere_map

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport

POINTS = (128, 512, 2048)


class SpherePanel:
    """Angle, number of axes, a button, and the map.

    Attributes:
        report: the result of a check, with its measurements.
        angle: of all rotations, in degrees.
        points: about how many axes.
        button: runs it.
        line: what is going on, what was found, or what went wrong.
        found: the latest map.
        box: all of it.
    """

    def __init__(self, report: CheckReport) -> None:
        from ipywidgets import Button, Dropdown, HBox, IntSlider, VBox

        self.report = report
        self.found: SphereMap | None = None
        self.angle = IntSlider(value=90, min=5, max=180, step=5, description="angle (°)", continuous_update=False)
        self.points = Dropdown(value=512, options=POINTS, description="axes", layout={"width": "13em"})
        self.button = Button(description="Draw the sphere map", icon="globe", button_style="primary")
        self.button.tooltip = "runs the model once for each axis"
        self.button.layout.width = "auto"
        self.line = line("Each axis is one run of the model, many in one batch.", "equiviz-quiet")
        controls = HBox([self.angle, self.points, self.button], layout={"flex_flow": "row wrap"})
        self.box = VBox([controls, self.line])
        self._controls = controls
        self.button.on_click(lambda _: self.run())

    def run(self) -> None:
        """Make the map, and draw it."""
        self.button.disabled = True
        say(self.line, f"Running the model about {self.points.value} axes ...", "equiviz-quiet")
        attempt(self.line, self._run)
        self.button.disabled = False

    def _run(self) -> None:
        sums, angle = measurement(self.report), math.radians(int(self.angle.value))
        model, supports = sums.runs.model, sums.runs.supports
        points = int(str(self.points.value))
        self.found = sphere_map(model, sums.x, angle, points, supports=supports)
        made, figure = self.found.figure(), blank_figure(440)
        figure.add_traces(made.data)
        axes = {name: made.layout[name].to_plotly_json() for name in ("xaxis", "yaxis")}
        figure.update_layout(**axes, margin={"l": 8, "r": 8, "t": 16, "b": 56})
        self.box.children = (self._controls, self.line, live(figure))
        say(self.line, self.found.describe().splitlines()[0])

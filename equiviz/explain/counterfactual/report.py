"""What `counterfactual` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from equiviz.explain.counterfactual.descriptor_changes import DescriptorChange
from equiviz.explain.counterfactual.solver import Limits, Solution
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import Scene

SLOPES_DIFFER = 0.02
"""Slopes that are so far from finite differences miss part of what the output depends on."""
SHOWN = 12


@dataclass(eq=False, repr=False)
class CounterfactualReport(Report):
    """The smallest displacement that changes a prediction by a given amount.

    Attributes:
        model: what it is called.
        output: which number, in words.
        structure: where the atoms were.
        before: the prediction there, in the output's unit.
        asked: the change that was asked for.
        solution: the displacement, what it changes, and how the search ended.
        limits: on distances and displacements.
        random_changes: [R] changes by random displacements of the same norm.
        descriptors: what the displacement does to expert descriptors, the largest change first.
        slope_error: how far gradients are from finite differences, relative.
        held: typed attributes that were measured beforehand and held fixed.
        anew: the change with these measured again; None where there are none, or they cannot be.
        turning: whether the number changes when everything is turned.
        flat: whether it has no slope at all where the atoms are, nor slightly beside.
    """

    model: str
    output: str
    structure: Structure
    before: float
    asked: float
    solution: Solution
    limits: Limits
    random_changes: Tensor
    descriptors: list[DescriptorChange] = field(default_factory=list)
    slope_error: float = 0.0
    held: tuple[str, ...] = ()
    anew: float | None = None
    turning: bool = False
    flat: bool = False

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What would change {self.output} of {self.model} by {self.asked:g}?"

    @property
    def converged(self) -> bool:
        """Whether the change was reached, by a displacement that no small step makes shorter."""
        return self.solution.reached and self.solution.settled

    @property
    def displacement(self) -> Field:
        """Of each atom: `1o` per node, in the structure's length unit."""
        return Field(self.solution.displacement, "1o", "node")

    @property
    def moved(self) -> Structure:
        """The structure after the displacement."""
        return replace(self.structure, positions=self.structure.positions + self.solution.displacement)

    @property
    def norm(self) -> float:
        """Root of the summed squares of all displacements, in the length unit."""
        return float(self.solution.displacement.norm())

    def scene(self) -> Scene:
        """The structure with the displacement as arrows, magnified so that they can be seen."""
        from equiviz.view.show import show

        unit = self.structure.length_unit
        return show(self.structure, self.displacement, title=self.title, name="displacement", unit=unit)

    def to_frame(self) -> DataFrame:
        """One row per atom: species, displacement and its components, in the length unit."""
        import pandas as pd

        shift, unit = self.solution.displacement.cpu().numpy(), self.structure.length_unit
        frame = pd.DataFrame({"atom": np.arange(len(shift)), "species": self.structure.labels})
        frame[f"displacement_{unit}"] = np.linalg.norm(shift, axis=1)
        for place, axis in enumerate("xyz"):
            frame[f"{axis}_{unit}"] = shift[:, place]
        return frame

    def descriptor_frame(self) -> DataFrame:
        """One row per descriptor: changes in units of its standard deviation over the structure's atoms."""
        import pandas as pd

        frame = pd.DataFrame([asdict(change) for change in self.descriptors])
        names = {"rms": "rms_change_sd", "largest": "largest_change_sd", "at_node": "change_at_node_sd"}
        return frame.rename(columns=names) if len(frame) else frame

    def descriptor_figure(self) -> Figure:
        """The descriptors that change most. Raises ViewError where none were measured."""
        from equiviz.view.charts import Series, bars

        shown = self.descriptors[:SHOWN]
        at_node = bool(shown) and shown[0].at_node is not None
        values = [change.rms if change.at_node is None else change.at_node for change in shown]
        what = "at the node" if at_node else "root mean square over atoms"
        series = Series("change", np.arange(len(shown)), values)
        names = [change.name for change in shown]
        title = "Descriptors that change most"
        return bars(names, [series], f"change, {what} (standard deviations)", title, horizontal=True)

    def figure(self) -> Figure:
        """The displacement as arrows on the structure."""
        return self.scene().figure()

    def sections(self) -> list[Section]:
        """Arrows, descriptors, the way there, and the numbers."""
        made = [Section("The displacement", _ARROWS, self.scene())]
        if self.descriptors:
            made.append(Section("What experts would call it", _EXPERTS, self.descriptor_figure()))
        if self.solution.path:
            made.append(Section("The way there", "", self._path_figure()))
        return [*made, Section("Numbers", "", self.to_frame())]

    def _path_figure(self) -> Figure:
        from equiviz.view.charts import Series, line_chart

        steps = np.arange(1, len(self.solution.path) + 1)
        change = [value for value, _ in self.solution.path]
        series = [Series("change", steps, change), Series("asked for", steps, np.full(len(steps), self.asked))]
        return line_chart(series, "step", f"change of {self.output}")

    def describe(self) -> str:
        """What was reached by how much motion, whether the search converged, the control, and what is not in it."""
        if self.flat:
            return self._nothing_words()
        unit = self.structure.length_unit
        if self.norm == 0:
            return "\n".join([self._still_words(), self._ending(unit), *self._warnings()])
        lines = [self._result(unit), self._ending(unit), self._control()]
        if self.descriptors:
            first = self.descriptors[0]
            size = first.rms if first.at_node is None else first.at_node
            lines.append(f"Of the descriptors, {first.name} changes most: {size:+.2g} standard deviations.")
        return "\n".join([*lines, *self._warnings()])

    def _nothing_words(self) -> str:
        lines = [
            f"Nothing changes {self.output} here: it has no slope in the positions of the atoms ({self.before:.4g})."
        ]
        return "\n".join([*lines, *self._warnings()])

    def _still_words(self) -> str:
        return (
            f"No atom moved: {self.output} stays at {self.before:.4g}, and was asked to change by {self.asked:+.4g}. "
            "Without a displacement there is nothing to compare with random ones."
        )

    def _result(self, unit: str) -> str:
        sizes = self.solution.displacement.norm(dim=1)
        most = int(sizes.argmax())
        name = f"{self.structure.labels[most]} {most}"
        half = int((sizes.square().sort(descending=True).values.cumsum(0) < 0.5 * sizes.square().sum()).sum()) + 1
        return (
            f"{self.output} goes from {self.before:.4g} to {self.before + self.solution.change:.4g} (asked for "
            f"{self.asked:+.4g}, reached {self.solution.change:+.4g}) when the atoms move by {self.norm:.3g} {unit} in "
            f"all (root of the summed squares). {name} moves most, {float(sizes[most]):.3g} {unit}; {half} of "
            f"{len(sizes)} atoms make up half of the sum."
        )

    def _ending(self, unit: str) -> str:
        kept = (
            f"atoms were kept {self.limits.min_distance:.3g} {unit} apart, and each within "
            f"{self.limits.max_displacement:.3g} {unit} of its place"
        )
        if self.converged:
            return f"The search converged in {len(self.solution.path)} steps to a local optimum; {kept}."
        how = (
            "the change was reached, but a shorter way may exist"
            if self.solution.reached
            else "the change was not reached"
        )
        return f"The search did not converge ({how}): it ended {self.solution.stopped}; {kept}."

    def _control(self) -> str:
        typical = float(self.random_changes.square().mean().sqrt())
        less = f"{abs(self.solution.change) / typical:.1f} times less" if typical else "nothing at all"
        return (
            f"Control: {len(self.random_changes)} random displacements of the same norm change it by {typical:.2g} "
            f"(root mean square), {less}."
        )

    def _warnings(self) -> list[str]:
        lines: list[str] = []
        if self.held:
            anew = "could not be found" if self.anew is None else f"is {self.anew:+.4g}"
            lines.append(
                f"Gradients reach the positions only in part: the model also reads {', '.join(self.held)}, measured on "
                f"the structure beforehand and held fixed here. With everything measured anew the change {anew}."
            )
        elif {**self.structure.node, **self.structure.graph}:
            own = ", ".join({**self.structure.node, **self.structure.graph})
            lines.append(f"What the structure carries ({own}) stayed with its atoms, unchanged.")
        if self.slope_error > SLOPES_DIFFER:
            lines.append(
                f"The gradient is {self.slope_error:.0%} off finite differences: the model is not smooth here, or part "
                "of it lies outside autograd."
            )
        if self.turning:
            lines.append(
                "This number is a component of something that turns: it depends on the frame of the coordinates."
            )
        return lines


_ARROWS = "Arrows show where each atom goes, magnified; the colour bar gives the true length."
_EXPERTS = "Changes of expert descriptors, in units of their standard deviation over the atoms of this structure."

"""The shown block, scaled and turned, and what becomes of the predictions; the panel of it holds no logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equiviz.apps.explorer.choices import Choice
from equiviz.apps.explorer.recorded import Recorded
from equiviz.explain.interventions.intervened_run import outputs_of
from equiviz.explain.interventions.output_change import numbers, relative_change, told_of_zero
from equiviz.explain.interventions.steer import Steering, Wheel
from equiviz.explain.outputs import is_output, own_name
from equiviz.features.capture import Capture
from equiviz.symmetry.field import Field
from equiviz.view.drawn_field import ALL

SAME = 1e-9
"""Of an output's root mean square: a smaller change is rounding."""


@dataclass(frozen=True, eq=False)
class Steered:
    """Predictions before and after.

    Attributes:
        before, after: by name of the output.
        floor: root mean square below which an output is zero, by symmetry or rounding.
    """

    before: Mapping[str, Field]
    after: Mapping[str, Field]
    floor: float = 0.0

    def words(self) -> list[str]:
        """A line for each output."""
        return [self._told(name) for name in self.before]

    def by_atom(self, output: str, atoms: int) -> NDArray[np.float64] | None:
        """The change of an output on each atom ``[N]``, in its own unit: of what has several components the norm.

        None of an output that is not on atoms.
        """
        output = own_name(output)
        before = self.before.get(output)
        if before is None or before.support != "node" or len(before) != atoms:
            return None
        change = numbers(self.after[output].values) - numbers(before.values)  # [N, K]
        return (change[:, 0] if change.shape[1] == 1 else change.norm(dim=1)).numpy()

    def _told(self, name: str) -> str:
        first, second = (numbers(fields[name].values) for fields in (self.before, self.after))
        zero = told_of_zero(self.before[name], self.after[name], self.floor)
        if zero is not None:
            return f"{own_name(name)} {zero}"
        moved = relative_change(self.before[name], self.after[name], self.floor)
        if first.numel() == 1 and moved > SAME:
            return f"{own_name(name)}: {float(first):.5g} → {float(second):.5g} ({float(second - first):+.3g})"
        return f"{own_name(name)}: " + (f"changes by {moved:.1%} of its rms" if moved > SAME else "does not change")


class SteeredRuns:
    """Of the model and structure that are shown; the pass without steering is made once, when it is first needed."""

    def __init__(self) -> None:
        self._known: tuple[Recorded, int, Wheel] | None = None  # of which record, which of its structures

    def at(self, recorded: Recorded, choice: Choice, steering: Steering, nodes: Sequence[int] | None = None) -> Steered:
        """Predictions with the chosen copy steered.

        Args:
            recorded: the model.
            choice: which block, and which copy.
            steering: what is done to it.
            nodes: on these atoms only; None for all.

        Raises:
            InterventionError: as `equiviz.steer`.
        """
        wheel = self._wheel(recorded, choice.structure)
        after = wheel.outputs(choice.stage, choice.block, choice.channel, steering, nodes)
        return Steered(outputs_of(wheel.free), after, wheel.floor)

    def _wheel(self, recorded: Recorded, structure: int) -> Wheel:
        if self._known is not None and self._known[0] is recorded and self._known[1] == structure:
            return self._known[2]
        made = Wheel.of(recorded.model, recorded.measured(structure))
        self._known = recorded, structure, made
        return made


def why_not_steered(capture: Capture, choice: Choice) -> str:
    """Why what is shown has no sliders; "" where it has."""
    field = capture[choice.stage]
    if is_output(choice.stage):
        return "This is a prediction, and nothing comes after it: choose a layer before it."
    if choice.block == ALL:
        return "All degrees together are shown: choose one irrep."
    if field.representation.affine or choice.block not in field.representation.labels():
        return "This layer holds no irreps: choose another."
    return ""

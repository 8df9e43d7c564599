"""`worst_element(model, x)`: the rotation under which a model is least equivariant.

From the worst node of a quadrature rule the search climbs the relative error of the outputs, E(g): a gradient by
central differences along the three generators of so(3), ``(E(exp(h X_k) g) - E(exp(-h X_k) g)) / 2h``, and a line
search along it. Steps along single generators are tried beside it, for errors that are flat or jump. Nothing is asked
of the model but to be run, so it works for any; each step is one batch, or two.

The error has many maxima, and the search climbs one of them: the result is a lower bound of the largest error. A break
in a cone narrower than the starting rule's spacing can hide; a larger `band_limit` finds narrower ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from equiviz.equivariance.output_errors import OutputErrors
from equiviz.equivariance.percent import percent
from equiviz.equivariance.round_off import base_tolerance, tolerance_words
from equiviz.equivariance.transformed_input import orientations
from equiviz.features.model_input import ModelInput
from equiviz.features.model_state import as_found
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs
from equiviz.symmetry.groups import O3, OrthogonalGroup
from equiviz.symmetry.quadrature import quadrature
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

STEPS = 40
"""Steps of a climb at most; smooth errors take about ten."""
_FIRST_RADIUS = 0.4
"""Radians of the first step: the nodes of the usual starting rule are about one radian apart."""
_LAST_RADIUS = 1e-5
_ENOUGH = 1e-6
"""Relative gain of a step that was worth it."""


@dataclass(eq=False, repr=False)
class WorstElement(Report):
    """The worst element that was found, and the way to it.

    Attributes:
        model: class name.
        element: the worst element.
        error: the relative error of the worst output there.
        output: which output that is.
        path: elements and errors, from the worst of the starting set to the worst found.
        start_errors: the error at each element of the starting set, ``[Q]``.
        runs: how many orientations were run.
        dtype: the coarsest floating type among parameters and stages.
    """

    model: str
    element: O3
    error: float
    output: str
    path: list[tuple[O3, float]]
    start_errors: Tensor
    runs: int
    dtype: torch.dtype

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"The worst orientation of {self.model}"

    def to_frame(self) -> DataFrame:
        """One row per step: step, angle_deg, axis_x, axis_y, axis_z, det, error."""
        import pandas as pd

        rows = [
            [step, g.angle * 180 / torch.pi, *g.axis.tolist(), g.det, error]
            for step, (g, error) in enumerate(self.path)
        ]
        return pd.DataFrame(rows, columns=["step", "angle_deg", "axis_x", "axis_y", "axis_z", "det", "error"])

    def figure(self) -> Figure:
        """The error along the path, and that of the starting set."""
        from equiviz.view.charts import Series, line_chart

        steps = list(range(len(self.path)))
        climb = Series("the climb", steps, [error for _, error in self.path])
        median = float(self.start_errors.median())
        start = Series("median of the starting set", steps, [median] * len(steps))
        return line_chart([climb, start], "step", "relative error", self.title)

    def describe(self) -> str:
        """The element, its error, and how it compares with usual ones."""
        start, median = self.path[0][1], float(self.start_errors.median())
        if self.error <= base_tolerance(self.dtype):
            found = f"{self.model} is nowhere worse than rounding, as far as the search saw: "
        else:
            found = f"{self.model} is worst at {self.element!r}, in {self.output}: "
        return (
            f"{found}relative error {percent(self.error)}. {len(self.start_errors)} elements to start from had "
            f"{percent(median)} in the median and {percent(start)} at most; {len(self.path) - 1} steps uphill found "
            f"the rest, with {self.runs} orientations run in all. Other maxima may be higher.\n"
            f"{tolerance_words(self.dtype)}"
        )


def worst_element(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    band_limit: int = 4,
    group: OrthogonalGroup = "SO(3)",
    *,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
) -> WorstElement:
    """Search for the element at which the outputs are least equivariant.

    Args:
        model: anything that `equiviz.check` takes.
        x: as in `equiviz.check`.
        band_limit: of the rule whose nodes are the starting set: 70 rotations at 4, 342 at 8.
        group: "SO(3)", or "O(3)" to try improper elements too.
        supports: as in `equiviz.capture`.
        inputs: as in `equiviz.check`.
        outputs: as in `equiviz.check`.
        per: as in `equiviz.check`.

    Raises:
        CheckError, CaptureError, ModelError, StructureError: as `equiviz.check`.
        BandLimitError, GroupError: as `equiviz.symmetry.quadrature.quadrature`.
    """
    start = quadrature(band_limit, group).matrices
    with as_found(model):
        errors = OutputErrors.of(model, x, supports, inputs, outputs, per)
        orientations(errors.runs.x, group, "worst_element")
        first = errors.largest(start)
        climb = _Climb(errors)
        path = climb.from_(start[int(first.argmax())], float(first.max()))
        by_output = errors.at(path[-1][0][None])[0]
    elements = [(O3(matrix), error) for matrix, error in path]
    element, error = elements[-1]
    output = errors.names[int(by_output.argmax())]
    runs, title = len(start) + climb.runs, errors.runs.reference.model
    return WorstElement(title, element, error, output, elements, first, runs, errors.runs.dtype)


@dataclass(eq=False)
class _Climb:
    errors: OutputErrors
    runs: int = 0

    def from_(self, start: Tensor, error: float) -> list[tuple[Tensor, float]]:
        """The path uphill from an element ``[3, 3]`` with its error."""
        path, radius = [(start, error)], _FIRST_RADIUS
        while len(path) <= STEPS and radius > _LAST_RADIUS:
            place, height = path[-1]
            ways = self._ways(place, radius)  # [K, 3]
            reached = _moved(place, ways)
            heights = self._heights(reached)
            best = int(heights.argmax())
            gain = float(heights[best]) - height
            if gain > 0:
                path.append((reached[best], float(heights[best])))
            # A step that gains next to nothing means that the top lies nearer than all that was tried.
            radius = float(ways[best].norm()) if gain > _ENOUGH * height else radius / 8
        return path

    def _ways(self, place: Tensor, radius: float) -> Tensor:
        """Rotation vectors to try: up the gradient, by lengths about the radius; and along each generator."""
        axes = torch.eye(3, dtype=torch.float64)
        steps = radius * torch.tensor([2, 1, 1 / 2, 1 / 4, 1 / 8], dtype=torch.float64)
        along = [radius * axes, -radius * axes]
        gradient = self._gradient(place)
        size = gradient.norm()
        return torch.cat([steps[:, None] * (gradient / size), *along]) if 0 < size < torch.inf else torch.cat(along)

    def _gradient(self, place: Tensor) -> Tensor:
        """By central differences, ``[3]`` per radian; the step balances truncation against rounding."""
        h = torch.finfo(self.errors.runs.dtype).eps ** (1 / 3)
        axes = h * torch.eye(3, dtype=torch.float64)
        above, below = self._heights(_moved(place, torch.cat([axes, -axes]))).split(3)
        return (above - below) / (2 * h)

    def _heights(self, matrices: Tensor) -> Tensor:
        self.runs += len(matrices)
        return self.errors.largest(matrices)


def _moved(place: Tensor, ways: Tensor) -> Tensor:
    """``exp(way) place`` for rotation vectors ``[K, 3]``: ``[K, 3, 3]``."""
    return torch.linalg.matrix_exp(torch.einsum("ka,aij->kij", ways, O3.generators())) @ place

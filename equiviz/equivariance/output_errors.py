"""The relative error of a model's outputs at any elements of O(3): what searches and maps ask for, again and again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.orbit_runs import OrbitRuns
from equiviz.equivariance.subject import as_subject
from equiviz.equivariance.transformed_input import orientations
from equiviz.features.model_input import ModelInput, measured
from equiviz.features.precision import wide
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs

CANCELLED = 1e-5
"""An output smaller than this part of what it is where nothing cancels is rounding, in float32."""


@dataclass(frozen=True, eq=False)
class OutputErrors:
    """A function of elements of O(3).

    Attributes:
        runs: the model, its input, and its record.
        names: of the outputs; of the last stage, where outputs are not typed.
    """

    runs: OrbitRuns
    names: list[str]

    @classmethod
    def of(
        cls,
        model: nn.Module | Callable[..., object],
        x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
        supports: Mapping[str, Support] | None = None,
        inputs: Inputs | None = None,
        outputs: Outputs | None = None,
        per: Per | None = None,
    ) -> OutputErrors:
        """Run the model on the input as it came; arguments as in `equiviz.check`.

        Raises:
            CheckError: no rotation acts on the input.
            CheckError, CaptureError, ModelError, StructureError: as `equiviz.check`.
        """
        subject, taken = as_subject(model, x, inputs, outputs, per)
        orientations(taken, "SO(3)", "This search")
        runs = OrbitRuns.of(subject, measured(subject, taken), supports)
        return cls(runs, runs.outputs)

    def at(self, matrices: Tensor) -> Tensor:
        """Errors ``[Q, outputs]`` at the elements ``[Q, 3, 3]``.

        Each is ||D(g^-1) f(g x) - f(x)|| divided by the rms of ||f(x)|| and ||f(g x)||; zero where both are zero,
        infinite where they are not finite. An output that symmetry makes cancel, so that only rounding is left of it,
        is measured by its size where nothing cancels.

        Raises:
            CheckError: the model raises on a turned input, or an output has other rows in other orientations.
        """
        parts = [
            torch.stack([self._error(part, name, stages) for name in self.names], 1)
            for part, stages in self.runs.over(Orbit.of(matrices))
        ]
        return torch.cat(parts)

    def largest(self, matrices: Tensor) -> Tensor:
        """The largest error of any output, ``[Q]``."""
        return self.at(matrices).amax(1)

    def _error(self, part: Orbit, name: str, stages: Mapping[str, Tensor]) -> Tensor:
        if name not in stages:
            raise CheckError(f"{name} cannot be compared: {self.runs.left_out[name]}.")
        item = self.runs.reference[name]
        expected = wide(item.values)[None]  # [1, rows, ..., dim]
        found = part.turn(item.representation, stages[name], back=True)
        difference, norms = (found - expected).flatten(1).norm(dim=1), found.flatten(1).norm(dim=1)
        scale = ((norms.square() + expected.norm().square()) / 2).sqrt()
        natural = max(self.runs.scales.sizes.get((name, label), 0.0) for label in item.representation.labels())
        natural *= math.sqrt(max(1, len(item)))
        scale = torch.where(scale < CANCELLED * natural, natural, scale)
        error = torch.where(scale == 0, 0.0, difference / scale)
        return torch.where(error.isfinite(), error, torch.inf).cpu()

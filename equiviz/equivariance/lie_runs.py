"""The passes that a Lie derivative is made of, each under the same chance, and norms of what they give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor, nn

from equiviz.equivariance.dual_pass import DualPass, dual_pass
from equiviz.equivariance.finite_differences import Differences, finite_differences
from equiviz.equivariance.transformed_input import disturbed
from equiviz.features.capture import Capture, capture
from equiviz.features.model_input import ModelInput
from equiviz.features.precision import coarsest, wide
from equiviz.nn.stage import Support
from equiviz.symmetry.generators import Generator

Block: TypeAlias = tuple[str, str]
"""A stage and an irrep."""


@dataclass(eq=False)
class LieRuns:
    """One model on one input.

    Attributes:
        model: the model.
        x: what its forward takes.
        reference: the record of x.
        dtype: the coarsest floating type among parameters and stages.
        seed: of whatever chance the model takes, and of the disturbance by rounding.
        supports: as in `equiviz.capture`.
    """

    model: nn.Module
    x: ModelInput
    reference: Capture
    dtype: torch.dtype
    seed: int
    supports: Mapping[str, Support]

    @classmethod
    def of(cls, model: nn.Module, x: ModelInput, seed: int, supports: Mapping[str, Support]) -> LieRuns:
        """Record x once; see the class."""
        torch.manual_seed(seed)
        reference = capture(model, x, supports=supports)
        return cls(model, x, reference, coarsest(model, reference.values()), seed, supports)

    def dual(self, generator: Generator, near: bool = False) -> DualPass:
        """Forward mode along a generator, on x, or on x disturbed by rounding."""
        self._same_chance()
        return dual_pass(self.model, self._disturbed() if near else self.x, generator, self.supports)

    def differences(self, generator: Generator, step: float) -> Differences:
        """Finite differences along a generator. Raises CheckError where the model raises on moved input."""
        return finite_differences(self.model, self.x, self.reference, generator, step, self.supports, self._same_chance)

    def doubts(self, stage: str, found: Differences, smooth: bool = False) -> dict[str, float]:
        """How wrong finite differences may be, by irrep: their truncation, and rounding of the values over the step."""
        truncation = found.truncation(stage, lambda values: self.norms(stage, values), smooth)
        rounding = self.norms(stage, self._noise[stage])
        return {irrep: truncation[irrep] + rounding[irrep] / found.step for irrep in truncation}

    def norms(self, stage: str, values: Tensor | None = None) -> dict[str, float]:
        """The norm of each irrep of a stage, or of other values in its place; infinite where not finite."""
        typed = self.reference[stage].with_values(wide(self.reference[stage].values) if values is None else values)
        return {irrep: _norm(typed[irrep]) for irrep in typed.representation.labels()}

    @cached_property
    def _noise(self) -> dict[str, Tensor]:
        """What one unit in the last place of the input does to each stage; at least one unit of its own values."""
        self._same_chance()
        near = capture(self.model, self._disturbed(), supports=self.supports)
        made: dict[str, Tensor] = {}
        for name, found in self.reference.items():
            values = wide(found.values)
            moved = near[name].values if name in near and near[name].values.shape == values.shape else found.values
            noise = torch.maximum((wide(moved) - values).abs(), torch.finfo(self.dtype).eps * values.abs())
            made[name] = noise.to(values.dtype)
        return made

    def _disturbed(self) -> ModelInput:
        return disturbed(self.x, torch.finfo(self.dtype).eps, torch.Generator().manual_seed(self.seed))

    def _same_chance(self) -> None:
        torch.manual_seed(self.seed)


def _norm(values: Tensor) -> float:
    norm = math.sqrt(float(values.abs().square().sum()))
    return norm if math.isfinite(norm) else math.inf

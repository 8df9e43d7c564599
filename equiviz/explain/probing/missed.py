"""The other direction of a probe: how much of a stage do the experts' descriptors miss, and where?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.probing.question import Question
from equiviz.explain.probing.ridge import nested_predictions

COMPONENTS = 32
"""Principal components of a stage's invariants that experts are asked for, at most."""
ENOUGH = 0.99
"""Share of the variance at which fewer components are enough."""


@dataclass(frozen=True, eq=False)
class StageMissed:
    """One stage, regressed on all descriptors together.

    Attributes:
        stage: its name.
        components: how many leading components of its invariants were predicted.
        kept: the share of the variance of its invariants that they hold.
        r2: the share of their variance that the descriptors explain, over held-out environments.
        low, high: its 95 % interval, by resampling the groups that were held out together.
        shuffled: the same with the descriptors of other environments: about 0 is due.
        residuals: of each environment [N], the length of what is not explained over the root mean square length of
            what was to be explained: 1 is as bad as the mean.
    """

    stage: str
    components: int
    kept: float
    r2: float
    low: float
    high: float
    shuffled: float
    residuals: Tensor


def missed_of_stage(stage: str, columns: Tensor, question: Question) -> StageMissed | None:
    """Predict the leading components of a stage from the targets of a question; None where either is constant.

    Args:
        stage: its name.
        columns: its invariants [N, F], centred.
        question: its targets are the descriptors.
    """
    descriptors = _standardised(question.targets)
    if not columns.shape[1] or not descriptors.shape[1]:
        return None
    wanted, kept = _leading(columns)
    found = nested_predictions(descriptors, wanted, question.fold)
    errors = (wanted - found).square().sum(1, keepdim=True)  # [N, 1]
    spread = (wanted - wanted.mean(0)).square().sum(1, keepdim=True)
    r2, low, high = question.share(errors, spread)
    blind = nested_predictions(descriptors[question.shuffled()], wanted, question.fold)
    shuffled = 1 - float((wanted - blind).square().sum() / spread.sum())
    residuals = (errors.squeeze(1) / spread.mean()).sqrt()
    return StageMissed(stage, wanted.shape[1], kept, float(r2), float(low), float(high), shuffled, residuals)


def _leading(columns: Tensor) -> tuple[Tensor, float]:
    """The leading principal components [N, C] at their own variance, and their share of it."""
    columns = columns - columns.mean(0)
    values, vectors = torch.linalg.eigh(columns.T @ columns)
    shares = values.flip(0).clamp(min=0).cumsum(0) / values.clamp(min=0).sum()
    count = min(COMPONENTS, int((shares < ENOUGH).sum()) + 1, columns.shape[1])
    return columns @ vectors[:, -count:], float(shares[count - 1])


def _standardised(targets: Tensor) -> Tensor:
    centred = targets - targets.mean(0)
    spread = centred.square().mean(0).sqrt()
    varies = spread > 1e-12 * targets.abs().amax(0)
    return centred[:, varies] / spread[varies]

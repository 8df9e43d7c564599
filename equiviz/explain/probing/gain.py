"""What training gave: the trained network beside networks of random weights, on the same regressions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equiviz.explain.probing.report import ProbeScore

# A smaller difference of R2 is called none: networks differ by their seeds alone.
SUBSTANTIAL = 0.05


@dataclass(frozen=True)
class Gain:
    """One descriptor, read off the trained network and off random weights.

    Attributes:
        target: which.
        trained, fresh: their scores; each at its own best stage, or both at the same one.
    """

    target: str
    trained: ProbeScore
    fresh: ProbeScore

    @property
    def difference(self) -> float:
        """R2 of the trained network minus that of random weights."""
        return self.trained.r2 - self.fresh.r2

    @property
    def known(self) -> bool:
        """Whether the better of the two networks is better than a guess of the mean."""
        return max(self.trained, self.fresh, key=lambda score: score.r2).low > 0

    @property
    def sign(self) -> int:
        """1: training brought it out; -1: training gave it up; 0: intervals overlap, or the difference is small, or
        neither network knows it."""
        if not self.known:
            return 0
        if abs(self.difference) < SUBSTANTIAL:
            return 0
        return int(self.trained.low > self.fresh.high) - int(self.trained.high < self.fresh.low)


def best_gains(scores: Sequence[ProbeScore]) -> list[Gain]:
    """For each descriptor, the best stage of the trained network beside the best one of random weights."""
    own, other = _best(scores, "trained"), _best(scores, "random weights")
    return [Gain(target, own[target], other[target]) for target in own if target in other]


def gains_at(scores: Sequence[ProbeScore], stage: str) -> list[Gain]:
    """For each descriptor, both networks at one stage."""
    return best_gains([score for score in scores if score.stage == stage])


def _best(scores: Sequence[ProbeScore], control: str) -> dict[str, ProbeScore]:
    best: dict[str, ProbeScore] = {}
    for score in scores:
        if score.control != control or math.isnan(score.r2):
            continue
        if score.target not in best or score.r2 > best[score.target].r2:
            best[score.target] = score
    return best

"""One line of a spectrum: how one irrep of one stage varies over an orbit, and with which characters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from equiviz.equivariance.orbit_moments import Character
from equiviz.equivariance.round_off import DROWNED

SpectrumStatus: TypeAlias = Literal["constant", "varies", "not finite", "all zero", "drowned in rounding"]
CONSTANT: frozenset[Character] = frozenset({(0, 1), (0, 0)})
"""The characters of what an exact model has, and nothing else."""


@dataclass(frozen=True)
class BlockSpectrum:
    """What an orbit says of one irrep of one stage, of the values h(g) = D(g^-1) f(g x).

    Attributes:
        stage, support, irrep: which block.
        mean_square: mean over elements, rows and copies of the squared norm of one copy, in the stage's unit squared.
        variance: the mean square of h about its mean.
        smaller: the variance as the smaller rule finds it; NaN where there is none.
        floor: relative change of the block when the input is disturbed by one unit in the last place.
        tolerance: relative standard deviations above it count.
        shares: the part of each character (lambda, sigma) in the mean square of h.
        raw: the same of f(g x) itself; None where that was not asked for.
    """

    stage: str
    support: str
    irrep: str
    mean_square: float
    variance: float
    smaller: float
    floor: float
    tolerance: float
    shares: Mapping[Character, float]
    raw: Mapping[Character, float] | None = None

    @property
    def relative_std(self) -> float:
        """Standard deviation of h over the group / its root mean square; NaN where all is zero."""
        return _ratio(self.variance, self.mean_square) ** 0.5

    @property
    def status(self) -> SpectrumStatus:
        """What follows; "constant" is what an exact model is."""
        if not math.isfinite(self.mean_square):
            return "not finite"
        if self.mean_square == 0:
            return "all zero"
        if self.floor > DROWNED:
            return "drowned in rounding"
        return "varies" if self.relative_std > self.tolerance else "constant"

    @property
    def completeness(self) -> float:
        """The sum of all shares: 1 where the largest lambda holds everything."""
        return sum(self.shares.values())

    @property
    def beyond(self) -> float:
        """The share of the mean square above the largest lambda. Found without cancellation, so tiny ones are right."""
        return max(0.0, _ratio(self.variance, self.mean_square) - sum(self.broken.values()))

    @property
    def broken(self) -> dict[Character, float]:
        """The shares that an exact model does not have."""
        return {character: share for character, share in self.shares.items() if character not in CONSTANT}

    def share_of_break(self, character: Character) -> float:
        """The part of one character in the variance; NaN where that is zero, or the character is no break."""
        if character in CONSTANT:
            return math.nan
        return _ratio(self.shares[character] * self.mean_square, self.variance)

    @property
    def beyond_of_break(self) -> float:
        """The part of the variance above the largest lambda; NaN where the variance is zero."""
        return _ratio(self.beyond * self.mean_square, self.variance)

    @property
    def change(self) -> float:
        """Relative difference between the variances of both rules; NaN where there is one only."""
        return _ratio(abs(self.smaller - self.variance), self.variance)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan

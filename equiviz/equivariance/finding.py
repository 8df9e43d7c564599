"""One line of a check: one irrep of one stage under one kind of transformation, and what it means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from equiviz.equivariance.claims import Kind

Status: TypeAlias = Literal["holds", "breaks", "not finite", "not passed", "all zero", "drowned in rounding"]
_FAILURES: frozenset[Status] = frozenset({"breaks", "not finite", "not passed"})
_SILENT: frozenset[Status] = frozenset({"all zero", "drowned in rounding"})


class Broken(NamedTuple):
    """Where a symmetry breaks first."""

    stage: str
    irrep: str


@dataclass(frozen=True)
class Finding:
    """What the trials of one kind say of one irrep of one stage.

    Attributes:
        stage, support, irrep: which block.
        group: the kind of transformation.
        inherited: rms over trials of ||D f(x) - f(g x)||, relative to the rms over trials of ||f||, in the full run.
        local: the same when the stage reads the exactly transformed output of the stages before it; NaN where rows
            cannot be compared so (company, supercells).
        floor: the same for an input disturbed by one unit in the last place: what rounding does.
        precise: `inherited` of the same weights in float64; NaN where that was not tried.
        tolerance: errors above it count.
        claimed: whether the model claims this symmetry.
        status: "holds"; "breaks"; "not finite" and "not passed" (a run left the stage out), which are failures too;
            "all zero" and "drowned in rounding", which are not informative.
        guilty: whether the stage breaks the symmetry itself, by its local error.
        trials: how many comparisons.
        drawn: how many of them were of elements drawn at random; only these count for confidence.
        worst: the element with the largest error.
    """

    stage: str
    support: str
    irrep: str
    group: Kind
    inherited: float
    local: float
    floor: float
    precise: float
    tolerance: float
    claimed: bool
    status: Status
    guilty: bool
    trials: int
    drawn: int
    worst: str

    @property
    def error(self) -> float:
        """The inherited error: what the model as a whole does at this block."""
        return self.inherited

    @property
    def passed(self) -> bool | None:
        """True, False, or None where the block is not informative."""
        if self.status in _SILENT:
            return None
        return self.status not in _FAILURES

    @property
    def alarming(self) -> bool:
        """A failure of something that the model claims."""
        return self.claimed and self.passed is False


@dataclass(frozen=True)
class Verdict:
    """What a check says of one kind of transformation.

    Attributes:
        group: the kind.
        claimed: whether the model claims it.
        passed: True; False; None where nothing was tried, or nothing was informative.
        error: largest relative error of an informative block; NaN where there is none.
        at: where that is.
        trials: number of elements tried.
        drawn: number of those that were drawn at random, at the block with fewest. Without a failure among n of them,
            at most 3/n of all elements fail (at 95 % confidence).
    """

    group: Kind
    claimed: bool
    passed: bool | None
    error: float
    at: Broken | None
    trials: int
    drawn: int = 0


def verdict(group: Kind, claimed: bool, findings: list[Finding]) -> Verdict:
    """Sum up the findings of one kind. A block that fails outweighs one with a larger error that its floor explains."""
    told = [finding for finding in findings if finding.passed is not None]
    if not told:
        trials = max((finding.trials for finding in findings), default=0)
        return Verdict(group, claimed, None, math.nan, None, trials)
    worst = max(told, key=lambda finding: (finding.passed is False, finding.error))
    at = Broken(worst.stage, worst.irrep)
    return Verdict(group, claimed, worst.passed, worst.error, at, worst.trials, min(f.drawn for f in told))

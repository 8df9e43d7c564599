"""The plain words of an attribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from equiviz.explain.attribution.quality import Quality
from equiviz.explain.attribution.shares import Shares
from equiviz.explain.attribution.varied_input import EDGES

EXACT = 0.01
"""Of the sizes of all scores: what is missing of completeness may be called nothing."""
FAITHFUL = 0.999
NOTHING = 1e-9
"""Of the prediction: a baseline below it is rounding."""


def described(
    asked: str, method: str, complete: bool, strongest: Sequence[tuple[str, float]], shares: Shares, measured: Quality
) -> str:
    """All sentences."""
    told = ", ".join(f"{name} ({score:+.3g})" for name, score in strongest)
    lines = [f"By {method}, {asked} = {shares.value:.4g} rests most on {told or 'nothing'}."]
    lines += [_sum(complete, shares, measured)]
    lines += [sentence for sentence in (_turning(measured), _stability(measured)) if sentence]
    return "\n".join(lines)


def _sum(complete: bool, shares: Shares, measured: Quality) -> str:
    if not complete:
        return "These scores are not meant to sum up to the prediction: they order, they do not share out."
    change = f"{shares.value - shares.baseline:+.4g}"
    if math.isnan(shares.baseline):
        return f"The scores sum up to {shares.sum:+.4g}."
    start = unless_rounding(shares.baseline, shares.value)
    if shares.through:
        return (
            f"Without edges the prediction is {start:.4g}. The messages of {shares.through} carry {shares.sum:+.4g} of "
            f"the change of {change}; the rest goes round them (other readouts, self-connections, biases)."
        )
    where = "Without edges" if math.isnan(shares.edgeless) else "With every neighbour at the cutoff"
    if shares.parts and EDGES not in shares.parts:
        where = "Of an input of zeros"
    lead = f"{where} the prediction is {start:.4g}; the scores sum up to {shares.sum:+.4g} of"
    if math.isnan(measured.completeness) or measured.completeness <= EXACT:
        return f"{lead} the change of {change}.{_hard_edge(shares)}"
    return (
        f"{lead} the change of {change}: {measured.completeness:.0%} of all scores is missing. Either the "
        "prediction jumps on the way (an average over neighbours within a hard edge does), or more steps= are needed."
    )


def unless_rounding(value: float, beside: float) -> float:
    """The number, or zero where it is nothing beside another."""
    return 0.0 if abs(value) < NOTHING * abs(beside) else value


def _hard_edge(shares: Shares) -> str:
    """Whether a neighbour at the cutoff still counts."""
    if math.isnan(shares.edgeless):
        return ""
    left = abs(shares.baseline - shares.edgeless)
    if left <= EXACT * max(abs(shares.value - shares.baseline), NOTHING * abs(shares.value)):
        return ""
    return (
        f" Neighbours at the cutoff still count: without them it would be {shares.edgeless:.4g}, so the model does not "
        "fade out there, and what the last step brings belongs to no score."
    )


def _turning(measured: Quality) -> str:
    if math.isnan(measured.equivariance):
        return ""
    if measured.equivariance >= FAITHFUL:
        return f"Of the turned input the explanation is the turned one, within {measured.departure:.1g} (relative)."
    return (
        f"Of the turned input the explanation is another one (cosine {measured.equivariance:.3f}): do not read more "
        "into it than that allows."
    )


def _stability(measured: Quality) -> str:
    if measured.stability == 1.0 or math.isnan(measured.stability):
        return ""
    return f"With other random numbers the scores are alike to a cosine of {measured.stability:.3f}."

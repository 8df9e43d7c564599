"""What the widget says of one block, and of the share that each point has in its error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor

from equiviz.equivariance.finding import Finding, Verdict
from equiviz.equivariance.percent import percent

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport

HOLDS, BREAKS, SILENT = "✓", "✗", "?"
SIGNS = f"{HOLDS} holds   {BREAKS} breaks   {SILENT} says nothing   ( ) not claimed"


def sign(passed: bool | None) -> str:
    """A verdict as one character."""
    return SILENT if passed is None else HOLDS if passed else BREAKS


def tab_title(verdict: Verdict) -> str:
    """The kind with its verdict; in brackets where the model does not claim it."""
    return f"{sign(verdict.passed)} {verdict.group if verdict.claimed else f'({verdict.group})'}"


def verdict_words(verdict: Verdict) -> str:
    """One line on a kind of transformation."""
    claim = "claimed" if verdict.claimed else "not claimed"
    if verdict.passed is None:
        return f"{verdict.group} ({claim}): nothing was informative on this input."
    where = "" if verdict.at is None else f", at {verdict.at.stage}, {verdict.at.irrep}"
    told = "holds" if verdict.passed else "breaks"
    error = f"largest relative error {size(verdict.error)}{where}"
    return f"{verdict.group} ({claim}): {told}; {error}; {verdict.trials} trials."


def block_words(finding: Finding) -> str:
    """One line on a block."""
    itself = ", by itself" * finding.guilty
    local = "" if math.isnan(finding.local) else f" ({size(finding.local)} locally)"
    error = "" if math.isnan(finding.inherited) else f": relative error {size(finding.inherited)}{local}"
    rounding = f"rounding explains {size(finding.floor)}, errors above {finding.tolerance:.0e} count"
    worst = f" Worst at {finding.worst}." * bool(finding.worst)
    return f"{finding.stage}, {finding.irrep}, {finding.status}{itself}{error}; {rounding}.{worst}"


def cell_words(finding: Finding) -> str:
    """What a cell of the heat map says on hover, beside its number."""
    parts = [f"{finding.status}{', by itself' * finding.guilty}", f"floor {size(finding.floor)}"]
    parts += [f"tolerance {finding.tolerance:.0e}"]
    return ", ".join(parts) + f" · worst at {finding.worst}" * bool(finding.worst)


def cell_text(finding: Finding, error: float, broken: bool) -> str:
    """What stands in a cell: a sign where something is wrong, and the error."""
    if finding.passed is None:
        return f"{SILENT} {_short(error)}".strip()
    if not broken:
        return _short(error)
    return f"{BREAKS} {_short(error)}" if finding.claimed else f"({BREAKS}) {_short(error)}"


def share_words(shares: Tensor) -> str:
    """Who has most of the error."""
    most = int(shares.argmax())
    return f"Largest share: number {most}, {size(float(shares[most]))}; an even share is {size(1 / len(shares))}."


def why_no_shares(report: CheckReport, finding: Finding, local: bool) -> str:
    """Why points have no share in the error of a block."""
    if report.sums is None:
        return "The share of each point is not known: the report holds no measurements."
    if finding.support == "graph":
        return f"No share for each point: {finding.stage} gives one value for the whole structure."
    if local:
        return "No share for each point: this has no local error; look at the inherited one."
    return "No share for each point: the error is zero, or not finite, or its rows are not the points."


def size(error: float) -> str:
    """A relative error for readers: whole percent above one."""
    if error == 0:
        return "0"
    return f"{100 * error:.0f} %" if 1 <= error < math.inf else percent(error)


def _short(error: float) -> str:
    if math.isnan(error):
        return ""
    if not math.isfinite(error):
        return "inf"
    return f"{error:.0e}".replace("e-0", "e-").replace("e+00", "") if error else "0"

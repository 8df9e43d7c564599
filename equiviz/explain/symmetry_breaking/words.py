"""The result of `symmetry_breaking` in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.explain.symmetry_breaking.own_symmetry import SAME

if TYPE_CHECKING:
    from equiviz.explain.symmetry_breaking.report import SymmetryBreakingReport

_MEANING = {
    "0o": "a handedness",
    "1o": "a direction with a head and a tail, as a vector has",
    "1e": "an axis with a sense of turning, as an angular momentum has",
    "2e": "a stretch: long and short axes without heads",
}
BROKEN = 1e-3
MOST = 4


def sentences(report: SymmetryBreakingReport) -> list[str]:
    """A few sentences: the data first, then the model."""
    return [*_data(report), *_model(report)]


def _data(report: SymmetryBreakingReport) -> list[str]:
    own, kept = report.own.describe(), report.kept.describe()
    if report.missing_share <= SAME**2:
        return [
            f"The input has the symmetry {own}, and the target has all of it: an equivariant network can fit it, and "
            f"needs nothing besides. (What breaks it is below {SAME:.0e} of the target's norm, the noise floor.)"
        ]
    lines = [
        f"The input has the symmetry {own}; with its target only {kept} is left. An equivariant network keeps all "
        f"symmetries of its input, so {report.missing_share:.1%} of the target (of its squares) is out of reach for "
        "any such network, however it is trained."
    ]
    if not report.enough:
        highest = max((carrier.irrep.l for carrier in report.carriers), default=0)
        return [*lines, f"No order parameter up to degree {highest} reaches it: ask for a higher lmax."]
    names = " + ".join(report.needed)
    known = [f"{name} is {_MEANING[name]}" for name in report.needed if name in _MEANING]
    told = f" ({'; '.join(known)})" if known else ""
    lines.append(f"What is missing is {names}{told}. As a further input, it brings all of the target within reach.")
    return lines + _others(report)


def _others(report: SymmetryBreakingReport) -> list[str]:
    useless = [str(c.irrep) for c in report.carriers if c.share < BROKEN and 0 < c.irrep.l <= 2]
    also = [str(c.irrep) for c in report.carriers if c.share > 1 - BROKEN and str(c.irrep) not in report.needed]
    lines = [f"Of no use alone, at first order: {', '.join(useless)}."] if useless else []
    return lines + ([f"Higher irreps that would do as well: {', '.join(also[:MOST])}."] if also else [])


def _model(report: SymmetryBreakingReport) -> list[str]:
    if report.loss is None:
        return []
    lines = [f"The target is compared with the output {report.output} of {report.model}."]
    if report.model_breaks > BROKEN:
        lines.append(
            f"Beware: the output of {report.model} breaks the input's symmetry itself, by {report.model_breaks:.1%} of "
            "its norm. It is not equivariant, or the structure is less symmetric than the tolerance says; do not trust "
            "its gradients here."
        )
    if report.missing_share <= SAME**2:
        return lines
    strongest = report.pulled()
    if not strongest:
        each = report.pulled("each node")
        told = f"; node by node it does, most at {each[0].place}, {each[0].irrep}" if each else ""
        return [*lines, f"No place in {report.model} that was looked at feels the loss pull beyond the symmetry{told}."]
    found = "; ".join(
        f"{p.place}, {p.irrep} (gradient {p.needed:.2g}, floor {max(p.floor, 1e-16):.0e})" for p in strongest[:MOST]
    )
    return [*lines, f"In {report.model} the loss pulls beyond the input's symmetry at {found}."]

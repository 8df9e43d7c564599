"""The result of a check, as a colleague would say it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from equiviz.equivariance.claims import Kind
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.finding import Finding, Verdict
from equiviz.equivariance.percent import percent
from equiviz.symmetry.named_groups import EVERY

_ACT: dict[Kind, str] = {known.kind: known.act for known in EVERY} | {
    "permutation": "the order of the atoms",
    "lattice": "the choice of the cell (atoms moved by lattice vectors, a supercell)",
    "batch": "batch independence (a structure alone and in company)",
    "determinism": "determinism (two identical calls)",
}
_LIKELY: dict[Kind, str] = {known.kind: known.likely for known in EVERY} | {
    "permutation": "Something depends on the order of atoms or edges: a running sum, a truncated neighbour list.",
    "lattice": "Something depends on which image of an atom is listed, or on the size of the cell.",
    "batch": "Something mixes structures: a normalisation over the batch, or a wrong batch index.",
    "determinism": "Two identical calls differ: dropout, training mode, or another source of chance.",
}

_WIDE = tuple(known.kind for known in EVERY if known.wide)


def sentences(
    model: str, findings: list[Finding], verdicts: Iterable[Verdict], diagnoses: Sequence[Diagnosis] = ()
) -> list[str]:
    """First what is broken and why, else that all holds; then what was not claimed, and what says nothing."""
    verdicts = list(verdicts)
    lines = _alarms(findings, verdicts, diagnoses) or [_all_well(model, verdicts)]
    lines += [_unclaimed(model, v) for v in verdicts if not v.claimed and v.passed is not None]
    lines += _silent(findings)
    return lines + _untried([v.group for v in verdicts if v.trials == 0])


def _untried(kinds: Sequence[Kind]) -> list[str]:
    """What could not be tried; that a molecule has no lattice goes without saying."""
    why: dict[Kind, str] = {known.kind: known.missing for known in EVERY} | {
        "batch": " (the model takes no list of structures)",
        "permutation": " (there is one node)",
    }
    told = [f"{_ACT[kind]}{why.get(kind, '')}" for kind in kinds if kind != "lattice"]
    return [f"Not tried: {'; '.join(told)}."] if told else []


def _alarms(findings: list[Finding], verdicts: list[Verdict], diagnoses: Sequence[Diagnosis]) -> list[str]:
    broken: list[Kind] = [v.group for v in verdicts if v.claimed and v.passed is False]
    lines = [_first_break([f for f in findings if f.group == group]) for group in broken]
    lines += [cause_words(one) for one in diagnoses]
    told = {one.group for one in diagnoses}
    # One cause explains the rest: chance explains every failure, a broken rotation an inversion's.
    explained_first: tuple[Kind, ...] = ("determinism", *_WIDE)
    first: list[Kind] = [kind for kind in explained_first if kind in broken]
    roots = first[:1] if first else broken
    return lines + [_LIKELY[kind] for kind in roots if kind not in told]


def cause_words(one: Diagnosis) -> str:
    """A diagnosis in two sentences: the cause with its evidence, and what to do."""
    lead = "Cause found" if one.sure else "Hint"
    evidence = ""
    if one.sure and not math.isnan(one.after) and not math.isinf(one.before):
        evidence = f" (with {one.tried} the error falls from {percent(one.before)} to {percent(one.after)})"
    return f"{lead}: {one.cause}{evidence}. {one.fix}"


def _first_break(findings: list[Finding]) -> str:
    failing = [finding for finding in findings if finding.passed is False]
    guilty = [finding for finding in failing if finding.guilty]
    first = guilty[0] if guilty else failing[0]
    others = list(dict.fromkeys(f.stage for f in guilty if f.stage != first.stage))
    heirs = list(dict.fromkeys(f.stage for f in failing if f.stage != first.stage and f.stage not in others))
    beside = [f"{f.irrep} ({_size(f)})" for f in guilty if f.stage == first.stage and f.irrep != first.irrep]
    line = f"{first.stage} breaks {_ACT[first.group]} in its {first.irrep} block ({_how(first)})"
    line += f", and in {_some(beside)}." if beside else "."
    if others:
        itself = "itself" if len(others) == 1 else "themselves"
        line += f" {_some(others)} break{'s' * (len(others) == 1)} it too, by {itself}."
    if heirs and guilty:
        line += f" {_some(heirs)} only inherit{'s' * (len(heirs) == 1)} that."
    elif heirs:
        line += f" {_some(heirs)} fail{'s' * (len(heirs) == 1)} too, which may be inherited."
    return line


def _how(finding: Finding) -> str:
    if finding.status == "not finite":
        return f"a number is not finite, at {finding.worst}"
    if finding.status == "not passed":
        return f"one of the two runs does not pass it, at {finding.worst}"
    return f"{_size(finding)}; rounding explains {percent(finding.floor)}; worst at {finding.worst}"


def _size(finding: Finding) -> str:
    if finding.guilty and not math.isnan(finding.local):
        return f"{percent(finding.local)} locally"
    return percent(finding.inherited)


def _all_well(model: str, verdicts: list[Verdict]) -> str:
    told = [v for v in verdicts if v.claimed and v.passed]
    if not told:
        return f"Nothing in {model} was informative on this input: every typed tensor is zero, empty or rounding noise."
    worst = max(told, key=lambda v: v.error)
    line = f"{model} keeps what it claims, to rounding: {', '.join(v.group for v in told)}"
    where = f" (largest relative error {percent(worst.error)}, {worst.at.stage}, {worst.at.irrep})" if worst.at else ""
    return line + where + "." + "".join(_confidence(v.group, v.drawn) for v in told if v.group in _WIDE)


def _confidence(kind: Kind, drawn: int) -> str:
    """The rule of three: n trials without a failure bound the measure of the failing set by 3/n."""
    if drawn < 4:
        return ""
    return (
        f" None of {drawn} random {_ACT[kind]}s failed: a break that only a few {_ACT[kind]}s show, fewer than "
        f"{3 / drawn:.0%}, could have been missed (95 % confidence); more elements narrow that."
    )


def _unclaimed(model: str, v: Verdict) -> str:
    if v.passed:
        return f"{model} does not claim {_ACT[v.group]}, but keeps it on this input."
    where = f" (up to {percent(v.error)}, at {v.at.stage}, {v.at.irrep})" if v.at else ""
    return f"{model} does not claim {_ACT[v.group]}, and does not have it{where}."


def _silent(findings: list[Finding]) -> list[str]:
    lines: list[str] = []
    for status, words in (("all zero", "zero everywhere"), ("drowned in rounding", "no larger than rounding noise")):
        blocks = list(dict.fromkeys(f"{f.stage} {f.irrep}" for f in findings if f.status == status))
        if blocks:
            lines.append(f"Not informative on this input, being {words}: {_some(blocks)}.")
    return lines


def _some(names: list[str], shown: int = 4) -> str:
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")

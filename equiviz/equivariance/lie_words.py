"""The result of a Lie derivative, as a colleague would say it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from equiviz.equivariance.lie_finding import LieFinding, LieStatus, Motion
from equiviz.equivariance.percent import percent
from equiviz.symmetry.named_groups import of_kind

_SILENT: dict[LieStatus, str] = {"all zero": "zero everywhere", "drowned in rounding": "no larger than rounding noise"}
_SCOPE = (
    "A Lie derivative is what a small motion of the input does to a block beyond moving the block itself. It tells of "
    "motions that begin small; inversion, order and company are tried by equiviz.check."
)


def sentences(model: str, findings: list[LieFinding], reasons: Mapping[str, str]) -> list[str]:
    """First what is broken, else that all holds; then what is not claimed; then how it was found, and what is left."""
    motions: list[Motion] = list(dict.fromkeys(finding.motion for finding in findings))
    by_motion = {motion: [f for f in findings if f.motion == motion] for motion in motions}
    lines = [_first_break(some) for some in by_motion.values() if any(f.alarming for f in some)]
    lines = lines or [_all_well(model, [finding for finding in findings if finding.claimed])]
    lines += [_unclaimed(model, motion, some) for motion, some in by_motion.items() if _told(some, claimed=False)]
    lines += [_method(findings, reasons), *_silent(findings), _SCOPE]
    return [line for line in lines if line]


def per(finding: LieFinding) -> str:
    """The unit of a generator, as the end of a sentence."""
    return "per radian" if finding.per == "radian" else f"per shift by the points' own spread, {finding.per}"


def _first_break(findings: list[LieFinding]) -> str:
    failing = [finding for finding in findings if finding.alarming]
    stage, irrep, motion = failing[0].stage, failing[0].irrep, failing[0].motion
    worst = max((f for f in failing if (f.stage, f.irrep) == (stage, irrep)), key=lambda f: f.value)
    later = list(dict.fromkeys(f.stage for f in failing if f.stage != stage))
    if worst.status == "not finite":
        line = f"{stage} is not finite in its {irrep} block, or its derivative is not."
    elif math.isinf(worst.value):
        line = (
            f"{stage} breaks {_word(motion)} in its {irrep} block: a small {_along(worst)} moves it, though it is zero."
        )
    else:
        line = (
            f"{stage} breaks {_word(motion)} in its {irrep} block: a small {_along(worst)} moves it, beyond what it "
            f"should, by {percent(worst.value)} of its size {per(worst)} ({_floor(worst)})."
        )
    return line + (f" {_some(later)} fail{'s' * (len(later) == 1)} after it, which may be inherited." if later else "")


def _word(motion: Motion) -> str:
    """The kind in a sentence, without what stands in brackets."""
    known = of_kind(motion)
    return motion if known is None else known.act.partition(" (")[0]


def _along(finding: LieFinding) -> str:
    """The generator's name, which says what it does where it holds its kind ("rotation about x")."""
    named = finding.generator.startswith(finding.motion)
    return finding.generator if named else f"{_word(finding.motion)} along {finding.generator}"


def _floor(finding: LieFinding) -> str:
    what = "rounding explains" if finding.method == "forward mode" else "finite differences may be wrong by"
    return f"{what} {percent(finding.floor)}"


def _all_well(model: str, findings: list[LieFinding]) -> str:
    told = _told(findings, claimed=True)
    if not findings:
        return ""
    if not told:
        return f"Nothing that {model} claims could be tried on this input: no block is informative."
    worst = max(told, key=lambda finding: finding.value)
    kinds = " and ".join(dict.fromkeys(_word(finding.motion) for finding in told))
    extent = "to rounding" if worst.method == "forward mode" else "as far as finite differences can tell"
    return (
        f"{model} follows every small {kinds}, {extent}: its largest Lie derivative is {percent(worst.value)} "
        f"{per(worst)} ({worst.stage}, {worst.irrep}, {worst.generator})."
    )


def _unclaimed(model: str, motion: Motion, findings: list[LieFinding]) -> str:
    worst = max(_told(findings, claimed=False), key=lambda finding: (finding.passed is False, finding.value))
    if worst.passed:
        return f"{model} does not claim {_word(motion)}, but keeps it on this input."
    where = f"{worst.stage}, {worst.irrep}, {worst.generator}"
    most = f"up to {percent(worst.value)} {per(worst)}, {where}"
    return f"{model} does not claim {_word(motion)}, and does not have it ({most})."


def _method(findings: list[LieFinding], reasons: Mapping[str, str]) -> str:
    """How it was found; the largest error of finite differences belongs to the statement."""
    if not reasons:
        ways = " and ".join(f"one random {_word(motion)}" for motion in dict.fromkeys(f.motion for f in findings))
        return (
            "Found by forward-mode differentiation, exact to rounding, and confirmed by finite differences along "
            f"{ways or 'nothing, for nothing moves this input'}."
        )
    differences = [f for f in findings if f.method == "finite differences" and math.isfinite(f.floor)]
    error = max((f.floor for f in differences if f.passed is not None), default=math.nan)
    lines = [
        f"By finite differences, because forward mode was no use there: {_some(stages)} ({reason})."
        for reason, stages in _grouped(reasons).items()
    ]
    rest = (
        " All other stages by forward-mode differentiation." if len(reasons) < len({f.stage for f in findings}) else ""
    )
    known = f" Their error is about {percent(error)} of the block or less." if math.isfinite(error) else ""
    return " ".join(lines) + known + rest


def _grouped(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    stages: dict[str, list[str]] = {}
    for stage, reason in reasons.items():
        stages.setdefault(reason, []).append(stage)
    return stages


def _silent(findings: list[LieFinding]) -> list[str]:
    lines: list[str] = []
    for status, words in _SILENT.items():
        blocks = list(dict.fromkeys(f"{f.stage} {f.irrep}" for f in findings if f.status == status))
        if blocks:
            lines.append(f"Not informative on this input, being {words}: {_some(blocks)}.")
    return lines


def _told(findings: list[LieFinding], claimed: bool) -> list[LieFinding]:
    return [f for f in findings if f.claimed is claimed and f.passed is not None]


def _some(names: list[str], shown: int = 4) -> str:
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")

"""The result of ablations in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equiviz.explain.interventions.ablation_report import AblationReport, AblationScore
    from equiviz.explain.interventions.changes import How

MOST = 4
"""Parts named in one sentence, before the rest is left to the table."""
# Turned at random, a part loses less than this share of what it loses when it is set to zero: only its norms are read.
_NORMS_ONLY = 0.1
_FEW = 8
_DONE: dict[How, str] = {
    "zero": "set to zero",
    "mean": "replaced by its mean over the rows of its structure",
    "shuffle": "shuffled among the rows of its structure",
    "rotate": "turned at random, row by row",
}
_WHAT = {
    "l": "one degree l of one stage",
    "parity": "one parity of one stage",
    "irrep": "one irrep of one stage",
    "channel": "one channel of one stage",
    "path": "one Clebsch-Gordan path of one product",
    "stage": "one whole stage",
}
_SAYS: dict[How, str] = {
    "mean": (
        "A mean over the rows is equivariant: what is lost is how rows differ. For l > 0 it is the structure's own net "
        "vector or tensor, often close to zero."
    ),
    "shuffle": "Shuffling keeps the values and loses which row has which: what stays is read as an average.",
}


def ablation_sentences(report: AblationReport) -> list[str]:
    """What was done, and the control; what is needed, and what not; norms or directions; what all this does not say."""
    return [
        _lead(report),
        _control(report),
        *(_needed(report, how) for how in report.ways),
        *_unused(report),
        *_directions(report),
        *(_SAYS[how] for how in report.ways if how in _SAYS),
        _caution(report),
    ]


def _lead(report: AblationReport) -> str:
    ways = ", or ".join(_DONE[how] for how in report.ways)
    return (
        f"In {report.model}, {_WHAT[report.by]} at a time was {ways}. Watched: {report.output}, "
        f"{_count(report.rows, 'row')} of {_count(report.structures, 'structure')}. {_measure(report)}"
    )


def _measure(report: AblationReport) -> str:
    """What an effect is."""
    if report.rows < 2:
        return _measure_of_one(report)
    if not report.supervised:
        return "There are no targets, so the effect is the mean square change of the output over its variance."
    r2 = 1 - report.loss / report.variance if report.variance else float("nan")
    return (
        "The effect is the increase of the mean square error over the variance of the targets, a loss in R2; the model "
        f"as it is has R2 = {r2:.3f}."
    )


def _measure_of_one(report: AblationReport) -> str:
    """One row has no variance: its square stands in its place."""
    if not report.supervised:
        return (
            "There are no targets, and one row has no variance, so the effect is the mean square change of the output "
            "over its mean square."
        )
    return (
        "The effect is the increase of the mean square error over the mean square of the targets: one row has no "
        "variance, and so no R2."
    )


def _count(number: int, of: str) -> str:
    return f"{number} {of}{'s' * (number != 1)}"


def _control(report: AblationReport) -> str:
    size = report.variance**0.5
    if report.nothing <= 1e-5 * size:
        rest = f" but rounding, {report.nothing:.0e}" if report.nothing else ""
        return f"Control: put in its own place, each part changes nothing{rest}."
    return (
        f"The control FAILS: put in its own place, parts change the output by up to {report.nothing:.1e}. The model is "
        "no function of its input, or breaks under hooks; do not trust what follows."
    )


def _needed(report: AblationReport, how: How) -> str:
    found = sorted((s for s in report.scores if s.how == how), key=lambda s: -s.effect)
    strong = [s for s in found if not s.unused()]
    if not strong:
        return f"{_DONE[how].capitalize()}, no part is missed."
    told = "; ".join(f"{_name(s, report)} {_effect(s)}" for s in strong[:MOST])
    more = f"; {len(strong) - MOST} more matter" if len(strong) > MOST else ""
    return f"{_DONE[how].capitalize()}, missed most: {told}{more}."


def _unused(report: AblationReport) -> list[str]:
    if "zero" not in report.ways:
        return []
    found = report.unused()
    if not found:
        return [f"Every part is used: none can be set to zero for less than a hundredth of the {_unit(report)}."]
    return [
        f"Unused (effect below .01 when set to zero): {_listed([_name(s, report) for s in found])}. "
        "That is one at a time; prune() tells how many can go together."
    ]


def _unit(report: AblationReport) -> str:
    return "variance" if report.rows > 1 else "mean square"


def _directions(report: AblationReport) -> list[str]:
    """What zero and rotate say together."""
    if not {"zero", "rotate"} <= set(report.ways):
        return []
    by_how = {(s.stage, s.part, s.how): s for s in report.scores}
    pairs = [(s, by_how[s.stage, s.part, "rotate"]) for s in report.scores if s.how == "zero" and not s.unused()]
    norms = [_name(zero, report) for zero, turned in pairs if turned.effect < _NORMS_ONLY * zero.effect]
    directions = [_name(zero, report) for zero, turned in pairs if turned.effect >= _NORMS_ONLY * zero.effect]
    said: list[str] = []
    if norms:
        said.append(
            f"Needed, but not for a direction (turning each row at random hardly matters): {_listed(norms)}. What is "
            "read of them are invariants; of l = 0 that is so by definition."
        )
    if directions:
        said.append(f"Needed with their directions, against other rows or stages: {_listed(directions)}.")
    return said


def _intervals(report: AblationReport) -> str:
    """What intervals are, and how far they can be trusted."""
    if report.rows < 2:
        return "There is one row only: no interval can be given. Show more structures to learn how sure this is."
    if report.resampled != "structures":
        return (
            f"There is one structure: intervals are 95 %, by resampling its {report.resampled}, which are not "
            "independent, so they are too narrow."
        )
    few = " So few tell little of others." if report.structures < _FEW else ""
    return f"Intervals are 95 %, by resampling {report.structures} structures.{few}"


def _caution(report: AblationReport) -> str:
    return (
        f"{_intervals(report)} What is taken away from one stage may reach the output by another way, and values that "
        "never occurred in training may do more harm than a missing part would: a large effect says that this network "
        "uses the part here, not that the task needs it."
    )


def _name(score: AblationScore, report: AblationReport) -> str:
    return score.stage if report.by == "stage" else f"{score.part} of {score.stage}"


def _effect(score: AblationScore) -> str:
    told = f"{score.effect:.3f}" if abs(score.effect) < 10 else f"{score.effect:.1e}"
    return told if score.low != score.low else f"{told} [{score.low:.3f}, {score.high:.3f}]"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST])
    return shown if len(names) <= MOST else f"{shown} and {len(names) - MOST} more"

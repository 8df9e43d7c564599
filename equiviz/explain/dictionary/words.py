"""A dictionary in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equiviz.explain.dictionary.judged import Explained
    from equiviz.explain.dictionary.report import DictionaryReport

TOLERATED = 1e-6
CLOSE = 0.02
MOST = 4


def sentences(report: DictionaryReport) -> list[str]:
    """What is explained, against the controls; the atoms; what they go with; whether codes turn as they should."""
    return [_lead(report), *_controls(report), _atoms(report), *_meanings(report), _commuting(report)]


def _lead(report: DictionaryReport) -> str:
    made, held = report.dictionary, int(report.sample.held_out.sum())
    own = _last(report, "dictionary")
    return (
        f"{len(made.atoms.labels)} atoms, of which {made.active} code each environment, explain {own.share:.1%} "
        f"[{own.low:.1%}, {own.high:.1%}] of the variance of {report.stage} on {held:,} environments that were held "
        f"out, of {len(report.sample.places):,}; every irrep counts alike."
    )


def _controls(report: DictionaryReport) -> list[str]:
    own = _last(report, "dictionary").share
    lines: list[str] = []
    names = dict.fromkeys(score.of for score in report.scores if score.of != "dictionary")
    told = {"principal components": "as many principal components, the same for all environments"}
    found = [f"{told.get(name, name)}: {_last(report, name).share:.1%}" for name in names]
    lines.append(f"Controls: {'; '.join(found)}.")
    shuffled = _last(report, "shuffled channels").share
    if own < shuffled + CLOSE:
        lines.append(
            "That is hardly more than shuffled channels give: the atoms are no structure of the data, they only profit "
            "from being picked."
        )
    if "random weights" in names and own < _last(report, "random weights").share + CLOSE:
        lines.append("A network that learned nothing is as sparse: what is found is the architecture's.")
    if report.unlearned:
        lines.append("No learned weights come before this stage: it says what environments are, not what was learned.")
    return lines


def _atoms(report: DictionaryReport) -> str:
    dead = [atom.atom for atom in report.atoms if atom.dead]
    strongest = [report.atoms[k] for k in report.leading(MOST)]
    listed = ", ".join(f"{a.atom} ({a.share:.0%} of all squares, in {a.used:.0%} of environments)" for a in strongest)
    ended = f" {len(dead)} atoms are dead." if dead else " No atom is dead."
    return f"The strongest atoms: {listed}.{ended}"


def _meanings(report: DictionaryReport) -> list[str]:
    above = [m for m in report.meanings if abs(m.correlation) > m.chance]
    if not report.meanings:
        return []
    if not above:
        return ["No atom's strength goes with any of the descriptors beyond chance."]
    best = sorted(above, key=lambda m: -abs(m.correlation))[:MOST]
    listed = "; ".join(f"{m.atom} with {m.descriptor}, {m.correlation:+.2f}" for m in best)
    return [f"Strengths that go with descriptors (rank correlation; chance reaches {best[0].chance:.2f}): {listed}."]


def _commuting(report: DictionaryReport) -> str:
    if report.commuting > TOLERATED:
        return f"Beware: codes do not turn as the environment does, relative error {report.commuting:.0e}."
    return f"Codes turn as the environment does (relative error {report.commuting:.0e}, rounding)."


def _last(report: DictionaryReport, name: str) -> Explained:
    """With as many atoms as code one environment."""
    return next(s for s in report.scores if s.of == name and s.active == report.dictionary.active)

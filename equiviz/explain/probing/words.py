"""The result of a probe in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equiviz.explain.probing.gain import Gain
    from equiviz.explain.probing.missed import StageMissed
    from equiviz.explain.probing.report import ProbeScore

# Above this the descriptor counts as expressed; the rest is the radial function or rounding.
EXPRESSED = 0.99
# A shuffled target explained better than this means that the probe itself overfits.
SUSPICIOUS = 0.05
# Sentences, and names in one sentence, before the rest is left to the table.
MOST = 12


def probe_sentences(scores: Sequence[ProbeScore]) -> list[str]:
    """One sentence per descriptor, one on those that no stage expresses, one on the shuffled control."""
    names = list(dict.fromkeys(score.target for score in scores))
    lines = [_best(name, [score for score in scores if score.target == name]) for name in names[:MOST]]
    more = [f"{len(names) - MOST} more descriptors are in the table."] if len(names) > MOST else []
    return [*lines, *more, *_lower(scores, names), *_shuffled(scores), *_composition(scores)]


def missed_sentences(found: Mapping[str, StageMissed | None]) -> list[str]:
    """The other direction: how much of each stage the descriptors together explain."""
    told = [f"{name} {one.r2:.0%} [{one.low:.0%}, {one.high:.0%}]" for name, one in found.items() if one is not None]
    if not told:
        return []
    highest = max(0.0, *(one.shuffled for one in found.values() if one is not None))
    return [
        f"The other way round, all descriptors together explain of the variance of each stage: {_listed(told)}; "
        f"descriptors of other environments {highest:.0%} at most. `missed(stage)` shows where they fail."
    ]


def silent_sentence(silent: Sequence[str], invariants: Sequence[str]) -> list[str]:
    """A sentence on the stages in which there was nothing to read."""
    if not silent:
        return []
    return [
        f"Nothing could be read by {' and '.join(invariants)} of: {_listed(silent)}. They hold no irreps of l > 0 that "
        "these need, or are the same in all environments; their R2 says nothing."
    ]


def gain_sentences(gains: Sequence[Gain], networks: int) -> list[str]:
    """What training gave, each network at its own best stage; nothing where there was no random network."""
    if not gains:
        return []
    against = "a network" if networks == 1 else f"{networks} networks"
    lines = []
    for sign, verdict in ((1, "brought out"), (-1, "gave up")):
        found = [f"{g.target} (R2 {g.fresh.r2:.2f} to {g.trained.r2:.2f})" for g in gains if g.sign == sign]
        if found:
            lines.append(f"Beside {against} with random weights, training {verdict}: {_listed(found)}.")
    same = [gain.target for gain in gains if gain.sign == 0]
    if same:
        lines.append(f"The architecture alone, whatever the weights, gives as much of: {_listed(same)}.")
    return lines


def crowded_sentence(crowded: Mapping[str, int], environments: int) -> list[str]:
    """A warning where a regression has a feature for every four environments or fewer."""
    if not crowded:
        return []
    told = _listed([f"{name} ({count:,} features)" for name, count in crowded.items()])
    return [
        f"For {environments:,} environments these stages have many features: {told}. The penalty keeps them from "
        "fitting noise, but a low R2 there may be for want of environments: give more of them to be sure."
    ]


def _composition(scores: Sequence[ProbeScore]) -> list[str]:
    """What species alone give, without any geometry but a reach."""
    known = [score for score in scores if score.control == "species counts" and not math.isnan(score.r2)]
    if not known:
        return []
    best = max(known, key=lambda score: score.r2)
    return [
        f"The species of a node and counts of its neighbours alone reach R2 {best.r2:.3f} "
        f"[{best.low:.3f}, {best.high:.3f}] at most, for {best.target}."
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def _best(name: str, scores: Sequence[ProbeScore]) -> str:
    best = best_of(scores)
    if best is None:
        return f"{name} is the same in all environments: there is nothing to predict."
    line = f"{name} is known best at {best.stage}: R2 {best.r2:.3f} [{best.low:.3f}, {best.high:.3f}]"
    same = [s for s in scores if s.control == "random weights" and s.stage == best.stage]
    alone = [s for s in scores if s.control == "species counts" and s.high >= best.low]
    line += _against_random(best, same[0]) if same else ""
    much = "more" if alone and alone[0].low > best.high else "as much"
    return line + (f"; counts of species alone reach {alone[0].r2:.3f}, {much}" if alone else "") + "."


def best_of(scores: Sequence[ProbeScore]) -> ProbeScore | None:
    """The highest R2 of the trained network; None where the target is constant."""
    trained = [score for score in scores if score.control == "trained" and not math.isnan(score.r2)]
    return max(trained, key=lambda score: score.r2) if trained else None


def _against_random(trained: ProbeScore, fresh: ProbeScore) -> str:
    """Training is credited only where the intervals part: networks differ by their seeds alone."""
    reached = f"; random weights reach {fresh.r2:.3f} [{fresh.low:.3f}, {fresh.high:.3f}]"
    if trained.low > fresh.high:
        return f"{reached}: training brought it out"
    if trained.high < fresh.low:
        return f"{reached}: training gave part of it up"
    return f"{reached}: the architecture gives it, whatever the weights"


def _lower(scores: Sequence[ProbeScore], names: Sequence[str]) -> list[str]:
    best = [(name, best_of([score for score in scores if score.target == name])) for name in names]
    lower = [name for name, score in best if score is not None and score.r2 < EXPRESSED]
    if not lower:
        return []
    listed = "; ".join(lower[:MOST]) + (f"; and {len(lower) - MOST} more" if len(lower) > MOST else "")
    return [
        f"No stage expresses these by a linear map of its invariants (R2 below {EXPRESSED}): {listed}. The usual "
        "reasons: the descriptor divides by the number of neighbours (try the invariants 'ratios'), takes a root or a "
        "product of three, weights distances by another radial function, or needs a degree l or a species that no "
        "stage holds."
    ]


def _shuffled(scores: Sequence[ProbeScore]) -> list[str]:
    highest = max((s.r2 for s in scores if s.control == "shuffled" and not math.isnan(s.r2)), default=math.nan)
    if math.isnan(highest):
        return []
    if highest > SUSPICIOUS:
        return [f"Shuffled targets reach R2 {highest:.3f}, where 0 is due: too few environments; trust none of this."]
    return [f"Shuffled targets reach R2 {highest:.3f} at most, as they should."]

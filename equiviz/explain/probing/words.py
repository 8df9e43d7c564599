"""The result of a probe in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from equiviz.explain.probing.gain import Gain, best_gains

if TYPE_CHECKING:
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
    same = [gain.target for gain in gains if gain.sign == 0 and gain.known]
    if same:
        lines.append(f"The architecture alone, whatever the weights, gives as much of: {_listed(same)}.")
    neither = [gain.target for gain in gains if not gain.known]
    if neither:
        lines.append(f"Known neither to this network nor to {against} with random weights: {_listed(neither)}.")
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
    alone = next((s for s in scores if s.control == "species counts" and s.high >= best.low), None)
    parts = [_known(name, best, alone), *map(_against_random, best_gains(scores))]
    if alone is not None and alone.low > 0 and not _more(alone, best):
        parts.append(f"counts of species alone reach {alone.r2:.3f}, as much")
    return "; ".join(parts) + "."


def _known(name: str, best: ProbeScore, alone: ProbeScore | None) -> str:
    """Knowledge is what is better than a guess of the mean, and than species without geometry."""
    if alone is not None and _more(alone, best):
        return (
            f"Counts of species alone tell more of {name}, R2 {_told(alone)}, than any stage: {best.stage} at best, R2 "
            f"{_told(best)}"
        )
    if best.low > 0:
        return f"{name} is known best at {best.stage}: R2 {_told(best)}"
    return f"No stage knows {name}: R2 {_told(best)} at best, at {best.stage}, where knowing nothing gives 0"


def _more(alone: ProbeScore, best: ProbeScore) -> bool:
    return alone.low > max(0.0, best.high)


def _told(score: ProbeScore) -> str:
    return f"{score.r2:.3f} [{score.low:.3f}, {score.high:.3f}]"


def best_of(scores: Sequence[ProbeScore]) -> ProbeScore | None:
    """The highest R2 of the trained network; None where the target is constant."""
    trained = [score for score in scores if score.control == "trained" and not math.isnan(score.r2)]
    return max(trained, key=lambda score: score.r2) if trained else None


def _against_random(gain: Gain) -> str:
    """Each network at its own best stage. Training is credited only where the intervals part: seeds differ too."""
    where = "" if gain.fresh.stage == gain.trained.stage else f" at {gain.fresh.stage}"
    reached = f"random weights reach {_told(gain.fresh)}{where}"
    if not gain.known:
        return f"{reached}: neither knows it"
    return f"{reached}: {_VERDICTS[gain.sign]}"


_VERDICTS = {
    1: "training brought it out",
    -1: "training gave part of it up",
    0: "the architecture gives it, whatever the weights",
}


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

"""The result of a probe in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equiviz.explain.probe_report import ProbeScore

# Above this the descriptor counts as expressed; the rest is the radial function or rounding.
EXPRESSED = 0.99
# A shuffled target explained better than this means that the probe itself overfits.
SUSPICIOUS = 0.05
# A trained network that knows this much more than a random one has learned it.
LEARNED = 0.05


def probe_sentences(scores: Sequence[ProbeScore]) -> list[str]:
    """One sentence per descriptor, one on the lower ones, one on the shuffled control."""
    names = list(dict.fromkeys(score.target for score in scores))
    lines = [_best(name, [score for score in scores if score.target == name]) for name in names]
    return [*lines, *_lower(scores), *_shuffled(scores)]


def _best(name: str, scores: Sequence[ProbeScore]) -> str:
    trained = [score for score in scores if score.control == "trained" and not math.isnan(score.r2)]
    if not trained:
        return f"{name} is the same in all environments: there is nothing to predict."
    best = max(trained, key=lambda score: score.r2)
    line = f"{name} is known best at {best.stage}: R2 {best.r2:.3f} [{best.low:.3f}, {best.high:.3f}]"
    same = [s for s in scores if s.control == "random weights" and s.stage == best.stage]
    return line + (_against_random(best.r2, same[0].r2) if same else "") + "."


def _against_random(trained: float, fresh: float) -> str:
    if trained - fresh > LEARNED:
        return f"; random weights reach {fresh:.3f}, so training brought it out"
    if fresh - trained > LEARNED:
        return f"; random weights reach {fresh:.3f}, so training gave part of it up"
    return f"; random weights reach {fresh:.3f}, so the architecture gives it, not training"


def _lower(scores: Sequence[ProbeScore]) -> list[str]:
    first = next((score.stage for score in scores), "")
    lower = [s.target for s in scores if s.control == "trained" and s.stage == first and s.r2 < EXPRESSED]
    if not lower:
        return []
    return [
        f"At the first stage, {first}, R2 stays below {EXPRESSED} for {', '.join(lower)}: no linear map of its "
        "invariants gives them. The usual reasons: the descriptor divides by the number of neighbours (try the "
        "invariants 'ratios'), takes a root or a product of three, weights distances by another radial function, or "
        "needs a degree l or a species that the stage does not hold."
    ]


def _shuffled(scores: Sequence[ProbeScore]) -> list[str]:
    highest = max((s.r2 for s in scores if s.control == "shuffled" and not math.isnan(s.r2)), default=math.nan)
    if math.isnan(highest):
        return []
    if highest > SUSPICIOUS:
        return [f"Shuffled targets reach R2 {highest:.3f}, where 0 is due: too few environments; trust none of this."]
    return [f"Shuffled targets reach R2 {highest:.3f} at most, as they should."]

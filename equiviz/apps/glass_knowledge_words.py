"""What the probe of the tour says in plain words. Every statement is computed from the report's numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from equiviz.explain.probing.gain import SUBSTANTIAL, Gain
from equiviz.explain.probing.words import crowded_sentence

if TYPE_CHECKING:
    from pandas import Series

    from equiviz.explain.probing.report import Control, ProbeReport

EXACT = 0.99
"""From this R2 on, a descriptor counts as expressed; the rest is the ridge's penalty."""
ALIKE = 0.01
"""Of R2: what random weights reach within this came with the architecture."""
MOBILITY = "mobility"
"""How the name of the measured mobility begins among the descriptors."""


def knowledge(report: ProbeReport) -> str:
    """The heat maps of the probe."""
    parts = [_reading(report), _first_layer(report), _training(report), _mobility(report), _depth(report)]
    return "\n\n".join(part for part in [*parts, *crowded_sentence(report.crowded(), report.environments)] if part)


def learned(report: ProbeReport) -> str:
    """One sentence for the lead of the page: what comes with the architecture, and what training added."""
    first = report.table().iloc[0]
    best = _experts(first).max()
    with_random = report.table("random weights") if report.networks else None
    if with_random is None:
        return f"Its first layer holds what experts measure by hand (R2 up to {best:.3f})."
    alone = _experts(with_random.iloc[0]).max()
    told = f"Its first layer holds what experts measure by hand (R2 up to {best:.3f})"
    given = "by its architecture alone: " if alone > best - ALIKE else ""
    told += f", {given}with random weights {alone:.3f}"
    gain = _mobility_gain(report)
    if gain is None or gain.sign <= 0:
        return f"{told}; the probe finds nothing that training added."
    return (
        f"{told}. What training added is mobility itself: read linearly off {gain.trained.stage}, R2 = "
        f"{gain.trained.r2:.2f}, where no stage of a network with random weights has more than {gain.fresh.r2:.2f}."
    )


def _reading(report: ProbeReport) -> str:
    fresh = (
        ""
        if not report.networks
        else (
            f" On the right, what training did: the same R2 minus that of {_networks(report)} with random weights "
            "(brown: training added it; blue: training gave it up; white: the architecture alone)."
        )
    )
    return (
        "Experts describe the surroundings of a particle by order parameters that they wrote down; the last row is the "
        "measured mobility itself. Each cell on the left says how much of it a straight line through one stage's "
        f"invariants recovers (R2; 1 is all) on configurations that were held out; {report.environments:,} particles "
        f"of {report.groups} configurations were asked.{fresh} Hover for intervals, and for the control with shuffled "
        "targets. Stages and descriptors are explained in the tables below; every stage with numbers on particles is "
        "shown."
    )


def _first_layer(report: ProbeReport) -> str:
    """What the first stage says."""
    table = report.table()
    row, stage = _experts(table.iloc[0]), str(table.index[0])
    exact = [str(name) for name, r2 in row.items() if r2 >= EXACT]
    if not exact:
        return f"The first stage, {stage}, expresses none of them exactly (R2 of {EXACT} or more)."
    guessed = {str(name): r2 for name, r2 in row.items() if r2 < EXACT}
    known = f"{stage} expresses {len(exact)} of them exactly (R2 of {EXACT} or more): {', '.join(exact)}."
    if not guessed:
        return known
    low, high = min(guessed.values()), max(guessed.values())
    return (
        f"{known} These are sums over neighbours in its own radial windows, or close to it, of degree 3 at most, and "
        f"so are linear in its invariants whatever its weights. Of the others, {', '.join(guessed)}, it knows R2 = "
        f"{low:.2f} to {high:.2f}: the layer holds no harmonics beyond l = 3, and the customary q_l are ratios with a "
        "hard cutoff, which no straight line gives."
    )


def _training(report: ProbeReport) -> str:
    """Which descriptors gained, and which are architecture alone: over all stages, then at the last one."""
    if not report.networks:
        return ""
    over_all = [gain for gain in report.gains() if not gain.target.startswith(MOBILITY)]
    last = str(report.table().index[-1])
    at_last = [gain for gain in report.gains(last) if not gain.target.startswith(MOBILITY)]
    brought = _names(over_all, 1)
    best = (
        f"Of the {len(over_all)} descriptors, training brought out {brought}; of the others some stage with random "
        "weights knows as much: they are architecture alone."
        if brought
        else f"Of the {len(over_all)} descriptors training brought out none: for each, some stage with random weights "
        "knows as much as any trained one, so that they are architecture alone."
    )
    more, less = _names(at_last, 1), _names(at_last, -1)
    changed = "; ".join(part for part in (f"more of {more}" if more else "", f"less of {less}" if less else "") if part)
    rest = f"But training chose what {last}, the last stage, keeps: beside random weights it knows {changed}."
    return f"{best} {rest if changed else f'The same holds at {last}, the last stage.'}"


def _mobility(report: ProbeReport) -> str:
    gain = _mobility_gain(report)
    if gain is None:
        return ""
    first = report.table().iloc[0]
    stage, name = gain.trained.stage, gain.target
    here = next(g for g in report.gains(stage) if g.target == name)
    verdict = {
        1: "this is what the network learned",
        0: "the intervals overlap, or the difference is small: training cannot be credited",
        -1: "training gave it up",
    }[gain.sign]
    return (
        f"Mobility itself ({name}) can be read off {report.table().index[0]} with R2 = {first[name]:.2f}, and best off "
        f"{stage}: {gain.trained.r2:.2f} [{gain.trained.low:.2f}, {gain.trained.high:.2f}]. With random weights "
        f"{stage} has {here.fresh.r2:.2f}, and the best stage, {gain.fresh.stage}, {gain.fresh.r2:.2f} "
        f"[{gain.fresh.low:.2f}, {gain.fresh.high:.2f}]: {verdict}."
    )


def _depth(report: ProbeReport) -> str:
    """How the mean R2 of the experts' descriptors runs through the stages, trained and with random weights."""
    trained = _mean(report, "trained")
    if len(trained) < 2:
        return ""
    told = ", ".join(f"{stage} {r2:.2f}" for stage, r2 in trained.items())
    text = f"Averaged over the experts' descriptors, R2 runs: {told}."
    if not report.networks:
        return text
    lowest = str(trained.idxmin())
    fresh = _mean(report, "random weights")
    drop, drop_fresh = trained.iloc[0] - trained[lowest], fresh.iloc[0] - fresh[lowest]
    if drop < SUBSTANTIAL:
        return f"{text} No stage knows less of them than the first."
    architecture = drop_fresh > drop / 2
    cause = (
        "most of the loss is architecture, which passes on few channels, and not a choice of training"
        if architecture
        else "most of the loss came with training"
    )
    return (
        f"{text} From {trained.index[0]} to {lowest} it falls by {drop:.2f}, with random weights by {drop_fresh:.2f}: "
        f"{cause}."
    )


def _mean(report: ProbeReport, control: Control) -> Series:
    table = report.table(control)
    return table[[name for name in table.columns if not str(name).startswith(MOBILITY)]].mean(axis=1)


def _experts(of_target: Series) -> Series:
    """All rows but the mobility's."""
    return of_target.drop([name for name in of_target.index if str(name).startswith(MOBILITY)])


def _mobility_gain(report: ProbeReport) -> Gain | None:
    return next((gain for gain in report.gains() if gain.target.startswith(MOBILITY)), None)


def _names(gains: Sequence[Gain], sign: int) -> str:
    found = [gain for gain in gains if gain.sign == sign and not math.isnan(gain.difference)]
    return ", ".join(f"{gain.target} ({gain.fresh.r2:.2f} to {gain.trained.r2:.2f})" for gain in found)


def _networks(report: ProbeReport) -> str:
    return "a network" if report.networks == 1 else f"the mean of {report.networks} networks"

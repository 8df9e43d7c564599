"""What the tour of the glass says in plain words, for a reader who knows glasses and not this code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equiviz.datasets.glass.configuration import GlassConfiguration

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport
    from equiviz.explain.probe_report import ProbeReport
    from equiviz.training.evaluation_report import EvaluationReport

RADII = {"A": 0.5, "B": 0.44}
"""Half of sigma_AA and of sigma_BB, in sigma: the sizes of the particles."""

EXACT = 0.99
"""From this R2 on, a descriptor counts as expressed; the rest is the ridge's penalty."""

MOBILITY = "Mobility of each particle: measured in simulations, and predicted from one snapshot"
MOTION = "Where each particle goes on average, from its place in the inherent structure"
NO_MOTION = (
    "There is nothing to draw here: the model predicts no mean displacement vectors, or the data hold none to compare "
    "them with."
)
HOW_TO_SLICE = "Move the slider to see one slice at a time: a glass is opaque. Drag to turn, scroll to come closer."
NUMBERS = (
    "Mean over the test configurations of Pearson's rho per configuration. The noise ceiling is the rho that a perfect "
    "model would reach, because the measured mobilities are averages over a finite number of simulations."
)


def shown(configuration: GlassConfiguration, time: int) -> str:
    """The configuration and the time, as a clause."""
    warm = "" if configuration.temperature is None else f" at temperature {configuration.temperature:g}"
    return f"{len(configuration.structure):,} particles{warm}, after a time of {float(configuration.times[time]):g}"


def mobility(what: str) -> str:
    """Under the first picture."""
    return (
        f"A Kob-Andersen liquid: {what} (Lennard-Jones units). Many simulations were started from this one snapshot "
        "with fresh velocities; how far a particle moves on average is its mobility, so it is a property of the "
        "structure around it. On the left the simulations' answer, on the right the network's, which saw the snapshot "
        "only. Brown particles move more than others of their kind, blue ones less: mobile regions are several "
        "particles wide, and the network finds them."
    )


def evaluation(report: EvaluationReport) -> str:
    """Rho against time, beside the ceiling."""
    last = report.times()[-1]
    found, top = report.rho("A", last), report.ceiling("A", last)
    share = "" if math.isnan(top) else f" out of {top:.2f} that the noise of the measurement allows"
    return (
        f"At the longest time the correlation with the measured mobility is {found.mean:.2f} for the large particles "
        f"(A){share}, on configurations that the network never saw. What is missing to the dashed line is what the "
        "snapshot tells and the network does not know; what is above it nobody can predict from these data."
    )


def motion(report: EvaluationReport) -> str:
    """The vector output."""
    times = report.times("displacement")
    a, b = (report.rho(kind, times[-1], "displacement").mean for kind in ("A", "B"))
    return (
        "The same network also says in which direction a particle goes, averaged over all simulations: a vector, "
        f"which turns with the liquid. The correlation with the measured arrows is {a:.2f} for A and {b:.2f} for B. "
        "A network that works with distances and angles only could not say it at all. The predicted arrows are drawn "
        "with the measured mean length."
    )


def equivariance(report: CheckReport) -> str:
    """The table of errors."""
    verdict = "passed" if report.passed else "failed"
    return (
        "We turned, mirrored, shifted and renumbered the liquid, ran the network again, and compared every layer with "
        f"what it should have become. The check {verdict}: {report.describe()}"
    )


def knowledge(report: ProbeReport) -> str:
    """The heat map of the probe."""
    return (
        "Experts describe the surroundings of a particle by order parameters that they wrote down: densities in "
        "shells (G2), bond-orientational order q_l, angular symmetry functions (G5). Each cell says how much of one of "
        "them a straight line through one layer's invariants recovers (R2; 1 is all) on particles that were held out; "
        f"there are {report.environments:,} of them. Hover for intervals and controls: a network with random weights, "
        "and shuffled targets.\n\n"
        f"{_first_layer(report)} Deeper layers mix the surroundings of neighbours, and forget what does not serve the "
        "prediction."
    )


def _first_layer(report: ProbeReport) -> str:
    """What the first row of the table says."""
    row = report.table().iloc[0]
    exact = [str(name) for name, r2 in row.items() if r2 >= EXACT]
    if not exact:
        return f"The first layer expresses none of them exactly (R2 of {EXACT} or more)."
    guessed = {str(name): r2 for name, r2 in row.items() if r2 < EXACT}
    known = f"The first layer expresses {len(exact)} of them exactly (R2 of {EXACT} or more): {', '.join(exact)}."
    if not guessed:
        return known
    low, high = min(guessed.values()), max(guessed.values())
    return (
        f"{known} These are sums over neighbours in its own radial windows, or close to it, of degree 3 at most, and "
        f"so are linear in its invariants whatever its weights. Of the others, {', '.join(guessed)}, it knows R2 = "
        f"{low:.2f} to {high:.2f}: the layer holds no harmonics beyond l = 3, and the customary q_l are ratios with a "
        "hard cutoff, which no straight line gives."
    )


def summary(scores: EvaluationReport, symmetry: CheckReport, probed: ProbeReport) -> str:
    """The lead of the page."""
    last = scores.times()[-1]
    found, top = scores.rho("A", last), scores.ceiling("A", last)
    kept = "keeps" if symmetry.passed else "BREAKS"
    best = probed.table().iloc[0].max()
    bound = "" if math.isnan(top) else f" (ceiling {top:.2f})"
    return (
        f"From one snapshot of a liquid the network predicts who will move: rho = {found.mean:.2f}{bound} at "
        f"t = {last:g}, on liquids that it never saw. It {kept} the symmetry of space to rounding in every layer. Its "
        f"first layer holds what experts measure by hand (R2 up to {best:.3f}); what follows relates the surroundings "
        "of neighbours, and that is what predicts mobility."
    )

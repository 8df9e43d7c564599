"""What the tour of the glass says in plain words, for a reader who knows glasses and not this code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equiviz.apps.glass_knowledge_words import learned
from equiviz.datasets.errors import RecipeError
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.recipe import relaxation_time

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport
    from equiviz.explain.probing.report import ProbeReport
    from equiviz.training.evaluation_report import EvaluationReport

RADII = {"A": 0.5, "B": 0.44}
"""Half of sigma_AA and of sigma_BB, in sigma: the sizes of the particles."""

MOBILITY = "Mobility of each particle: measured in simulations, and predicted from one snapshot"
MOTION = "Where each particle goes on average, from its place in the inherent structure"
NO_MOTION = (
    "There is nothing to draw here: the model predicts no mean displacement vectors, or the data hold none to compare "
    "them with."
)
HOW_TO_SLICE = "Move the slider to see one slice at a time: a glass is opaque. Drag to turn, scroll to come closer."
NUMBERS = (
    "Mean over the test configurations of Pearson's rho per configuration; low and high bound its 95 % interval over "
    "configurations. The noise ceiling is the rho that a perfect model would reach, because measured mobilities are "
    "averages over a finite number of simulations. Without a network: the rho of the thermal minus the inherent "
    "position, taken as the predicted vector."
)
DASHES = (
    "A dash: not known, or not meant. The data hold the mean displacement over all simulations together, not over "
    "halves of them, so that no noise ceiling of the vectors is known; and the prediction without a network is one of "
    "vectors, not of mobility."
)
UNITS = "Lennard-Jones time units"


def shown(configuration: GlassConfiguration, time: int) -> str:
    """The configuration and the time, as a clause."""
    warm = "" if configuration.temperature is None else f" at temperature {configuration.temperature:g}"
    told = f"t = {float(configuration.times[time]):g} {UNITS}{_relaxation(configuration.temperature)}"
    return f"{len(configuration.structure):,} particles{warm}, after a time of {told}"


def _relaxation(temperature: float | None) -> str:
    """The structural relaxation time beside the time that is drawn, where one is known."""
    try:
        known = None if temperature is None else relaxation_time(temperature)
    except RecipeError:
        known = None
    if known is None:
        return ""
    return (
        f" (the structure relaxes in tau_alpha, about {known:.0f}: the time in which the self-intermediate scattering "
        "function F_s(k = 7.25) of A falls to 1/e)"
    )


def mobility(what: str) -> str:
    """Under the first picture."""
    return (
        f"A Kob-Andersen liquid: {what}. Many simulations were started from this one snapshot "
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
        f"(A){share}, on configurations that the network never saw. Each dashed line is a noise ceiling: what a "
        "perfect prediction would reach. The gap below it is written in the snapshot, but escapes the network; into "
        "the grey region above it no prediction can come, for there the measured mobility is noise."
    )


def motion(report: EvaluationReport, baseline: EvaluationReport) -> str:
    """The vector output, beside what needs no network."""
    times = report.times("displacement")
    a, b = (report.rho(kind, times[-1], "displacement").mean for kind in ("A", "B"))
    ends = [times[0], times[-1]] if len(times) > 1 else times
    trivial = ", ".join(f"{baseline.rho('A', t, 'displacement').mean:.3f} at t = {t:g}" for t in ends)
    network = ", ".join(f"{report.rho('A', t, 'displacement').mean:.3f} at t = {t:g}" for t in ends)
    return (
        "The same network also says in which direction a particle goes from its place in the inherent structure (the "
        "nearest minimum of the energy, which the snapshot slides into when all motion is taken out of it), averaged "
        f"over all simulations: a vector, which turns with the liquid. At t = {times[-1]:g} the correlation with the "
        f"measured arrows is {a:.2f} for A and {b:.2f} for B.\n\n"
        "How much of this needs a network? The place where the particle stands in the snapshot, minus its inherent "
        f"place, is a prediction for nothing: for A it reaches {trivial}; the network {network}. What the network adds "
        "is the difference. Distances and angles alone give no vector at all: its direction must come from directions "
        "in the input."
    )


def arrows(mean_length: float, magnify: float) -> str:
    """Under the arrows: their mean length in sigma, and how they are drawn."""
    return (
        f"The predicted arrows are scaled to the measured mean length, {mean_length:.3f} sigma, for a correlation does "
        f"not see lengths. All arrows of both boxes are drawn {magnify:.2f} times as long as they are."
    )


def equivariance(report: CheckReport) -> str:
    """The table of errors."""
    verdict = "passed" if report.passed else "failed"
    return (
        "We turned, mirrored, shifted and renumbered the liquid, ran the network again, and compared every layer with "
        f"what it should have become. The check {verdict}: {report.describe()}"
    )


def summary(scores: EvaluationReport, symmetry: CheckReport, probed: ProbeReport) -> str:
    """The lead of the page."""
    last = scores.times()[-1]
    found, top = scores.rho("A", last), scores.ceiling("A", last)
    kept = "keeps" if symmetry.passed else "BREAKS"
    bound = "" if math.isnan(top) else f" (ceiling {top:.2f})"
    return (
        f"From one snapshot of a liquid the network predicts who will move: rho = {found.mean:.2f}{bound} at "
        f"t = {last:g} {UNITS}, on liquids that it never saw. It {kept} the symmetry of space to rounding in every "
        f"layer. {learned(probed)}"
    )

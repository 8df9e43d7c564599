"""The rotation hand: what the model gives for the turned input, beside the turned features of the input as it came.

The relative error is the instrument's own (`equiviz.check`), of one rotation:
||D(g) f(x) - f(g x)|| over the root mean square of ||f(x)|| and ||f(g x)||.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch

from equiviz.apps.explorer.elements import Elements
from equiviz.apps.explorer.recorded import Recorded
from equiviz.equivariance.natural_scale import NaturalScales
from equiviz.equivariance.percent import percent
from equiviz.equivariance.round_off import DROWNED, tolerance
from equiviz.equivariance.row_matching import RowMatching
from equiviz.equivariance.runs import Runs
from equiviz.equivariance.squares import KindSquares
from equiviz.equivariance.transformed_input import transformed
from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture
from equiviz.features.model_state import as_found
from equiviz.features.precision import coarsest, wide
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import GroupElement
from equiviz.symmetry.points import PointValues
from equiviz.view.points import point_values

HOLDS, APPROXIMATE, BROKEN = "✓", "≈", "✗"
"""Marks of a verdict: an error that is rounding, one under what the model does not claim, and a break."""


class Judged(NamedTuple):
    """What an error of one block says: one of the marks, and words."""

    mark: str
    words: str


@dataclass(frozen=True, eq=False)
class Turned:
    """One run on the turned input.

    Attributes:
        g: the element.
        found: the record of the turned input.
        matching: which rows belong together.
        squares: the sums of squares of all blocks.
        seconds: what the run took.
    """

    g: GroupElement
    found: Capture
    matching: RowMatching
    squares: KindSquares
    seconds: float

    def error(self, stage: str, block: str) -> float:
        """The relative error of one block; NaN where it is all zero, infinite where not finite or not passed."""
        return math.inf if stage in self.squares.missing else self.squares.block(stage, block).relative

    def turned_back(self, stage: str) -> Field:
        """D(g^-1) f(g x), row by row as in the record of the input as it came; rows without a partner are zero.

        A view that draws it turned by g shows f(g x), with positions and cell where g takes them.
        """
        reference = self.matching.reference[stage]
        values = torch.zeros_like(wide(reference.values))
        pair = self.matching.pair(stage, self.found[stage].values) if stage in self.found else None
        if pair is not None:
            back = pair.found.transform(self.g.inverse()).values
            values[slice(None) if pair.origin is None else pair.origin.to(values.device)] = back
        return reference.with_values(values)

    def pictured(self, stage: str) -> tuple[PointValues, PointValues] | None:
        """f(g x) and D(g) f(x) where they lie on points of their own: what is compared is what is drawn."""
        pair = self.matching.pair(stage, self.found[stage].values) if stage in self.found else None
        if pair is None:
            return None
        found, expected = point_values(pair.found), point_values(pair.expected)
        return None if found is None or expected is None else (found, expected)


@dataclass(eq=False)
class RotationHand:
    """A model and one of its inputs, to be turned.

    Attributes:
        recorded: the model and its inputs.
        number: of the structure.
    """

    recorded: Recorded
    number: int

    @cached_property
    def runs(self) -> Runs:
        """The model, ready to be run on turned input."""
        return Runs(self.recorded.model, self.recorded.supports, self.recorded.capture(self.number))

    @cached_property
    def elements(self) -> Elements:
        """What it can be turned by."""
        return Elements.of(self.recorded.model, self.recorded.measured(self.number))

    @cached_property
    def scales(self) -> NaturalScales:
        """How large each block is where nothing cancels; one run more."""
        x, supports = self.recorded.measured(self.number), self.recorded.supports
        return NaturalScales.of(self.recorded.model, x, self.runs.reference, supports, seed=0)

    def at(self, g: GroupElement) -> Turned:
        """Run the model on the input, turned.

        Raises:
            CheckError: the model raises on the turned input.
        """
        started = time.perf_counter()
        kind = self.elements.kind(g)
        turned = transformed(self.recorded.measured(self.number), g)
        trial = Trial("rotation" if kind is None else kind.kind, repr(g), turned, g=g)
        squares = KindSquares()
        with as_found(self.recorded.model):
            found, matching = self.runs.free(trial)
        squares.add(found, matching)
        return Turned(g, found, matching, squares, time.perf_counter() - started)

    def judged(self, turned: Turned, stage: str, block: str) -> Judged:
        """The error: rounding, a break, or nothing to be seen."""
        error = turned.error(stage, block)
        if math.isnan(error):
            return Judged(HOLDS, "all zero, so that nothing can be said")
        if math.isinf(error):
            return Judged(BROKEN, "not finite, or not passed: the symmetry is broken")
        dtype = coarsest(self.recorded.model, self.runs.reference.values())
        floor = self.scales.floor((stage, block), turned.squares.block(stage, block), dtype)
        name, allowed = str(dtype).removeprefix("torch."), tolerance(dtype, floor)
        if floor > DROWNED:
            why = "; symmetry makes these features cancel, and what is left is rounding"
            return Judged(HOLDS, f"relative error {percent(error)}{why}")
        if error <= allowed:
            return Judged(HOLDS, f"relative error {percent(error)}: rounding ({name} explains up to {allowed:.0e})")
        if not self.elements.claims(turned.g):
            why = f"approximate, {self.recorded.name} claims {self.elements.claim}"
            return Judged(APPROXIMATE, f"relative error {percent(error)}: {why}")
        return Judged(BROKEN, f"relative error {percent(error)}: broken ({name} explains up to {allowed:.0e})")


def error_words(hand: RotationHand, turned: Turned, stage: str, block: str) -> tuple[str, list[str]]:
    """A mark of the chosen block, one line on it, and one on the worst of all; `block` may be "all" of several."""
    field = turned.matching.reference[stage]
    labels = [block] if block in field.representation.labels() else field.representation.labels()
    known = {label: turned.error(stage, label) for label in labels}
    told = max(known, key=lambda label: -1.0 if math.isnan(known[label]) else known[label], default="")
    mark, lines = HOLDS, [hand.elements.words(turned.g)]
    if told:
        own = hand.judged(turned, stage, told)
        mark, lines = own.mark, [f"{lines[0]}. {stage}, {told}: {own.words}."]
    everywhere = {place: squares.relative for place, squares in turned.squares.blocks.items()}
    everywhere = {place: error for place, error in everywhere.items() if not math.isnan(error)}
    if everywhere:
        worst = max(everywhere, key=lambda place: everywhere[place])
        judged = hand.judged(turned, *worst).words
        lines.append(f"Largest of all {len(everywhere)} blocks: {', '.join(worst)}, {judged}.")
    return mark, lines

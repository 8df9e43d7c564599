"""A case: one kind of transformation that breaks, the stage where it breaks first, and means to try things there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor, nn

from equiviz.equivariance.claims import KINDS, Kind
from equiviz.equivariance.diagnosis import CURED, Diagnosis
from equiviz.equivariance.measurement import Measurement
from equiviz.equivariance.op_watch import Act, Acts
from equiviz.equivariance.round_off import base_tolerance
from equiviz.equivariance.row_matching import RowMatching
from equiviz.equivariance.runs import Runs
from equiviz.equivariance.squares import BlockSquares, KindSquares
from equiviz.equivariance.transformed_input import transformed
from equiviz.equivariance.trials import Trial, trials
from equiviz.features.capture import Capture
from equiviz.features.model_input import ModelInput
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.named_groups import of_kind

TRIALS = 3


@dataclass(frozen=True, eq=False)
class Case:
    """What a suspect may look at, and try.

    Attributes:
        sums: of the check.
        x: the input as it came.
        kind: which transformation breaks.
        stage, irrep: the first block that breaks under it.
        broken: all kinds that break.
        guilty: whether the block breaks it by its local error.
        seed: of the elements that are tried.
    """

    sums: Measurement
    x: ModelInput
    kind: Kind
    stage: str
    irrep: str
    broken: frozenset[Kind]
    guilty: bool
    seed: int

    @property
    def model(self) -> nn.Module:
        """The model."""
        return self.sums.runs.model

    @property
    def runs(self) -> Runs:
        """The model with its reference record."""
        return self.sums.runs

    @property
    def error(self) -> float:
        """The relative error as it is: the local one where there is one."""
        local = self.sums.local[self.kind].block(self.stage, self.irrep)
        free = self.sums.inherited[self.kind].block(self.stage, self.irrep)
        # Breaks that only the sweep saw have no local error.
        return free.relative if math.isnan(local.relative) or not self.guilty else local.relative

    @cached_property
    def trials(self) -> list[Trial]:
        """A few elements of the kind, and the one that failed worst."""
        own = [
            t for t in trials(self.x, TRIALS, self.seed, batches=hasattr(self.model, "prepare")) if t.kind == self.kind
        ]
        worst = self.sums.inherited[self.kind].block(self.stage, self.irrep).worst_of
        return own[: 2 * TRIALS] + ([worst] if worst is not None and worst.comparable else [])

    @cached_property
    def turns(self) -> list[O3]:
        """Elements of O(3) among the trials, or random rotations."""
        found = [t.g for t in self.trials if isinstance(t.g, O3)]
        return found or haar(TRIALS, self.seed, "SO(3)")

    def error_with(
        self,
        trials_: Sequence[Trial] | None = None,
        model: nn.Module | None = None,
        reference: ModelInput | None = None,
        expected: Callable[[Field, Trial], Field] | None = None,
        forced: bool = True,
        without: frozenset[Act] = frozenset(),
    ) -> float:
        """The relative error of the block when something is changed; NaN where nothing is left to compare.

        Arguments as `squares_with`.
        """
        return self.squares_with(trials_, model, reference, expected, forced, without).relative

    def squares_with(
        self,
        trials_: Sequence[Trial] | None = None,
        model: nn.Module | None = None,
        reference: ModelInput | None = None,
        expected: Callable[[Field, Trial], Field] | None = None,
        forced: bool = True,
        without: frozenset[Act] = frozenset(),
    ) -> BlockSquares:
        """The sums of squares of the block when something is changed.

        Args:
            trials_: other trials.
            model: another model; its reference is run anew.
            reference: another input as it came, for the reference run.
            expected: how the reference field of the block should change, instead of by its representation.
            forced: whether stages read what they should.
            without: acts of torch to leave out, in the reference run too.

        Returns:
            empty sums where the change makes the model raise.
        """
        stage, irrep = self.stage, self.irrep
        try:
            runs = self.runs
            if model is not None or reference is not None or without:
                given = self.x if reference is None else reference
                runs = Runs.of(model or self.model, given, self.runs.supports, without)
            sums = KindSquares()
            for trial in self.trials if trials_ is None else trials_:
                found, matching = runs.forced(trial) if forced and trial.comparable else runs.free(trial)
                if expected is not None:
                    asked = expected(runs.reference[stage], trial)
                    fields = {**runs.reference.fields, stage: asked}
                    whole = Capture(fields, runs.reference.model, runs.reference.graph, {})
                    matching = RowMatching(whole, matching.after, replace(trial, g=None))
                sums.add(found, matching)
            return sums.block(stage, irrep)
        except Exception:
            return BlockSquares()

    @cached_property
    def rare(self) -> bool:
        """Whether most elements are fine and a few are far off: a branch, not a formula."""
        errors = self.sums.inherited[self.kind].block(self.stage, self.irrep).errors
        return 0 < self.failed(errors) <= len(errors) / 3

    def failed(self, errors: Sequence[float]) -> int:
        """How many errors are no rounding."""
        return sum(error > base_tolerance(self.sums.dtype) for error in errors)

    def cured(self, after: float) -> bool:
        """Whether an error is gone: to rounding, or to a thousandth of what it was."""
        gone = after <= max(CURED * self.error, base_tolerance(self.sums.dtype))
        return math.isfinite(after) and gone and after < 0.5 * self.error

    def found(self, code: str, cause: str, tried: str, after: float, fix: str, sure: bool = True) -> Diagnosis:
        """A diagnosis of this case."""
        return Diagnosis(code, cause, self.stage, self.irrep, self.kind, tried, self.error, after, fix, sure)

    def if_cured(self, code: str, cause: str, tried: str, after: float, fix: str) -> list[Diagnosis]:
        """A diagnosis, if what was tried made the error go away."""
        return [self.found(code, cause, tried, after, fix)] if self.cured(after) else []

    def at(self, elements: Sequence[O3]) -> list[Trial]:
        """Trials at other elements of O(3)."""
        return [Trial("rotation", repr(g), transformed(self.x, g), g=g) for g in elements]

    @cached_property
    def acts(self) -> Acts:
        """What torch was asked to do between the stage before and this one; nothing where that cannot be watched."""
        try:
            return self.runs.acts_before(self.stage, self.x)
        except Exception:
            return Acts(())

    @cached_property
    def moved_acts(self) -> frozenset[Act]:
        """The acts whose argument is another once the input is transformed: the others can break nothing."""
        try:
            before = self.runs.arguments(Trial("determinism", "as it came", self.x))
            after = self.runs.arguments(next(t for t in self.trials if t.comparable))
        except Exception:
            return frozenset(self.acts.every)
        bound = base_tolerance(self.sums.dtype)
        return frozenset(act for act in before if act not in after or _differ(before[act], after[act], bound))


def _differ(first: Tensor, second: Tensor, relative: float) -> bool:
    if first.shape != second.shape or not first.is_floating_point():
        return True
    return not bool((first - second).norm() <= relative * first.norm())


def cases(sums: Measurement, claimed: frozenset[Kind], x: ModelInput, seed: int) -> Iterator[Case]:
    """The first guilty block of each kind that breaks, in the order in which causes explain consequences."""
    alarms = [finding for finding in sums.findings(claimed) if finding.alarming]
    broken: frozenset[Kind] = frozenset(finding.group for finding in alarms)
    guilty_under: dict[Kind, str] = {}
    order = ("determinism", "batch", *(kind for kind in KINDS if kind not in ("determinism", "batch")))
    for kind in order:
        own = [finding for finding in alarms if finding.group == kind]
        first = next((finding for finding in own if finding.guilty), own[0] if own else None)
        # What breaks a block under rotations breaks it under most improper elements too.
        known = of_kind(kind)
        by = () if known is None else known.explained_by
        explained = first is not None and any(guilty_under.get(other) == first.stage for other in by)
        if first is not None:
            guilty_under[kind] = first.stage
        if first is not None and not explained:
            yield Case(sums, x, kind, first.stage, first.irrep, broken, first.guilty, seed)

"""A few trials of a float64 copy of the model: rounding shrinks a millionfold there, a real break stays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from equiviz.equivariance.claims import Kind
from equiviz.equivariance.double_twin import DoubleTwin, Rebuild, cast_twin, in_double, rebuilt_twin
from equiviz.equivariance.natural_scale import NaturalScales
from equiviz.equivariance.round_off import DROWNED, MARGIN, REAL, base_tolerance
from equiviz.equivariance.runs import Runs
from equiviz.equivariance.squares import KindSquares, difference_of
from equiviz.equivariance.transformed_input import acting_on, disturbed
from equiviz.equivariance.trials import Trial, trials
from equiviz.features.model_input import ModelInput
from equiviz.nn.stage import Support

ELEMENTS = 4
# Two float64 copies of one model agree to this: what was rounded to float32 when the model was built is 1e-8 off.
_AGREE = 1e-5


@dataclass(eq=False)
class PreciseRuns:
    """The sums of squares of a float64 copy.

    Attributes:
        twin: the copy, and how it was made.
        inherited, local: by kind, as in a `Measurement`.
        rounding: what a disturbance by one unit in the last place of float64 does.
        scales: how large each block is where nothing cancels.
        coarse: stages that are not in float64 although the copy is.
    """

    twin: DoubleTwin
    rounding: KindSquares = field(default_factory=KindSquares)
    scales: NaturalScales = field(default_factory=NaturalScales)
    coarse: frozenset[str] = frozenset()
    inherited: dict[Kind, KindSquares] = field(default_factory=dict)
    local: dict[Kind, KindSquares] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        model: nn.Module,
        x: ModelInput,
        supports: Mapping[str, Support] | None,
        seed: int,
        rebuild: Rebuild | None = None,
    ) -> PreciseRuns:
        """Copy the model and try a few elements of each kind."""
        wide = in_double(x)
        twin = _faithful(model, wide, supports, seed, rebuild)
        if twin.model is None:
            return cls(twin)
        try:
            return cls(twin)._run(wide, supports, seed)
        except Exception as problem:
            return cls(DoubleTwin(None, twin.rebuilt, f"it does not run ({type(problem).__name__}: {problem})"))

    def _run(self, x: ModelInput, supports: Mapping[str, Support] | None, seed: int) -> PreciseRuns:
        assert self.twin.model is not None
        runs = Runs.of(self.twin.model, x, supports)
        double = (torch.float64, torch.complex128)
        self.coarse = frozenset(name for name, f in runs.reference.items() if f.values.dtype not in double)
        tried = list[Trial]()
        for trial in trials(x, ELEMENTS, seed, batches=False, few=True):
            if not trial.comparable and trial.kind != "determinism":
                continue
            self.inherited.setdefault(trial.kind, KindSquares()).add(*runs.free(trial))
            tried.append(trial)
        # As in a `Measurement`: where nothing breaks, one forced trial says what the others would.
        broken = {kind for kind, squares in self.inherited.items() if not squares.largest <= REAL}
        for trial in reversed(tried):
            if trial.comparable and (trial.kind in broken or trial.kind not in self.local):
                self.local.setdefault(trial.kind, KindSquares()).add(*runs.forced(trial))
        unit, generator = torch.finfo(torch.float64).eps, torch.Generator().manual_seed(seed)
        self.rounding.add(*runs.free(Trial("determinism", "rounding", disturbed(x, unit, generator))))
        return self

    def error(self, stage: str, irrep: str, kind: Kind) -> float:
        """The inherited error; NaN where it was not measured, or where chance would pass for a break."""
        return self._relative(self.inherited, stage, irrep, kind)

    def local_error(self, stage: str, irrep: str, kind: Kind) -> float:
        """The local error; NaN likewise."""
        return self._relative(self.local, stage, irrep, kind)

    def _relative(self, sums: Mapping[Kind, KindSquares], stage: str, irrep: str, kind: Kind) -> float:
        floor = self.rounding.block(stage, irrep).relative
        if stage in self.coarse:  # it computes in less, whatever it is cast to
            return math.nan
        if kind not in sums:
            return math.nan
        floor = max(floor, self.scales.floor((stage, irrep), sums[kind].block(stage, irrep), torch.float64))
        if not floor < DROWNED:
            return math.nan
        error = sums[kind].block(stage, irrep).relative
        return error if error > MARGIN * floor else min(error, base_tolerance(torch.float64))

    def describe(self) -> str:
        """How the copy was made."""
        if self.twin.model is None:
            return f"No float64 copy was run beside it: {self.twin.why}."
        if self.twin.rebuilt:
            return "A copy with the same weights, built anew under float64, was run beside it."
        return "A copy cast to float64 was run beside it; constants that were rounded when it was built stay rounded."


def _faithful(
    model: nn.Module, x: ModelInput, supports: Mapping[str, Support] | None, seed: int, rebuild: Rebuild | None
) -> DoubleTwin:
    """The rebuilt copy where it does what the model does, also on a turned and on a reordered input; else the cast one.

    A model that was changed after it was built (a replaced layer, a patched method) is not what its class builds.
    """
    cast, rebuilt = cast_twin(model), rebuilt_twin(model, rebuild)
    if cast.model is None or rebuilt.model is None:
        return cast if cast.model is not None else DoubleTwin(None, False, cast.why)
    tried = trials(x, 1, seed, batches=False, few=True)
    chosen = {"permutation", *(known.kind for known in acting_on(x) if known.wide)}
    inputs = [trial for trial in tried if trial.kind in chosen and trial.comparable]
    try:
        same = all(_agree(cast.model, rebuilt.model, trial, supports) for trial in inputs)
    except Exception as problem:
        return DoubleTwin(cast.model, False, f"{type(problem).__name__}: {problem}")
    return rebuilt if same else cast


def _agree(first: nn.Module, second: nn.Module, trial: Trial, supports: Mapping[str, Support] | None) -> bool:
    one, other = (Runs.of(model, trial.x, supports).reference for model in (first, second))
    return list(one) == list(other) and all(
        one[name].values.shape == other[name].values.shape
        and difference_of(one[name].values, other[name].values) < _AGREE
        for name in one
    )

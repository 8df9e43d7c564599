"""The runs of one check, and the findings that follow from their sums of squares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from equiviz.equivariance.claims import KINDS, Kind
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.finding import Finding, Status
from equiviz.equivariance.round_off import DROWNED, base_tolerance, tolerance
from equiviz.equivariance.squares import BlockSquares, KindSquares
from equiviz.equivariance.transformed_input import disturbed
from equiviz.equivariance.trials import Trial, trials
from equiviz.features.capture import Capture, capture
from equiviz.features.model_input import ModelInput
from equiviz.nn.stage import Support

DISTURBANCES = 2


@dataclass(eq=False)
class Measurement:
    """The sums of all trials of one check."""

    reference: Capture
    kinds: dict[Kind, KindSquares]
    rounding: KindSquares
    dtype: torch.dtype
    notes: list[str]

    @classmethod
    def make(
        cls, model: nn.Module, x: ModelInput, elements: int, seed: int, supports: Mapping[str, Support] | None
    ) -> Measurement:
        """Run the model on the input, on every trial of it, and on the input disturbed by rounding."""
        reference = capture(model, x, supports=supports)
        kinds: dict[Kind, KindSquares] = {kind: KindSquares() for kind in KINDS}
        for trial in trials(x, elements, seed, batches=hasattr(model, "prepare")):
            kinds[trial.kind].add(reference, _record(model, trial, supports), trial)
        dtype = _coarsest(model, reference)
        rounding, generator = KindSquares(), torch.Generator().manual_seed(seed)
        for _ in range(DISTURBANCES):
            near = Trial("determinism", "rounding", disturbed(x, torch.finfo(dtype).eps, generator))
            rounding.add(reference, _record(model, near, supports), near)
        return cls(reference, kinds, rounding, dtype, _notes(model, kinds))

    def findings(self, claimed: frozenset[Kind]) -> list[Finding]:
        """One per stage, irrep and kind that was tried."""
        made: list[tuple[Kind, KindSquares]] = [
            (kind, squares) for kind, squares in self.kinds.items() if squares.trials
        ]
        return [
            self._finding(name, label, kind, squares, kind in claimed)
            for name, field in self.reference.items()
            for label in field.representation.labels()
            for kind, squares in made
        ]

    def _finding(self, stage: str, irrep: str, kind: Kind, squares: KindSquares, claimed: bool) -> Finding:
        block = squares.blocks.get((stage, irrep), BlockSquares())
        floor = self._floor(stage, irrep)
        bound = tolerance(self.dtype, floor)
        error = math.inf if stage in squares.missing else block.relative
        status: Status = "not passed" if stage in squares.missing else _status(error, floor, bound)
        worst = squares.missing.get(stage, block.worst_trial)
        support = self.reference[stage].support
        return Finding(stage, support, irrep, kind, error, floor, bound, claimed, status, squares.trials, worst)

    def _floor(self, stage: str, irrep: str) -> float:
        """What rounding does; nothing where the model is not even deterministic, for chance is no rounding."""
        repeated = self.kinds["determinism"].blocks.get((stage, irrep), BlockSquares())
        disturbed_block = self.rounding.blocks.get((stage, irrep), BlockSquares())
        if repeated.norm == 0 or repeated.relative > base_tolerance(self.dtype) or not disturbed_block.finite:
            return 0.0
        return disturbed_block.relative if disturbed_block.norm > 0 else 0.0


def _status(error: float, floor: float, bound: float) -> Status:
    if math.isinf(error):
        return "not finite"
    if math.isnan(error):
        return "all zero"
    if floor > DROWNED:
        return "drowned in rounding"
    return "holds" if error <= bound else "breaks"


def _record(model: nn.Module, trial: Trial, supports: Mapping[str, Support] | None) -> Capture:
    try:
        return capture(model, trial.x, supports=supports)
    except Exception as problem:
        raise CheckError(
            f"{type(model).__name__} takes the input as it came, but raises under {trial.kind} ({trial.words}): "
            f"{type(problem).__name__}: {problem}. The transformed input was {trial.x!r}."
        ) from problem


def _coarsest(model: nn.Module, reference: Capture) -> torch.dtype:
    """The floating type that limits the accuracy: parameters count, constants do not, for they can be made exact."""
    types = {parameter.dtype for parameter in model.parameters()} | {f.values.dtype for f in reference.values()}
    return max((t for t in types if t.is_floating_point), key=lambda t: torch.finfo(t).eps, default=torch.float64)


def _notes(model: nn.Module, kinds: Mapping[Kind, KindSquares]) -> list[str]:
    notes: list[str] = []
    if any(module.training for module in model.modules()):
        notes.append("The model is in training mode; call model.eval() to check what it does in use.")
    for kind, squares in kinds.items():
        for words, edges in list(squares.changed_edges.items())[:1]:
            notes.append(
                f"Under {kind} ({words}), {edges} edges came or went: neighbours at the cutoff, or truncation."
            )
    return notes

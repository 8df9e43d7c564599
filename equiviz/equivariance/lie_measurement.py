"""All Lie derivatives of one model on one input: forward mode, and finite differences where that is no use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from equiviz.equivariance.dual_pass import DualPass
from equiviz.equivariance.finite_differences import step_for
from equiviz.equivariance.lie_control import FINER, disproved
from equiviz.equivariance.lie_finding import Method, Motion
from equiviz.equivariance.lie_runs import Block, LieRuns
from equiviz.symmetry.generators import RotationGenerator, TranslationGenerator

NAMES: dict[Motion, list[str]] = {
    "rotation": ["rotation about x", "rotation about y", "rotation about z"],
    "translation": ["translation along x", "translation along y", "translation along z"],
}
_KINDS = {"rotation": RotationGenerator, "translation": TranslationGenerator}
LOST = "it disagrees with finite differences, as when detach, numpy or a wrong formula loses a derivative"


class Size(NamedTuple):
    """Norm of the Lie derivative of one block along one generator, and what may be wrong with it."""

    norm: float
    doubt: float
    method: Method


@dataclass(eq=False)
class LieMeasurement:
    """Norms of Lie derivatives, block by block.

    Attributes:
        runs: the model and its input.
        sizes: by stage, irrep and generator.
        reasons: why forward mode was no use, by stage.
    """

    runs: LieRuns
    sizes: dict[tuple[str, str, str], Size] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, runs: LieRuns) -> LieMeasurement:
        """Measure along all generators that move the input. Raises CheckError where the model raises on moved input."""
        made = cls(runs)
        # Tensors without a "position" among them do not notice translations.
        still = {"translation"} if getattr(runs.x, "positions", 0) is None else set[str]()
        motions: list[Motion] = [motion for motion in NAMES if motion not in still]
        for motion in motions:
            made._forward(motion)
        made.reasons = {stage: made.reasons[stage] for stage in runs.reference if stage in made.reasons}
        for motion in motions if made.reasons else ():
            made._by_differences(motion)
        return made

    def _forward(self, motion: Motion) -> None:
        """One pass per generator; then the floor and the control, along a random combination of the three."""
        kind, weights = _KINDS[motion], _direction(self.runs.seed)
        mixture: dict[str, Tensor] = {}
        norms: dict[tuple[str, str, str], float] = {}
        for axis, weight, name in zip(torch.eye(3), weights.tolist(), NAMES[motion], strict=True):
            for stage, lie in self._kept(self.runs.dual(kind(axis))).items():
                mixture[stage] = mixture.get(stage, 0.0) + weight * lie
                norms |= {(stage, irrep, name): norm for irrep, norm in self.runs.norms(stage, lie).items()}
        floors = self._floors(mixture, self.runs.dual(kind(weights), near=True))
        for (stage, irrep, name), norm in norms.items():
            self.sizes[stage, irrep, name] = Size(norm, floors.get((stage, irrep), 0.0), "forward mode")
        whole = {stage: lie for stage, lie in mixture.items() if stage not in self.reasons}
        self.reasons |= dict.fromkeys(disproved(self.runs, kind(weights), whole, floors), LOST)

    def _kept(self, passed: DualPass) -> dict[str, Tensor]:
        """What a pass gave; for what it did not, the reason is noted."""
        reference = self.runs.reference
        kept = {s: lie for s, lie in passed.lie.items() if s in reference and lie.shape == reference[s].values.shape}
        self.reasons |= {stage: passed.stopped or LOST for stage in reference if stage not in kept}
        return kept

    def _floors(self, mixture: dict[str, Tensor], near: DualPass) -> dict[Block, float]:
        """What rounding does to a Lie derivative: it is linear in the generator, and smooth in the input."""
        return {
            (stage, irrep): norm
            for stage, expected in mixture.items()
            if stage in near.lie and near.lie[stage].shape == expected.shape
            for irrep, norm in self.runs.norms(stage, expected - near.lie[stage]).items()
        }

    def _by_differences(self, motion: Motion) -> None:
        """Finite differences for the stages where forward mode was no use, with the better of two steps."""
        step = step_for(self.runs.dtype)
        for axis, name in zip(torch.eye(3), NAMES[motion], strict=True):
            tried = [self.runs.differences(_KINDS[motion](axis), h) for h in (step, step / FINER)]
            for stage in self.reasons:
                pairs = [(self.runs.norms(stage, found.lie(stage)), self.runs.doubts(stage, found)) for found in tried]
                for irrep in pairs[0][0]:
                    norm, doubt = min(((n[irrep], d[irrep]) for n, d in pairs), key=lambda pair: pair[1])
                    self.sizes[stage, irrep, name] = Size(norm, doubt, "finite differences")


def _direction(seed: int) -> Tensor:
    """A random direction: `[3]`, of length one."""
    drawn = torch.randn(3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn / drawn.norm()

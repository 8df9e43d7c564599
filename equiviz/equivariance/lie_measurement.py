"""All Lie derivatives of one model on one input: forward mode, and finite differences where that is no use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from torch import Tensor

from equiviz.equivariance.dual_pass import DualPass
from equiviz.equivariance.errors import NoSmallMotionError
from equiviz.equivariance.finite_differences import step_for
from equiviz.equivariance.lie_control import FINER, disproved
from equiviz.equivariance.lie_finding import Method, Motion
from equiviz.equivariance.lie_runs import Block, LieRuns
from equiviz.equivariance.transformed_input import acting_smoothly_on
from equiviz.features.model_input import ModelInput
from equiviz.symmetry.generators import Generator

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
        generators: what was tried, by kind and name.
        sizes: by stage, irrep and generator.
        reasons: why forward mode was no use, by stage.
    """

    runs: LieRuns
    generators: dict[Motion, Mapping[str, Generator]]
    sizes: dict[tuple[str, str, str], Size] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, runs: LieRuns) -> LieMeasurement:
        """Measure along all generators that move the input. Raises CheckError where the model raises on moved input."""
        made = cls(runs, generators_of(runs.x))
        for along in made.generators.values():
            made._forward(along)
        made.reasons = {stage: made.reasons[stage] for stage in runs.reference if stage in made.reasons}
        for along in made.generators.values() if made.reasons else ():
            made._by_differences(along)
        return made

    def _forward(self, along: Mapping[str, Generator]) -> None:
        """One pass per generator; then the floor and the control, along a random combination of all of one kind."""
        weights = _direction(len(along), self.runs.seed).tolist()
        whole_way = reduce(add, (x * weight for x, weight in zip(along.values(), weights, strict=True)))
        mixture: dict[str, Tensor] = {}
        norms: dict[tuple[str, str, str], float] = {}
        for (name, x), weight in zip(along.items(), weights, strict=True):
            for stage, lie in self._kept(self.runs.dual(x)).items():
                mixture[stage] = mixture.get(stage, 0.0) + weight * lie
                norms |= {(stage, irrep, name): norm for irrep, norm in self.runs.norms(stage, lie).items()}
        floors = self._floors(mixture, self.runs.dual(whole_way, near=True))
        for (stage, irrep, name), norm in norms.items():
            self.sizes[stage, irrep, name] = Size(norm, floors.get((stage, irrep), 0.0), "forward mode")
        whole = {stage: lie for stage, lie in mixture.items() if stage not in self.reasons}
        self.reasons |= dict.fromkeys(disproved(self.runs, whole_way, whole, floors), LOST)

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

    def _by_differences(self, along: Mapping[str, Generator]) -> None:
        """Finite differences for the stages where forward mode was no use, with the better of two steps."""
        step = step_for(self.runs.dtype)
        for name, x in along.items():
            tried = [self.runs.differences(x, h) for h in (step, step / FINER)]
            for stage in self.reasons:
                pairs = [(self.runs.norms(stage, found.lie(stage)), self.runs.doubts(stage, found)) for found in tried]
                for irrep in pairs[0][0]:
                    norm, doubt = min(((n[irrep], d[irrep]) for n, d in pairs), key=lambda pair: pair[1])
                    self.sizes[stage, irrep, name] = Size(norm, doubt, "finite differences")


def generators_of(x: ModelInput) -> dict[Motion, Mapping[str, Generator]]:
    """The generators of what acts on an input, by kind; of kinds that have some.

    Raises:
        NoSmallMotionError: there are none.
    """
    found: dict[Motion, Mapping[str, Generator]] = {}
    for known in acting_smoothly_on(x):
        found[known.kind] = {**found.get(known.kind, {}), **known.generators()}
    if not found:
        raise NoSmallMotionError(
            "A Lie derivative follows small motions, and this input has none: what acts on it is finite, or jumps "
            "from point to point of a grid. equiviz.check tries finite elements."
        )
    return found


def _direction(count: int, seed: int) -> Tensor:
    """A random direction: `[count]`, of length one."""
    drawn = torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn / drawn.norm()

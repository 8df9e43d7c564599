"""Lie derivatives by central differences, with an error that is estimated and not hoped for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.transformed_input import transformed
from equiviz.features.capture import Capture, capture
from equiviz.features.model_input import ModelInput
from equiviz.features.precision import wide
from equiviz.nn.stage import Support
from equiviz.symmetry.generators import Generator
from equiviz.symmetry.groups import GroupElement

# A smooth function's central differences at h, 2h, 4h are off by c h^2, 4c h^2, 16c h^2: their gaps grow fourfold. Less
# than threefold means kinks or rounding.
_SMOOTH = 3.0

Norms: TypeAlias = Callable[[Tensor], Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Differences:
    """Lie derivatives of all stages along one generator, from central differences at steps of h, 2h and 4h.

    Attributes:
        quotients: (F(kh) - F(-kh)) / 2kh for k = 1, 2, 4, where F(t) = rho(exp(-tX)) f(exp(tX) x); by stage, in double
            precision, in the shape of the stage; NaN where its rows came and went.
        step: h.
    """

    quotients: dict[int, dict[str, Tensor]]
    step: float

    def lie(self, stage: str) -> Tensor:
        """The derivative, with an error of order h^6 (Richardson; Numerical Recipes (3rd ed.), section 5.7)."""
        fine, middle, coarse = (self.quotients[k][stage] for k in (1, 2, 4))
        return (64 * fine - 20 * middle + coarse) / 45

    def truncation(self, stage: str, norms: Norms, smooth: bool = False) -> dict[str, float]:
        """What steps of finite size leave in doubt, by irrep.

        The gap between the extrapolations of three and of two differences, for a smooth function; for one with kinks
        (ReLU), where extrapolation does not help, the gap between the two finest differences.

        Args:
            stage: its name.
            norms: the norm of each irrep of values in the shape of the stage.
            smooth: take the function for a smooth one in any case.
        """
        fine, middle, coarse = (self.quotients[k][stage] for k in (1, 2, 4))
        near, far, left = norms(middle - fine), norms(coarse - middle), norms((4 * fine - 5 * middle + coarse) / 45)
        return {i: left[i] if smooth or far[i] > _SMOOTH * near[i] else near[i] for i in near}


def step_for(dtype: torch.dtype) -> float:
    """The finest step h, in radians or length units: the fourth root of the dtype's epsilon.

    Rounding leaves eps / h = eps^(3/4): 2e-12 in float64, 6e-6 in float32. The truncation, of order h^4 and better, is
    eps itself; larger steps would round less, but cross the kinks of networks made of ReLU.
    """
    return torch.finfo(dtype).eps ** 0.25


def finite_differences(
    model: nn.Module,
    x: ModelInput,
    reference: Capture,
    generator: Generator,
    step: float,
    supports: Mapping[str, Support],
    before_each: Callable[[], object],
) -> Differences:
    """Six runs on moved input, their records moved back.

    Args:
        model: the model.
        x: what its forward takes.
        reference: the record of x.
        generator: X.
        step: h.
        supports: as in `equiviz.capture`.
        before_each: called before each run, to make chance the same in all.

    Raises:
        CheckError: the model raises on the moved input.
    """
    quotients: dict[int, dict[str, Tensor]] = {}
    for times in (1, 2, 4):
        ends: list[dict[str, Tensor]] = []
        for t in (times * step, -times * step):
            before_each()
            ends.append(_moved_back(_record(model, x, generator.exp(t), supports), reference, generator.exp(-t)))
        quotients[times] = {name: (ends[0][name] - ends[1][name]) / (2 * times * step) for name in reference}
    return Differences(quotients, step)


def _record(model: nn.Module, x: ModelInput, g: GroupElement, supports: Mapping[str, Support]) -> Capture:
    try:
        return capture(model, transformed(x, g), supports=supports)
    except Exception as problem:
        raise CheckError(
            f"{type(model).__name__} takes the input as it came, but raises under the small motion {g!r}: "
            f"{type(problem).__name__}: {problem}. The input was {x!r}."
        ) from problem


def _moved_back(moved: Capture, reference: Capture, g: GroupElement) -> dict[str, Tensor]:
    back: dict[str, Tensor] = {}
    for name, found in reference.items():
        like = wide(found.values)
        if name in moved and moved[name].values.shape == like.shape:
            back[name] = found.representation.transform(g, wide(moved[name].values))
        else:
            back[name] = torch.full_like(like, torch.nan)
    return back

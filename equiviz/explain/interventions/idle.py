"""What of a model no longer reaches any output: paths and parameters whose gradient is exactly zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from equiviz.features.model_input import ModelInput, own_copy
from equiviz.features.model_state import untouched
from equiviz.nn.product_paths import gated, paths_of
from equiviz.symmetry.field import Field

DERIVATIVE_WORDS = ("derivative", "backward", "inplace", "in-place", "inference tensor", "require grad")
"""In what torch says where it cannot differentiate: an operation without derivative, values overwritten that a backward
pass needs, tensors made for inference."""


@dataclass(frozen=True, eq=False)
class Idle:
    """What is idle on the inputs that were shown.

    Attributes:
        paths: by product, the places of its idle paths.
        parameters: how many numbers.
        known: whether the model could be differentiated; else nothing counts as idle.
    """

    paths: dict[str, frozenset[int]]
    parameters: int
    known: bool = True


def idle(model: nn.Module, inputs: Iterable[ModelInput], seed: int = 0) -> Idle:
    """Differentiate a random mixture of all outputs in the gates of all paths, and in all parameters.

    The derivative in a gate is the sum of the path's output times the gradient there, so that it is exactly zero where
    the path gives exact zeros, and where a mask below it lets none of it through. Cancellation to exact zero has no
    chance, for the mixture is random.

    Args:
        model: left as it is.
        inputs: what its forward takes.
        seed: of the mixture.

    Raises:
        RuntimeError: as the model raises it, of other things than derivatives.
    """
    found = paths_of(model)
    gates = {name: torch.ones(len(one.paths), dtype=torch.float64, requires_grad=True) for name, one in found.items()}
    moved = {name: torch.zeros(len(one.paths), dtype=torch.bool) for name, one in found.items()}
    reached = {name: torch.zeros_like(value, dtype=torch.bool) for name, value in model.named_parameters()}
    for taken in inputs:
        try:
            known = _look(model, taken, gates, moved, reached, seed)
        except RuntimeError as problem:
            if isinstance(problem, torch.OutOfMemoryError) or not _of_derivatives(problem):
                raise
            known = False
        if not known:
            return Idle({}, 0, known=False)
    paths = {name: frozenset((~flags).nonzero().flatten().tolist()) for name, flags in moved.items()}
    return Idle(paths, int(sum((~flags).sum() for flags in reached.values())))


def _look(
    model: nn.Module,
    taken: ModelInput,
    gates: Mapping[str, Tensor],
    moved: Mapping[str, Tensor],
    reached: Mapping[str, Tensor],
    seed: int,
) -> bool:
    """Mark what one input moves; False where no output can be differentiated."""
    with untouched(model), torch.enable_grad(), gated(model, gates):
        model.eval()
        parameters = dict(model.named_parameters())
        for parameter in parameters.values():
            parameter.requires_grad_(True)
        mixture = _mixture(model(own_copy(taken, linked=False)), seed)
        if mixture is None:
            return False
        wanted = [*gates.values(), *parameters.values()]
        found = cast("tuple[Tensor | None, ...]", torch.autograd.grad(mixture, wanted, allow_unused=True))
    for flags, slope in zip([*moved.values(), *reached.values()], found, strict=True):
        if slope is not None:
            flags |= slope.detach() != 0
    return True


def _of_derivatives(problem: RuntimeError) -> bool:
    """Whether autograd refuses, rather than the model fail."""
    return any(word in str(problem).lower() for word in DERIVATIVE_WORDS)


def _mixture(outputs: object, seed: int) -> Tensor | None:
    """A random linear combination of all numbers that a model gives; None of constants."""
    generator = torch.Generator().manual_seed(seed)
    parts = [
        (torch.randn(values.shape, generator=generator, dtype=torch.float64).to(values) * values).real.sum()
        for values in numbers_in(outputs)
        if values.requires_grad
    ]
    return torch.stack([part.double() for part in parts]).sum() if parts else None


def numbers_in(outputs: object) -> list[Tensor]:
    """All floating-point tensors among what a model gives: fields, tensors, in dicts, lists and tuples."""
    if isinstance(outputs, Field):
        return [outputs.values]
    if isinstance(outputs, Tensor):
        return [outputs] if outputs.is_floating_point() or outputs.is_complex() else []
    if isinstance(outputs, Mapping):
        return [tensor for value in cast("Mapping[object, object]", outputs).values() for tensor in numbers_in(value)]
    if isinstance(outputs, (list, tuple)):
        return [tensor for value in cast("list[object]", outputs) for tensor in numbers_in(value)]
    return []

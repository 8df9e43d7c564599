"""Numbers that are linear in each of several factors, and all their derivatives from one set of compiled loops.

The derivative of such a number in one factor is made of the others. Its own derivatives, with a change put where the
factor was left out, are derivatives of the same number in another factor. So whoever writes the first derivative in
each factor has those of all orders, backward and forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

Derivative = Callable[..., Tensor]
"""Takes the factors, one of which is None, and returns the derivative in that one."""


class Multilinear(torch.autograd.Function):
    """``Multilinear.apply(derivative, *factors)``: the derivative in the factor that is None.

    Differentiable to any order, backward and forward.
    """

    @staticmethod
    def forward(ctx: Any, derivative: Derivative, *factors: Tensor | None) -> Tensor:
        """Run the loop of the factor that is None."""
        ctx.save_for_backward(*factors)
        ctx.save_for_forward(*factors)
        ctx.derivative = derivative
        return derivative(*factors)

    @staticmethod  # torch's stub wants any number of upstream gradients, a function has a fixed one
    def backward(ctx: Any, change: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The change in place of what was left out, and one factor after the other left out."""
        factors = [change if factor is None else factor for factor in ctx.saved_tensors]
        wanted = ctx.needs_input_grad[1:]  # False for what was left out: None needs no gradient
        return None, *(
            _without(factors, place, ctx.derivative) if wanted[place] else None for place in range(len(factors))
        )

    @staticmethod  # linear in each factor: the sum over factors, each replaced by its tangent
    def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The sum of what the factors' tangents give."""
        factors = ctx.saved_tensors
        parts = [
            Multilinear.apply(ctx.derivative, *factors[:place], tangent, *factors[place + 1 :])
            for place, tangent in enumerate(tangents[1:])
            if tangent is not None
        ]
        return reduce(torch.add, parts)


def _without(factors: Sequence[Tensor], place: int, derivative: Derivative) -> Tensor:
    return Multilinear.apply(derivative, *(None if other == place else factors[other] for other in range(len(factors))))

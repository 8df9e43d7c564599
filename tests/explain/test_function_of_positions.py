"""Are derivatives the same whether vmap knows the operations or not, and do other errors come through?"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from equiviz.explain.errors import BlindSpotError, CounterfactualError
from equiviz.explain.function_of_positions import FunctionOfPositions, derivative
from equiviz.symmetry.errors import EquivizError
from tests.explain.blind_spots.known import Known, cloud, radial


class _Squares(torch.autograd.Function):
    """Squares, with a backward pass that needs the gradient's numbers: vmap cannot batch it."""

    @staticmethod
    def forward(ctx: Any, points: Tensor) -> Tensor:
        ctx.save_for_backward(points)
        return points.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (points,) = ctx.saved_tensors
        return 2 * points * torch.tensor(gradients[0].tolist(), dtype=points.dtype)


class _OnePass(_Squares):
    """As `_Squares`, asking for single numbers."""

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (points,) = ctx.saved_tensors
        return 2 * points * gradients[0] * (1.0 if float(gradients[0].abs().sum()) < torch.inf else 0.0)


class _OutOfMemory(_Squares):
    """A backward pass that asks for more memory than there is."""

    calls = 0

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        _OutOfMemory.calls += 1
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def points() -> Tensor:
    return torch.arange(1.0, 7.0, dtype=torch.float64).reshape(2, 3).requires_grad_()


@pytest.mark.parametrize("squares", [_Squares, _OnePass])
def test_what_vmap_does_not_know_is_done_one_by_one(squares: type[_Squares]) -> None:
    moving = points()
    found = derivative(squares.apply(moving).flatten(), moving)  # type: ignore[no-untyped-call]
    assert found is not None
    assert torch.equal(found, torch.diag(2 * moving.detach().flatten()))


def test_out_of_memory_is_not_taken_for_that() -> None:
    moving = points()
    values = _OutOfMemory.apply(moving).flatten()  # type: ignore[no-untyped-call]
    before = _OutOfMemory.calls
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        derivative(values, moving)
    assert _OutOfMemory.calls == before + 1  # not once more for each value


@pytest.mark.parametrize("refusal", [BlindSpotError, CounterfactualError])
def test_the_asking_tool_names_the_error(refusal: type[EquivizError]) -> None:
    with pytest.raises(refusal, match="Expected one structure, whose points can move; got 2 structures"):
        FunctionOfPositions.of(Known(radial, "8x0e"), [cloud(3), cloud(3)], refusal=refusal)

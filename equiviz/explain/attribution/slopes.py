"""Gradients by tensors that may not matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor


def slopes_by(tensors: Sequence[Tensor], answer: Tensor) -> list[Tensor | None]:
    """The gradient of the sum of `answer` by each tensor; None where it does not depend on it."""
    if not answer.requires_grad or not tensors:
        return [None] * len(tensors)
    found = torch.autograd.grad(answer.sum(), list(tensors), allow_unused=True)
    return list(cast("tuple[Tensor | None, ...]", found))

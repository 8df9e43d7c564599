"""Gradients by tensors that may not matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from equiviz.explain.errors import AttributionError
from equiviz.nn.equivariant_model import title_of


def slopes_by(tensors: Sequence[Tensor], answer: Tensor) -> list[Tensor | None]:
    """The gradient of the sum of `answer` by each tensor; None where it does not depend on it."""
    if not answer.requires_grad or not tensors:
        return [None] * len(tensors)
    found = torch.autograd.grad(answer.sum(), list(tensors), allow_unused=True)
    return list(cast("tuple[Tensor | None, ...]", found))


def no_gradient(model: nn.Module, target: str) -> AttributionError:
    """The error where no slope of the prediction leads to `target`, such as "any stage"."""
    return AttributionError(
        f"No gradient of this prediction of {title_of(model)} reaches {target}: the model detaches it on the way, or "
        "works without gradients. Methods that take edges away work all the same: to='edges' with method='shapley' or "
        "'ablation'."
    )

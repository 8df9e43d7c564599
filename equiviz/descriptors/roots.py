"""Divisions and roots that stay finite, with finite gradients, where an environment is empty."""

from __future__ import annotations

import torch
from torch import Tensor


def root(squares: Tensor) -> Tensor:
    """Return the square root of values >= 0 [...]; at zero the value and its gradient are zero."""
    positive = squares > 0
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)


def length(vectors: Tensor) -> Tensor:
    """Return the length [...] of vectors [..., 3]; the gradient of a vector of length zero is zero."""
    return root(vectors.square().sum(-1))


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Return numerator / denominator [...]; where the denominator is zero the value and its gradients are zero."""
    defined = denominator != 0
    return torch.where(defined, numerator / torch.where(defined, denominator, 1.0), 0.0)

"""Sums over many rows are made in double precision, whatever the model computes in."""

from __future__ import annotations

import torch
from torch import Tensor


def wide(values: Tensor) -> Tensor:
    """The values, detached, in float64, or in complex128 where they are complex; on the device where they are."""
    return values.detach().to(torch.complex128 if values.is_complex() else torch.float64)

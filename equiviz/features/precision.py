"""In which precision a model computes; sums over many rows are made in double precision all the same."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from equiviz.symmetry.field import Field


def wide(values: Tensor) -> Tensor:
    """The values, detached, in float64, or in complex128 where they are complex; on the device where they are."""
    return values.detach().to(torch.complex128 if values.is_complex() else torch.float64)


def coarsest(model: nn.Module, fields: Iterable[Field]) -> torch.dtype:
    """The floating type that limits the accuracy: parameters count, constants do not, for they can be made exact."""
    types = {parameter.dtype for parameter in model.parameters()} | {item.values.real.dtype for item in fields}
    return max((t for t in types if t.is_floating_point), key=lambda t: torch.finfo(t).eps, default=torch.float64)

"""A stage: the place in a model where a typed tensor passes, and says what it is."""

from __future__ import annotations

import math
from typing import get_args

import torch
from torch import Tensor, nn

from equiviz.nn.errors import ModelError
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.representation_text import representation as as_representation
from equiviz.symmetry.representations import Representation


class Stage(nn.Module):
    """Hands its input on unchanged, and declares the representation that it carries.

    A model writes ``x = self.stage_density(x)`` wherever a typed tensor is worth looking at. Without a tool attached
    this costs one Python call; it has no parameters and no buffers, so it leaves no trace in saved weights.

    Args:
        representation: what the values are: ``"8x0e+4x1o"`` (irreps, layout ``mul_ir``), or any `Representation`, for
            other layouts.
        support: what the first axis runs over: ``"node"``, ``"edge"``, ``"graph"`` or ``"sphere"``.

    Raises:
        ModelError: an unknown support.
    """

    def __init__(self, representation: Representation | str, support: Support = "node") -> None:
        super().__init__()
        if support not in get_args(Support):
            raise ModelError(
                f"A stage lives on one of {', '.join(get_args(Support))}, but support={support!r} was given."
            )
        self.representation = as_representation(representation)
        self.support: Support = support

    def forward(self, values: Tensor) -> Tensor:
        """Return `values` as they came."""
        return values

    def field(self, values: Tensor) -> Field:
        """The values as a `Field`; ``[n, (L+1)^2, C]`` is flattened over its last axes where only that fits.

        Raises:
            ModelError: the trailing axes of `values` do not hold ``representation.dim`` numbers.
        """
        dim = self.representation.dim
        if values.ndim > 1 and values.shape[-1] == dim:
            return Field(values, self.representation, self.support)
        if values.ndim < 2 or math.prod(values.shape[1:]) != dim:
            raise ModelError(
                f"This stage declares {self.representation}: {dim} numbers per {self.support}, but a tensor of shape "
                f"{tuple(values.shape)} passed through it. Declare what passes, or move the stage."
            )
        return Field(torch.flatten(values, 1), self.representation, self.support)

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f"{self.representation}, on each {self.support}"

"""The mean of fields over an orbit, and their standard deviation, in one pass; differentiable."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from equiviz.equivariance.orbit import Orbit
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps

SUFFIX = "_rot_std"


@dataclass(eq=False)
class _Sums:
    """Sums of one field's back-transformed values less `origin`, the first of them: so nothing cancels."""

    like: Field
    origin: Tensor  # [rows, ..., dim]
    first: Tensor
    second: Tensor

    def add(self, part: Orbit, values: Tensor) -> None:
        """Values ``[q, rows, ..., dim]``, back-transformed."""
        offset = values - self.origin
        weights = part.weights.to(offset.device)
        self.first = self.first + torch.einsum("q,q...->...", weights.to(offset.dtype), offset)
        self.second = self.second + torch.einsum("q,q...->...", weights, offset.abs().square())

    def mean(self) -> Field:
        """The field itself, averaged."""
        return self.like.with_values((self.origin + self.first).to(self.like.values.dtype))

    def deviation(self) -> Field:
        """The square root of the variance of each copy of each block: a number per row and copy."""
        spread = self.second - self.first.abs().square()  # [rows, ..., dim]
        copies = [block.take(spread).sum(-1) for block in self.like.blocks]  # [rows, ..., mul]
        variance = torch.cat(copies, -1) if copies else spread
        positive = variance > 0
        # The root of zero has no derivative; where the variance is zero (or its rounding), so is that of the root.
        root = torch.where(positive, torch.where(positive, variance, 1.0).sqrt(), 0.0)
        values = torch.where(variance.isnan(), variance, root).to(self.like.values.real.dtype)
        return Field(values, O3Irreps([(values.shape[-1], "0e")]), self.like.support)


@dataclass(eq=False)
class OrbitAverage:
    """Collects the outputs of a model over the elements of a rule."""

    _sums: dict[str, _Sums] = field(default_factory=dict)

    def add(self, part: Orbit, outputs: dict[str, Field]) -> None:
        """The outputs for the copies of one input, turned by each element of `part`, one copy after another."""
        for name, found in outputs.items():
            values = found.values.unflatten(0, (len(part), -1))  # [q, rows, ..., dim]
            turned = part.turn(found.representation, values, back=True)
            if name not in self._sums:
                origin = turned[0].detach()
                zero = torch.zeros_like(origin)
                self._sums[name] = _Sums(found, origin, zero, zero.real)
            self._sums[name].add(part, turned)

    def fields(self) -> dict[str, Field]:
        """The means by name, then the standard deviations as ``<name>_rot_std``."""
        means = {name: sums.mean() for name, sums in self._sums.items()}
        return {**means, **{name + SUFFIX: sums.deviation() for name, sums in self._sums.items()}}

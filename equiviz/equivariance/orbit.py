"""Orbit: many elements of O(3) at once, and what they do to typed values.

Shapes: Q elements, L degree, M = 2L + 1 components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from equiviz.symmetry import rotations
from equiviz.symmetry.groups import O3
from equiviz.symmetry.irreps import Irrep
from equiviz.symmetry.representations import O3Irreps, Representation
from equiviz.symmetry.wigner import wigner_blocks


@dataclass(eq=False)
class Orbit:
    """Elements of O(3), with weights if they are the nodes of a rule.

    Attributes:
        matrices: ``[Q, 3, 3]`` float64, orthogonal.
        weights: ``[Q]`` float64 of sum 1 over the whole rule.
    """

    matrices: Tensor
    weights: Tensor
    _wigner: dict[int, Tensor] = field(default_factory=dict)
    _whole: tuple[Orbit, slice] | None = None

    @classmethod
    def of(cls, matrices: Tensor) -> Orbit:
        """Elements of equal weight."""
        count = len(matrices)
        return cls(matrices, torch.full((count,), 1 / max(1, count), dtype=torch.float64))

    def __len__(self) -> int:
        """Number of elements."""
        return len(self.matrices)

    @cached_property
    def elements(self) -> list[O3]:
        """The elements one by one."""
        if self._whole is not None:
            whole, chosen = self._whole
            return whole.elements[chosen]
        return [O3(matrix) for matrix in self.matrices]

    @cached_property
    def proper(self) -> Tensor:
        """Which elements are rotations, ``[Q]``."""
        return rotations.determinants(self.matrices) > 0

    def wigner(self, degree: int) -> Tensor:
        """``D^l`` of the rotation part of each element, ``[Q, M, M]`` float64; kept."""
        if self._whole is not None:
            whole, chosen = self._whole
            return whole.wigner(degree)[chosen]
        if degree not in self._wigner:
            self._wigner[degree] = wigner_blocks([degree], self.matrices)[0]
        return self._wigner[degree]

    def irrep(self, ir: Irrep) -> Tensor:
        """The matrices of an irrep, parity included, ``[Q, M, M]``."""
        matrices = self.wigner(ir.l)
        return matrices if ir.p == 1 else torch.where(self.proper[:, None, None], matrices, -matrices)

    def parts(self, size: int) -> Iterator[Orbit]:
        """The elements in order, at most `size` at a time; what is known of all of them is computed once."""
        for start in range(0, len(self), max(1, size)):
            chosen = slice(start, start + max(1, size))
            yield Orbit(self.matrices[chosen], self.weights[chosen], _whole=(self, chosen))

    def turn(self, carried: Representation, values: Tensor, *, back: bool = False) -> Tensor:
        """Each element applied to its own values, or, with `back`, its inverse.

        Args:
            carried: the representation of the last axis.
            values: ``[Q, rows, ..., dim]``, or ``[1, rows, ..., dim]`` to turn the same values by all elements.
            back: apply the inverse elements.

        Returns:
            ``[Q, rows, ..., dim]`` in float64 (complex128 of complex values), on the device of `values`.
        """
        wide = values.to(torch.promote_types(values.dtype, torch.float64)).expand(len(self), *values.shape[1:])
        if isinstance(carried, O3Irreps):
            return self._turned_irreps(carried, wide, back) if carried.dim else wide
        acting = [g.inverse() if back else g for g in self.elements]
        return torch.stack([carried.transform(g, one) for g, one in zip(acting, wide, strict=True)])

    def _turned_irreps(self, carried: O3Irreps, values: Tensor, back: bool) -> Tensor:
        parts: list[Tensor] = []
        for (_, ir), block in zip(carried.irreps, carried.blocks, strict=True):
            matrices = self.irrep(ir).to(device=values.device, dtype=values.dtype)
            taken = block.take(values)  # [Q, rows, ..., mul, M]
            # (D v)_i is (v D^T)_i for a row v, and D is orthogonal.
            turned = taken.flatten(1, -2) @ (matrices if back else matrices.mT)
            parts.append(turned.reshape(taken.shape).flatten(-2))
        places = torch.cat([block.indices.flatten() for block in carried.blocks])
        return torch.cat(parts, dim=-1)[..., places.argsort().to(values.device)]

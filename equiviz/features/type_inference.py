"""Which representation does a tensor carry, if nobody says? Turn the input, and see by which matrices the tensor turns.

Between two orientations the components of one copy of an irrep l are related by D_l(R), and by no smaller block. So the
components are read from left to right: each run of 2l+1 that turns by D_l, to a small residual, is one copy. The
inversion gives the parity. What no irrep explains is left untyped, and says how far off the best one was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from equiviz.symmetry.groups import O3
from equiviz.symmetry.irreps import Irrep, Irreps
from equiviz.symmetry.representations import Layout, O3Irreps, Representation
from equiviz.symmetry.wigner import wigner_blocks

HIGHEST = 6
"""The highest degree that is tried."""
# A copy that turns as it should does so to rounding of float32; a layer that breaks by less than this is typed at once.
CLEAR = 1e-3
# A layer may break symmetry and still be of a type: relu on vectors leaves a residual of about 1. What is farther from
# the best irrep than this is not typed.
LARGEST = 0.3
NO_IRREP = "no irrep"


@dataclass(frozen=True)
class InferredType:
    """A type, and how well it fits.

    Attributes:
        representation: the irreps, with their layout.
        residual: rms over orientations of ||D f(x) - f(g x)||, relative to that of ||f||; NaN where the type was taken
            from another tensor.
    """

    representation: Representation
    residual: float

    def __str__(self) -> str:
        if math.isnan(self.residual):
            return f"taken for {self.representation}, as the tensor of its shape before it; it turns otherwise"
        return f"{self.representation} (residual {self.residual:.0e})"


@dataclass(frozen=True)
class Orientations:
    """What one tensor was in several orientations.

    Attributes:
        elements: rotations, and improper elements.
        reference: ``[rows, ...]`` of the input as it came.
        found: ``[elements, rows, ...]``.
    """

    elements: Sequence[O3]
    reference: Tensor
    found: Tensor

    def inferred(self) -> InferredType | str:
        """The type; or, in words, why there is none."""
        shape = self.reference.shape[1:]
        width = math.prod(shape)
        if not bool(self.reference.isfinite().all() & self.found.isfinite().all()):
            return "it is not finite"
        if not bool(self.reference.any()):
            return "it is zero everywhere, and says nothing"
        flat = self._along(1, width, "mul_ir")
        if isinstance(flat, InferredType) or len(shape) != 2 or shape[1] == 1:
            return flat
        columns = self._along(shape[1], shape[0], "ir_mul")
        return columns if isinstance(columns, InferredType) else flat

    def _along(self, copies: int, width: int, layout: Layout) -> InferredType | str:
        """Read components along an axis of `width`, each of which stands for `copies` copies."""
        before = self.reference.double().reshape(len(self.reference), width, copies).transpose(1, 2).reshape(-1, width)
        after = self.found.double().reshape(len(self.elements), len(self.reference), width, copies)
        after = after.transpose(2, 3).reshape(len(self.elements), -1, width)
        irreps = _Reader(self.elements, before, after).read()
        if isinstance(irreps, str):
            return irreps
        spherical = layout == "ir_mul" and [ir.l for ir in irreps] == list(range(len(irreps)))
        terms = [(copies * len(list(same)), ir) for ir, same in groupby(irreps)]
        if layout == "ir_mul" and not spherical and len(irreps) > 1 and copies > 1:
            return "its columns hold several irreps in an order that no layout has"
        carried = O3Irreps(Irreps(terms), "spherical" if spherical and len(irreps) > 1 else layout)
        return InferredType(carried, self._residual(carried))

    def _residual(self, carried: O3Irreps) -> float:
        flat = self.reference.double().flatten(1)
        difference = norm = 0.0
        for g, found in zip(self.elements, self.found.double().flatten(2), strict=True):
            difference += float((carried.transform(g, flat) - found).square().sum())
            norm += float((flat.square().sum() + found.square().sum()) / 2)
        return math.sqrt(difference / norm)


@dataclass(frozen=True)
class _Reader:
    """Reads irreps off components, from left to right.

    Attributes:
        elements: of the orientations.
        before: ``[samples, width]``.
        after: ``[elements, samples, width]``.
    """

    elements: Sequence[O3]
    before: Tensor
    after: Tensor

    def read(self) -> list[Irrep] | str:
        """One irrep per copy; or why there are none."""
        matrices = torch.stack([g.matrix for g in self.elements])
        blocks = wigner_blocks(range(HIGHEST + 1), matrices)
        signs = torch.tensor([g.det for g in self.elements], dtype=torch.float64)
        found: list[Irrep] = []
        start, width = 0, self.before.shape[1]
        while start < width:
            tried = [
                (self._residual(blocks[l] * (signs[:, None, None] if parity < 0 else 1), start), Irrep(l, parity))
                for l in range(min(HIGHEST, (width - start - 1) // 2) + 1)  # noqa: E741 - the field's own name
                for parity in (1, -1)
            ]
            clear = [one for one in tried if one[0] < CLEAR]
            residual, irrep = clear[0] if clear else min(tried, key=lambda one: one[0])
            if residual > LARGEST:
                nearest = f"the nearest, {irrep}, leaves {residual:.0%}"
                return f"{NO_IRREP} up to l = {HIGHEST} explains component {start} of {width} ({nearest})"
            found.append(irrep)
            start += irrep.dim
        return found

    def _residual(self, matrices: Tensor, start: int) -> float:
        part = slice(start, start + matrices.shape[-1])
        before, after = self.before[:, part], self.after[:, :, part]
        expected = torch.einsum("gij,sj->gsi", matrices, before)
        norm = (expected.square().sum() + after.square().sum()) / 2
        return float(((expected - after).square().sum() / norm).sqrt()) if float(norm) else 0.0

"""All Clebsch-Gordan products of features with themselves, channel by channel, as one matrix product.

For features h [S, M, W] with M = (L+1)^2 the products ``h_a h_b`` of all pairs of components a <= b are formed once;
each path l1 <= l2 -> l3 is a linear combination of them, so that all paths together are one constant matrix.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor, nn

from equiviz.nn.errors import ModelError
from equiviz.nn.product_path import ProductPath, natural, numbered
from equiviz.symmetry.representations import O3Irreps, Representation

HIGHEST = 6
"""The largest degree: the matrix has (L+1)^4 / 2 columns."""


class SelfProduct(nn.Module):
    """[S, M, W] -> by degree l3 [S, 2 l3 + 1, paths x W]; no weights.

    Odd sums l1 + l2 + l3 are among the paths, where l1 < l2 (they vanish for l1 = l2): pseudo-tensors, so that what
    mixes them with the rest is equivariant under rotations only. The paths can be told apart, see
    `equiviz.nn.product_paths`.

    Attributes:
        paths: by degree l3, how many (l1, l2) lead to it.

    Raises:
        ModelError: a degree out of range.
    """

    left: Tensor
    right: Tensor
    matrix: Tensor

    def __init__(self, l_max: int) -> None:
        super().__init__()
        if not 0 <= l_max <= HIGHEST:
            raise ModelError(f"Expected an l_max from 0 to {HIGHEST}, got {l_max}.")
        self.l_max = l_max
        left, right, blocks = _combinations(l_max)
        self.paths = tuple(block.shape[1] for block in blocks)
        # Constants follow from l_max, and are no part of saved weights.
        self.register_buffer("left", left, persistent=False)
        self.register_buffer("right", right, persistent=False)
        matrix = torch.cat([block.flatten(0, 1) for block in blocks])
        self.register_buffer("matrix", matrix.to(torch.get_default_dtype()), persistent=False)

    def forward(self, h: Tensor) -> list[Tensor]:
        """By degree, components first, then paths."""
        made = torch.matmul(self.matrix, h[:, self.left] * h[:, self.right])  # [S, sum of (2l+1) paths, W]
        parts = made.split([(2 * degree + 1) * count for degree, count in enumerate(self.paths)], dim=1)
        return [part.unflatten(1, (2 * l + 1, -1)).flatten(2) for l, part in enumerate(parts)]  # noqa: E741

    def product_paths(self) -> list[ProductPath]:
        """By degree l3, then as the columns run; degrees without parity, which this product does not keep."""
        ordered = sorted(_paths(self.l_max), key=lambda path: path[2])
        return numbered([(str(l1), str(l2), str(l3)) for l1, l2, l3 in ordered])

    def along(self, gates: Tensor, h: Tensor) -> list[Tensor]:
        """As `forward`, the columns of each path times its gate; `gates` [P]."""
        by_degree = gates.to(h).split(self.paths)
        return [
            values * own.repeat_interleave(h.shape[-1]) for values, own in zip(self.forward(h), by_degree, strict=True)
        ]

    def representations_of(self, output: list[Tensor]) -> list[Representation]:
        """Channels run fastest; of natural parity in name, for rotations alone."""
        return [O3Irreps(f"{values.shape[-1]}x{natural(l)}", "ir_mul") for l, values in enumerate(output)]  # noqa: E741


@functools.cache
def _combinations(l_max: int) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Pairs of components, and by degree l3 the paths as combinations of them ``[2 l3 + 1, paths, pairs]``."""
    from e3nn import o3

    left, right = torch.triu_indices((l_max + 1) ** 2, (l_max + 1) ** 2)
    number = {pair: k for k, pair in enumerate(zip(left.tolist(), right.tolist(), strict=True))}
    found: list[list[Tensor]] = [[] for _ in range(l_max + 1)]
    for l1, l2, l3 in _paths(l_max):
        tensor = o3.wigner_3j(l1, l2, l3, dtype=torch.float64) * math.sqrt(2 * l3 + 1)
        row = torch.zeros(2 * l3 + 1, len(left), dtype=torch.float64)
        for a in range(2 * l1 + 1):
            for b in range(2 * l2 + 1):
                one, other = sorted((l1**2 + a, l2**2 + b))
                row[:, number[one, other]] += tensor[a, b]
        found[l3].append(row)
    return left, right, tuple(torch.stack(rows, dim=1) for rows in found)


def _paths(l_max: int) -> list[tuple[int, int, int]]:
    every = [
        (l1, l2, l3)
        for l1 in range(l_max + 1)
        for l2 in range(l1, l_max + 1)
        for l3 in range(l2 - l1, min(l_max, l1 + l2) + 1)
    ]
    return [(l1, l2, l3) for l1, l2, l3 in every if l1 < l2 or (l1 + l2 + l3) % 2 == 0]

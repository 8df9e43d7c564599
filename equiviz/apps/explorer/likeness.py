"""How alike two stages are, which may have other irreps or be of other models: linear CKA of their invariants.

Kornblith, Norouzi, Lee and Hinton, "Similarity of neural network representations revisited", arXiv 1905.00414, eq. 4:
||Y^T X||^2 / (||X^T X|| ||Y^T Y||), with centred columns and Frobenius norms. Few nodes and many columns are alike by
chance: the same with nodes in random order is the control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.features.precision import wide
from equiviz.symmetry.field import Field

SHUFFLES = 5


@dataclass(frozen=True)
class Likeness:
    """Linear CKA: 0, nothing in common; 1, the same up to a rotation and a scale of the invariants.

    Attributes:
        value: of the two stages.
        chance: of the two with the nodes of one in random order.
        nodes: how many.
    """

    value: float
    chance: float
    nodes: int

    def words(self) -> str:
        """One line."""
        if math.isnan(self.value):
            return "Invariants that are the same on all nodes cannot be compared."
        control = f"with shuffled nodes: {self.chance:.2f}"
        return f"Likeness of their invariants (linear CKA) over {self.nodes:,} nodes: {self.value:.2f}; {control}."


def likeness(first: Field, second: Field) -> Likeness | None:
    """Of two stages on the nodes of one structure; None where rows do not correspond."""
    if (first.support, second.support) != ("node", "node") or len(first) != len(second) or len(first) < 2:
        return None
    if first.representation.affine or second.representation.affine:
        return None
    x, y = (_centred(field) for field in (first, second))
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(len(x), generator=generator) for _ in range(SHUFFLES)]
    chance = sum(_cka(x, y[order]) for order in orders) / SHUFFLES
    return Likeness(_cka(x, y), chance, len(x))


def _centred(field: Field) -> Tensor:
    columns = wide(field.invariants().values).abs() if field.values.is_complex() else wide(field.invariants().values)
    flat = columns.flatten(1).cpu()
    return flat - flat.mean(0)


def _cka(x: Tensor, y: Tensor) -> float:
    size = float((x.T @ x).norm() * (y.T @ y).norm())
    return float((y.T @ x).square().sum()) / size if size > 0 else math.nan

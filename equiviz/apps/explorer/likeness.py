"""How alike two stages are, which may have other irreps or be of other models: what `equiviz.likeness` says of them.

Debiased linear CKA of their invariants, see `equiviz.explain.likeness.cka`; the same with nodes in random order is the
control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from equiviz.explain.likeness.centred_columns import columns_of_stage
from equiviz.explain.likeness.cka import FEWEST, aligned, aligned_by_chance, centred_gram
from equiviz.symmetry.field import Field

SHUFFLES = 5
MOST = 1_000
"""Nodes that are compared: an estimate takes time and memory of their square."""


@dataclass(frozen=True)
class Likeness:
    """Debiased linear CKA: about 0, nothing in common; 1, the same up to a rotation and a scale of the invariants.

    Attributes:
        value: of the two stages.
        chance: of the two with the nodes of one in random order.
        nodes: how many were compared.
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
    """Of two stages on the nodes of one structure; None where rows do not correspond, or are fewer than four.

    Raises:
        LikenessError: values that are not finite.
    """
    if (first.support, second.support) != ("node", "node") or len(first) != len(second) or len(first) < FEWEST:
        return None
    if first.representation.affine or second.representation.affine:
        return None
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(len(first), generator=generator)[:MOST]
    k, l = (centred_gram(columns_of_stage(_at(field, rows))[0]) for field in (first, second))  # noqa: E741 - of the source
    orders = torch.stack([torch.randperm(len(rows), generator=generator) for _ in range(SHUFFLES)])
    return Likeness(aligned(k, l), float(aligned_by_chance(k, l, orders).mean()), len(rows))


def _at(field: Field, rows: torch.Tensor) -> Field:
    here = field.detach().to("cpu")
    return here.with_values(here.values[rows])

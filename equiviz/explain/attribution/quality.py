"""How far an explanation can be trusted: does it sum up, turn along, and stay the same under other seeds?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from equiviz.equivariance.transformed_input import acting_on
from equiviz.explain.attribution.shares import Asked, Shares
from equiviz.features.model_input import ModelInput
from equiviz.nn.equivariant_model import claimed_group
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, GroupElement, OrthogonalGroup, haar
from equiviz.symmetry.named_groups import named_group
from equiviz.symmetry.representations import O3Irreps
from equiviz.symmetry.transformations import Rotations


@dataclass(frozen=True)
class Quality:
    """Three scores of one explanation; NaN where one does not apply.

    Attributes:
        completeness: ``|sum of the scores - (prediction - baseline)|`` over the sum of the scores' sizes.
        equivariance: cosine of the explanation of the turned input with the turned explanation, the smallest of the
            rotations tried (Crabbe and van der Schaar, arXiv 2304.06715); 1 is perfect.
        departure: the same as a relative difference, the largest: ``||e(gx) - g e(x)|| / ||e(x)||``.
        stability: cosine of the scores under another seed, the smallest; 1 where nothing is random.
    """

    completeness: float
    equivariance: float
    departure: float
    stability: float


def quality(asked: Asked, taken: ModelInput, shares: Shares, rotations: int, seeds: int = 1) -> Quality:
    """Measure an explanation.

    Args:
        asked: what made it.
        taken: the input.
        shares: the explanation.
        rotations: how many elements of the group that the model claims the input is turned by; 0 for none.
        seeds: how many other seeds are tried, of a method that draws numbers.
    """
    sizes = float(shares.nodes.abs().sum())
    missing = abs(shares.sum - (shares.value - shares.baseline))
    complete = missing / sizes if asked.method.complete and sizes else float("nan")
    turned = _turned(asked, taken, shares, rotations)
    return Quality(complete, *turned, _stability(asked, taken, shares, seeds))


def _turned(asked: Asked, taken: ModelInput, shares: Shares, rotations: int) -> tuple[float, float]:
    group = claimed_group(asked.model)
    if rotations == 0 or group in ("none", "T(3)") or not isinstance(taken, (Graph, TypedTensors)):
        return float("nan"), float("nan")
    cosines, departures = [1.0], [0.0]
    for g in _elements(group, taken, rotations, asked.effort.seed + 17):
        expected = _explanation(shares, taken, g)
        moved = taken.transform(g)
        found = _explanation(asked.shares(moved), moved, O3.identity())
        cosines.append(_cosine(found, expected))
        size = float(expected.norm())
        departures.append(float((found - expected).norm()) / size if size else 0.0)
    return min(cosines), max(departures)


def _stability(asked: Asked, taken: ModelInput, shares: Shares, seeds: int) -> float:
    if not asked.method.random:
        return 1.0
    others = [replace(asked, effort=replace(asked.effort, seed=asked.effort.seed + 1 + i)) for i in range(seeds)]
    return min((_cosine(other.shares(taken).nodes, shares.nodes) for other in others), default=float("nan"))


def _elements(group: str, taken: ModelInput, count: int, seed: int) -> Sequence[GroupElement]:
    """Elements of the claimed group: of O(3) or SO(3), or of the largest other kind that acts on the input."""
    held = named_group(group)
    if Rotations in held:
        return haar(count, seed, _orthogonal(group))
    return next((known.draw(count, seed) for known in acting_on(taken) if type(known) in held), [])


def _orthogonal(group: str) -> OrthogonalGroup:
    return "O(3)" if group in ("E(3)", "O(3)") else "SO(3)"


def _explanation(shares: Shares, taken: Graph | TypedTensors, g: GroupElement) -> Tensor:
    """Scores and rotating scores, turned by g, as one vector."""
    if isinstance(taken, Graph) and (rotating := shares.rotating(taken)) is not None:
        turned = Field(rotating, O3Irreps("0e+1o+2e"), "node").transform(g).values
        return torch.cat([shares.nodes, turned.flatten()])
    return shares.nodes


def _cosine(one: Tensor, other: Tensor) -> float:
    product = float(one.norm() * other.norm())
    return float(one @ other) / product if product else 1.0

"""Environments that have nothing to do with a pair but its size: the ruler for how different its two members are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from equiviz.explain.blind_spots.pairs import Pair
from equiviz.structures.structure import Structure

STRETCH = 0.05
"""Of a distance from the centre: its standard deviation."""
SHAKE = 0.25
"""Of the shortest distance: how far points are moved where there is no centre."""
CLOSEST = 0.5
"""Of the shortest distance in the pair: nearer than this no two points come."""
MOST_TRIES = 10_000


def unrelated_environments(pair: Pair, count: int, seed: int) -> Iterator[Structure]:
    """As many neighbours at nearly the same distances from the centre, in random directions; where there is no centre,
    the first environment with all points shaken."""
    generator = torch.Generator().manual_seed(seed)
    least = CLOSEST * float(torch.pdist(pair.first.positions).min())
    tries = 0
    while count:
        tries += 1
        moved = _moved(pair, generator, least)
        if float(torch.pdist(moved).min()) > least or tries > MOST_TRIES:
            count -= 1
            yield replace(pair.first, positions=moved)


def _moved(pair: Pair, generator: torch.Generator, least: float) -> Tensor:
    points = pair.first.positions
    noise = torch.randn(points.shape, generator=generator, dtype=torch.float64)
    if pair.centre is None:
        return points + SHAKE * (least / CLOSEST) * noise
    radii = (points - points[pair.centre]).norm(dim=1, keepdim=True)  # [N, 1], 0 at the centre
    stretched = 1 + STRETCH * torch.randn(len(points), 1, generator=generator, dtype=torch.float64)
    return points[pair.centre] + radii * stretched * torch.nn.functional.normalize(noise, dim=1)

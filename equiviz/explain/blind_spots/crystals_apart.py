"""How far apart are two crystals in the same cell, at least? Told by sorted distances, images included.

No image is chosen, so the answer is the same for every way to write a crystal down. If every point lies within d of its
partner, no distance from a centre that stays differs by more than d and none between two points by more than 2 d; then
neither do the sorted lists, cut at any reach. Equal lists prove nothing: different crystals may have the same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.explain.blind_spots.superposition import Apart
from equiviz.explain.pair_distances import pairs_within
from equiviz.structures.neighbours import Neighbours
from equiviz.structures.structure import Structure

ROOM = 1.001
"""Above a distance: neighbours nearer than so many times it include the point at that distance."""


def crystals_apart(first: Structure, second: Structure, centre: int | None = None) -> Apart:
    """A bound from below; no superposition is tried, so `rms` is NaN.

    Args:
        first: [N] points, periodic.
        second: as many, with the same species in the same order and the same cell.
        centre: the point whose surroundings are compared, as far as its farthest point (the nearest image of each);
            None for the crystals themselves, as far as the farthest pair.
    """
    reach = _reach(first, centre)
    if reach == 0:
        return Apart(math.nan, 0.0)  # one point in a cell: the same crystal wherever it lies
    lists = [_sorted_distances(structure, ROOM * reach, centre) for structure in (first, second)]
    found = [_difference(lists[0][kind], lists[1][kind], reach) for kind in lists[0]]
    return Apart(math.nan, max(found, default=0.0) * (0.5 if centre is None else 1.0))


def _reach(structure: Structure, centre: int | None) -> float:
    """The farthest pair (from the centre, where there is one), each pair at its nearest images."""
    points = structure.positions.detach().cpu().double()
    among = slice(None) if centre is None else slice(centre, centre + 1)
    assert structure.cell is not None  # of periodic structures
    cell = structure.cell.detach().cpu().double()
    fractional = (points[None] - points[among, None]) @ torch.linalg.inv(cell)  # [C, N, 3]
    some = torch.where(torch.tensor(structure.pbc), fractional - fractional.round(), fractional) @ cell
    enough = float(some.norm(dim=-1).max())  # some image of each pair is as near as that
    if enough == 0:
        return 0.0
    found = pairs_within(structure, ROOM * enough)
    nearest = torch.full((len(points) ** 2,), torch.inf, dtype=torch.float64)
    place = found.edge_index[1].cpu() * len(points) + found.edge_index[0].cpu()
    nearest = nearest.scatter_reduce(0, place, _lengths(found), "amin").reshape(len(points), -1)
    nearest = nearest.fill_diagonal_(0.0)[among]
    return float(nearest.max())


def _sorted_distances(structure: Structure, reach: float, centre: int | None) -> dict[tuple[int, int], Tensor]:
    """Of each kind of pair, all below the reach."""
    found, species = pairs_within(structure, reach), structure.species.cpu()
    senders, receivers = found.edge_index.cpu()
    asked = receivers == centre if centre is not None else torch.ones_like(receivers, dtype=torch.bool)
    lengths, kinds = _lengths(found), sorted(set(species.tolist()))
    sorted_of: dict[tuple[int, int], Tensor] = {}
    for one in kinds:
        for other in kinds:
            chosen = asked & (species[receivers] == one) & (species[senders] == other)
            sorted_of[one, other] = lengths[chosen].sort().values
    return sorted_of


def _lengths(found: Neighbours) -> Tensor:
    return found.vectors.detach().cpu().double().norm(dim=1)


def _difference(a: Tensor, b: Tensor, reach: float) -> float:
    """Largest difference of two sorted lists, where all that lies beyond the reach counts as lying at it."""
    longest = max(len(a), len(b))
    filled = [torch.cat([one.clamp(max=reach), one.new_full((longest - len(one),), reach)]) for one in (a, b)]
    return float((filled[0] - filled[1]).abs().max()) if longest else 0.0

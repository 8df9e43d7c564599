"""How far apart are two crystals in the same cell, at least? Told by sorted distances, images included.

No image is chosen, so the answer is the same for every way to write a crystal down. If every point lies within d of its
partner, no distance from a centre that stays differs by more than d and none between two points by more than 2 d; then
neither do the sorted lists, cut at any reach. Around a centre the distances among its surroundings count too. Equal
lists prove nothing: different crystals may have the same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.explain.blind_spots.superposition import Apart, bound_of_distances
from equiviz.explain.pair_distances import pairs_within
from equiviz.structures.neighbours import Neighbours
from equiviz.structures.structure import Structure

ROOM = 1.001
"""Above a distance: neighbours nearer than so many times it include the point at that distance."""

BORDERS = 8
"""The widest gaps between shells that are tried as borders of the surroundings."""
BEYOND = 1.25
"""Times the reach: as far as the outermost gap is looked for."""


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
    found = max((_difference(lists[0][kind], lists[1][kind], reach) for kind in lists[0]), default=0.0)
    if centre is None:
        return Apart(math.nan, 0.5 * found)
    return Apart(math.nan, max(found, _surroundings_apart(first, second, centre, reach)))


def _surroundings_apart(first: Structure, second: Structure, centre: int, reach: float) -> float:
    """A bound from the distances among all images in a ball around the centre, which is cut where there are none.

    Points that lie within d of their partners do not cross a border from which all are farther than d; then those
    inside have their partners inside, and their distances among themselves differ by 2 d at most.
    """
    around = [_around(structure, centre, BEYOND * reach) for structure in (first, second)]
    every = torch.cat([cloud.positions.norm(dim=1) for cloud in around])
    radii = torch.cat([every, every.new_tensor([BEYOND * reach])]).unique()
    gaps = radii.diff() * (radii[:-1] <= ROOM * reach)
    found = [0.0]
    for place in gaps.argsort(descending=True)[:BORDERS].tolist():
        border, clear = float(radii[place] + gaps[place] / 2), float(gaps[place]) / 2
        p, q = (cloud.select(cloud.positions.norm(dim=1) < border) for cloud in around)
        same = p.composition == q.composition
        found.append(min(clear, bound_of_distances(p, q, 0)) if same else clear)
    return max(found)


def _around(structure: Structure, centre: int, reach: float) -> Structure:
    """All images within reach of a point, which comes first and lies at the origin."""
    found = pairs_within(structure, reach)
    mine = found.edge_index[1].cpu() == centre
    senders = torch.cat([torch.tensor([centre]), found.edge_index[0].cpu()[mine]])
    vectors = found.vectors.detach().cpu().double()[mine]
    origin = torch.zeros(1, 3, dtype=torch.float64)
    positions = torch.cat([origin, vectors])
    return Structure(positions, structure.species.cpu()[senders], species_names=structure.species_names)


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

"""How far apart are two clouds of points, at best over rotations, shifts and the exchange of equal points?

Least squares over rotations: Kabsch, Acta Cryst. A32, 922 (1976). Exchanges are tried one by one where they are few;
else the sorted distances bound the answer from below: if every point of one cloud lies within d of its partner, no
distance differs by more than 2 d, and then neither do the sorted lists.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equiviz.structures.structure import Structure

MOST_EXCHANGES = 50_000

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Apart:
    """How two clouds differ, in their length unit.

    Attributes:
        rms: root mean square distance of the points after the best superposition; NaN where exchanges are too many to
            try them all.
        at_least: no superposition brings all points closer than this to their partners. Above zero proves that the
            clouds are not congruent.
    """

    rms: float
    at_least: float


def apart(first: Structure, second: Structure, centre: int | None = None, *, proper: bool = False) -> Apart:
    """The best superposition of two structures with the same species; cells are not looked at.

    Args:
        first: [N] points.
        second: as many, of the same species.
        centre: a point that stays what it is; None for none. It lies at the centre of all rotations.
        proper: rotations only; else reflections too.
    """
    if len(first) != len(second) or first.composition != second.composition:
        return Apart(math.inf, math.inf)
    p, q = _rooted(first, centre), _rooted(second, centre)
    if _exchanges(first, centre) > MOST_EXCHANGES:
        return Apart(math.nan, 0.0 if proper else bound_of_distances(first, second, centre))
    orders = _orders(first, second, centre)  # [P, N]
    return _exact(p[orders], q, proper)


def _rooted(structure: Structure, centre: int | None) -> Points:
    """Positions from the centre, [N, 3]."""
    points = structure.positions.detach().cpu().double().numpy()
    return points - (points.mean(0) if centre is None else points[centre])


def _exact(candidates: Points, q: Points, proper: bool) -> Apart:
    """The smallest residual over candidates [P, N, 3] for points [N, 3]."""
    products = np.einsum("pni,nj->pij", candidates, q)  # [P, 3, 3]
    left, sizes, right = np.linalg.svd(products)
    flips = np.linalg.det(left) * np.linalg.det(right) if proper else np.ones(len(products))
    best = int(np.argmax(sizes[:, :2].sum(1) + flips * sizes[:, 2]))
    turn = left[best] @ np.diag([1, 1, flips[best]]) @ right[best]
    rms = float(np.sqrt(np.mean(np.sum((candidates[best] @ turn - q) ** 2, axis=1))))
    return Apart(rms, rms)  # the farthest point is at least as far as the root mean square


def _exchanges(structure: Structure, centre: int | None) -> int:
    counts = dict(structure.composition)
    if centre is not None:
        counts[structure.labels[centre]] -= 1
    return math.prod(math.factorial(count) for count in counts.values())


def _orders(first: Structure, second: Structure, centre: int | None) -> NDArray[np.intp]:
    """Every order of the first's points that gives each point of the second one of its own species, [P, N]."""
    species, wanted = first.species.cpu().numpy(), second.species.cpu().numpy()
    free = np.array([place for place in range(len(species)) if place != centre], dtype=np.intp)
    kinds = np.unique(species[free])
    per_kind = [list(itertools.permutations(free[species[free] == kind])) for kind in kinds]
    orders = np.full((math.prod(map(len, per_kind)), len(species)), -1 if centre is None else centre, dtype=np.intp)
    for row, chosen in enumerate(itertools.product(*per_kind)):
        for kind, places in zip(kinds, chosen, strict=True):
            orders[row, free[wanted[free] == kind]] = places
    return orders


def bound_of_distances(first: Structure, second: Structure, centre: int | None) -> float:
    """Half the largest difference of sorted distances, kind by kind of pair; from the centre alone, all of it.

    Args:
        first, second: of the same composition; cells are not looked at.
        centre: as `apart`.
    """
    found, p, q = [0.0], _rooted(first, centre), _rooted(second, centre)
    kinds = sorted(set(first.species.tolist()))
    one, two = (structure.species.cpu().numpy() for structure in (first, second))
    if centre is not None:
        radii = [(np.linalg.norm(points, axis=1), species) for points, species in ((p, one), (q, two))]
        found += [_difference(*(np.sort(r[species == kind]) for r, species in radii)) for kind in kinds]
    for a, b in itertools.combinations_with_replacement(kinds, 2):
        lists = [_distances(points[s == a], points[s == b]) for points, s in ((p, one), (q, two))]
        found.append(_difference(*lists) / 2)
    return max(found)


def _distances(a: Points, b: Points) -> Points:
    return np.sort(np.linalg.norm(a[:, None] - b, axis=-1), axis=None)


def _difference(a: Points, b: Points) -> float:
    return float(np.abs(a - b).max(initial=0.0))

"""The known families of environments that are easily confused: each function gives a pair, and what it shares.

Sources
-------
- S. N. Pozdnyakov, M. J. Willatt, A. P. Bartok, C. Ortner, G. Csanyi, M. Ceriotti, "Incompleteness of atomic structure
  representations", Phys. Rev. Lett. 125, 166001 (2020): pairs with the same 2-, 3- and 4-body lists.
- C. K. Joshi, C. Bodnar, S. V. Mathis, T. Cohen, P. Lio, "On the expressive power of geometric graph neural networks",
  ICML 2023: k-chains, L-fold symmetric stars.

The constructions here are our own members of these families: angles between neighbours are above 60 degrees, so that
under a fitting cutoff the centre sees all its neighbours, and these see nothing but the centre. Lengths are in units of
the longest bond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from equiviz.explain.blind_spots.sameness import Degrees, Hops, ManyBody, MirrorImages, Sameness
from equiviz.explain.blind_spots.superposition import Apart, apart
from equiviz.explain.errors import BlindSpotError
from equiviz.structures.structure import Structure

POZDNYAKOV = "Pozdnyakov et al., Phys. Rev. Lett. 125, 166001 (2020)"
Points: TypeAlias = "Sequence[Sequence[float]]"
JOSHI = "Joshi et al., ICML 2023"
MARKER = math.radians(70)


@dataclass(frozen=True, eq=False)
class Certificate:
    """What proves that a pair is what it says.

    Attributes:
        same: what both share.
        difference: by how much it differs after all: rounding, for lengths of order one.
        apart: how far the two are from congruent; for mirror images, from congruent by rotations.
    """

    same: str
    difference: float
    apart: Apart


@dataclass(frozen=True, eq=False)
class Pair:
    """Two environments that differ.

    Attributes:
        name: what it is called.
        first, second: point 0 is the centre where there is one.
        centre: 0; None where the whole is looked at.
        same: what both share, by construction.
        source: who found the family.
    """

    name: str
    first: Structure
    second: Structure
    centre: int | None
    same: Sameness
    source: str

    def certificate(self) -> Certificate:
        """Measured on the structures themselves."""
        found = apart(self.first, self.second, self.centre, proper=isinstance(self.same, MirrorImages))
        return Certificate(self.same.words, self.same.difference(self.first, self.second), found)

    def scaled(self, length: float, like: Structure | None = None) -> Pair:
        """The pair with bonds of this length; of the species, and in the length unit, of another structure."""
        return replace(self, first=_like(self.first, length, like), second=_like(self.second, length, like))

    @property
    def gap(self) -> float:
        """The shortest distance above 1, the longest bond: a cutoff between gives the edges that are meant."""
        found = [torch.pdist(structure.positions) for structure in (self.first, self.second)]
        distances = torch.cat(found)
        return float(distances[distances > 1 + 1e-9].min())


def known_pairs() -> list[Pair]:
    """One or more of every family."""
    few = [two_body(), three_body(), four_body(), mirror_images()]
    return [*few, *(fold(order) for order in (2, 3, 4, 5)), *(chain(count) for count in (2, 3, 4, 5))]


def two_body() -> Pair:
    """Two neighbours at one distance: at a right angle, or opposite."""
    return _pair("2-body", [[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [-1, 0, 0]], ManyBody(2), POZDNYAKOV)


def three_body() -> Pair:
    """Four neighbours whose six angles have the cosines 1/7 (four times) and -5/7 (twice).

    The two wide angles share a neighbour in the one, and share none in the other.
    """
    a, b, c = math.sqrt(3 / 7), math.sqrt(3) / 7, 1 / math.sqrt(7)
    shared = [[a, b, -5 / 7], [-a, b, -5 / 7], [0, 4 * b, 1 / 7], [0, 0, 1]]
    d = math.sqrt(6 / 7)
    separate = [[-c, d, 0], [-c, 0, d], [-c, 0, -d], [-c, -d, 0]]
    return _pair("3-body", shared, separate, ManyBody(3), POZDNYAKOV)


def four_body() -> Pair:
    """Two rings of three on the sphere, one a turned copy of the other, and a cap on the one or on the other.

    No triple of neighbours knows which ring turns into which, and by how much, unless a fourth tells the hands apart.
    """
    ring, turn = torch.deg2rad(torch.tensor([0.0, 119.0, 269.0], dtype=torch.float64)), math.radians(46.5)
    upper, lower = _ring(ring, 5 / 12), _ring(ring + turn, -5 / 12)
    rings = [*upper.tolist(), *lower.tolist()]
    return _pair("4-body", [*rings, [0, 1, 0]], [*rings, [0, -1, 0]], ManyBody(4), POZDNYAKOV)


def mirror_images() -> Pair:
    """Three neighbours at three distances, at right angles, and the mirror image. Only pseudo-scalars differ."""
    arms = [[1.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 0.8]]
    return _pair("mirror images", arms, [*arms[:2], [0.0, 0.0, -0.8]], MirrorImages(), "textbook")


def fold(order: int) -> Pair:
    """A ring of `order` neighbours, turned by half of its period under one more neighbour that stays.

    A ring with this symmetry has no component of a degree below `order` that knows how it is turned. From 6 on, the
    ring's members see each other too. Raises BlindSpotError for fewer than 2.
    """
    _refuse("fold", order, 2)
    steps = torch.arange(order, dtype=torch.float64) * (2 * math.pi / order)
    marker = [math.cos(MARKER), math.sin(MARKER), 0.0]
    first, second = ([*_ring(steps + turn, 0.0).tolist(), marker] for turn in (0.0, math.pi / order))
    return _pair(f"{order}-fold", first, second, Degrees(order), JOSHI)


def chain(count: int) -> Pair:
    """`count` points in a row and one at each end, bent to the same side or to opposite sides.

    Messages need floor(count / 2) + 1 steps until any point has heard of both ends. Raises BlindSpotError for fewer
    than 2.
    """
    _refuse("chain", count, 2)
    row = [[0.0, float(step), 0.0] for step in range(count)]
    sides = [[[-0.8, -0.6, 0.0], *row, [end, count - 0.4, 0.0]] for end in (0.8, -0.8)]
    first, second = (_structure(side) for side in sides)
    return Pair(f"{count}-chain", first, second, None, Hops(count // 2), JOSHI)


def _pair(name: str, first: Points, second: Points, same: Sameness, source: str) -> Pair:
    centred = [_structure([[0.0, 0.0, 0.0], *points]) for points in (first, second)]
    return Pair(name, centred[0], centred[1], 0, same, source)


def _structure(points: Points) -> Structure:
    return Structure(torch.tensor(points, dtype=torch.float64), torch.ones(len(points), dtype=torch.long))


def _ring(azimuths: Tensor, height: float) -> Tensor:
    """Points of the unit sphere at one height over the plane of y = 0, [n, 3]."""
    radius = math.sqrt(1 - height**2)
    return torch.stack([radius * azimuths.cos(), torch.full_like(azimuths, height), radius * azimuths.sin()], 1)


def _like(structure: Structure, length: float, like: Structure | None) -> Structure:
    scaled = replace(structure, positions=structure.positions * length)
    if like is None:
        return scaled
    species = torch.full_like(structure.species, int(like.species[0]))
    return replace(scaled, species=species, length_unit=like.length_unit, species_names=like.species_names)


def _refuse(family: str, came: int, least: int) -> None:
    if came < least:
        raise BlindSpotError(f"Expected a {family} of at least {least}, got {came}.")

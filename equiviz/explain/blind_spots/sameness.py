"""What the two environments of a pair share: each kind of sameness measures how well it holds."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from equiviz.explain.blind_spots.superposition import apart
from equiviz.structures.structure import Structure
from equiviz.symmetry.harmonics import spherical_harmonics

Points = NDArray[np.float64]


class Sameness(ABC):
    """Something that two environments have in common."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is the same."""

    @abstractmethod
    def difference(self, first: Structure, second: Structure) -> float:
        """By how much it is not; zero but for rounding, for lengths of order one. The centre is point 0."""


@dataclass(frozen=True)
class ManyBody(Sameness):
    """The lists of `order`-body clusters around the centre: the centre and `order` - 1 neighbours each.

    A cluster is what its members' scalar products are (distances from the centre and angles at it), whatever the order
    of its members; a list is unordered.
    """

    order: int

    @property
    def words(self) -> str:
        """What is the same."""
        inside = {2: "distances", 3: "distances and angles", 4: "triples of neighbours, with all angles"}
        return f"all {self.order}-body clusters of the centre ({inside.get(self.order, 'distances and angles')})"

    def difference(self, first: Structure, second: Structure) -> float:
        """Largest difference of scalar products under the best matching of clusters."""
        a, b = (self._clusters(structure) for structure in (first, second))  # [T, n, n]
        swaps = [list(p) for p in itertools.permutations(range(self.order - 1))]
        costs = np.min([np.abs(a[:, None] - b[None][..., s, :][..., s]).max((-2, -1)) for s in swaps], axis=0)
        rows, columns = linear_sum_assignment(costs)  # [T, T]
        return float(costs[rows, columns].max())

    def _clusters(self, structure: Structure) -> Points:
        vectors = _vectors(structure)
        chosen = np.array(list(itertools.combinations(range(len(vectors)), self.order - 1)))  # [T, n]
        members = vectors[chosen]  # [T, n, 3]
        return members @ members.swapaxes(-1, -2)


@dataclass(frozen=True)
class Hops(Sameness):
    """The surroundings of every point, as far as `count` bonds along a chain."""

    count: int

    @property
    def words(self) -> str:
        """What is the same."""
        return f"what lies within {self.count} bond{'s' * (self.count != 1)} of any point"

    def difference(self, first: Structure, second: Structure) -> float:
        """Largest residual of the superposition of two such pieces, over all points."""
        found = [0.0]
        for place in range(len(first)):
            piece = range(max(0, place - self.count), min(len(first), place + self.count + 1))
            found.append(apart(first.select(list(piece)), second.select(list(piece))).rms)
        return max(found)


@dataclass(frozen=True)
class Degrees(Sameness):
    """The sum over neighbours of spherical harmonics of all degrees below `below`."""

    below: int

    @property
    def words(self) -> str:
        """What is the same."""
        return f"the density of neighbours in degrees l < {self.below}"

    def difference(self, first: Structure, second: Structure) -> float:
        """Largest difference of the sums."""
        sums = [spherical_harmonics(self.below - 1, torch.from_numpy(_vectors(s))).sum(0) for s in (first, second)]
        return float((sums[0] - sums[1]).abs().max())


@dataclass(frozen=True)
class MirrorImages(Sameness):
    """Everything but the hand."""

    @property
    def words(self) -> str:
        """What is the same."""
        return "everything but the hand: they are mirror images"

    def difference(self, first: Structure, second: Structure) -> float:
        """Residual of the best superposition with a reflection."""
        return apart(first, second, 0).rms


def _vectors(structure: Structure) -> Points:
    """From the centre to the others, [N - 1, 3]."""
    points = structure.positions.detach().cpu().double().numpy()
    return points[1:] - points[0]

"""The symmetry that a structure has itself: rotations and reflections after which it looks as before.

Shapes: G elements, N points.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from equiviz.explain.errors import SymmetryBreakingError
from equiviz.explain.symmetry_breaking.crystal_symmetry import AXIAL, crystal_elements, is_chain
from equiviz.explain.symmetry_breaking.schoenflies import Extent, schoenflies
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.symmetry.quadrature import quadrature

SAME = 1e-3
"""Values of a field that differ by less than this share of its norm count as equal."""
COARSE = 5.0
BAND_LIMIT = 8
"""Degree up to which the average over all orientations of a single point is exact."""
_EXTENTS: dict[int, Extent] = {0: "point", 1: "line"}


@dataclass(frozen=True, eq=False)
class OwnSymmetry:
    """A group that maps a structure onto itself; of an infinite one, elements whose mean is that of all.

    Attributes:
        matrices: [G, 3, 3] float64.
        sources: [G, N]: after element g, point k is where point ``sources[g, k]`` was brought to.
        weights: [G], of sum 1.
        name: in Schoenflies' notation.
        infinite: of what the elements stand for infinitely many: all turns about a line, or about a point.
    """

    matrices: Tensor
    sources: Tensor
    weights: Tensor
    name: str
    infinite: Extent | None = None

    @classmethod
    def of(cls, structure: Structure, tolerance: float = 1e-3, proper: bool = False) -> OwnSymmetry:
        """Find the group of a structure; its typed attributes must be symmetric too.

        A molecule's elements leave its centre in place; what is periodic may be shifted by a fraction of the cell.

        Args:
            structure: with periods along any number of axes; what a slab or a rod does across them is its own.
            tolerance: how far an image may lie from a point, in the structure's length unit.
            proper: only rotations, for models that do not claim reflections.

        Raises:
            SymmetryBreakingError: no points.
        """
        found, weights, infinite = _elements(structure, tolerance)
        kept = [
            (place, matrix, source)
            for place, (matrix, source) in enumerate(found)
            if (not proper or torch.linalg.det(matrix) > 0) and _keeps_attributes(structure, matrix, source)
        ]
        whole = len(kept) >= len(found) // (2 if proper else 1)
        return cls._of_kept(kept, weights, infinite if whole else None)

    @classmethod
    def _of_kept(cls, kept: list[tuple[int, Tensor, Tensor]], weights: Tensor, infinite: Extent | None) -> OwnSymmetry:
        places, matrices, sources = (list(part) for part in zip(*kept, strict=True))
        share = weights[places]
        stacked = torch.stack(matrices)
        return cls(stacked, torch.stack(sources), share / share.sum(), schoenflies(stacked, infinite), infinite)

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def elements(self) -> list[O3]:
        """The matrices as group elements."""
        return [O3(matrix) for matrix in self.matrices]

    def moved(self, field: Field, element: int) -> Tensor:
        """Values of a field on nodes or on the graph after one element, in float64."""
        values = field.representation.transform(self.elements[element], field.values.detach().cpu().double())
        return values[self.sources[element]] if field.support == "node" else values

    def average(self, field: Field) -> Tensor:
        """The part of the values that the whole group leaves as it is, in float64: all that a symmetric input allows.

        Raises:
            SymmetryBreakingError: a field elsewhere than on nodes or the graph, or of positions.
        """
        _refuse(field)
        total = torch.zeros_like(field.values, dtype=torch.float64, device="cpu")
        for element, weight in enumerate(self.weights.tolist()):
            total += weight * self.moved(field, element)
        return total

    def keeping(self, field: Field) -> OwnSymmetry:
        """The elements that leave a field as it is: those that its order parameter keeps.

        Raises:
            SymmetryBreakingError: as `average`.
        """
        _refuse(field)
        values = field.values.detach().cpu().double()
        bound = SAME * max(float(values.norm()), 1e-300)
        same = [float((self.moved(field, g) - values).norm()) <= bound for g in range(len(self))]
        kept = [(g, self.matrices[g], self.sources[g]) for g, stays in enumerate(same) if stays]
        return OwnSymmetry._of_kept(kept, self.weights, self.infinite if all(same) else None)

    def describe(self) -> str:
        """Its name and its order, as ``"D4h (16 elements)"``."""
        if self.infinite is not None:
            return f"{self.name} (infinitely many elements)"
        return f"{self.name} ({len(self)} element{'s' * (len(self) != 1)})"


def _refuse(field: Field) -> None:
    if field.support not in ("node", "graph") or field.representation.affine or field.values.is_complex():
        raise SymmetryBreakingError(
            f"Expected a real field on nodes or on the graph, got {field.representation} on {field.support}s. "
            "Positions say nothing without an origin: give displacements ('1o') instead."
        )


def _elements(structure: Structure, tolerance: float) -> tuple[list[tuple[Tensor, Tensor]], Tensor, Extent | None]:
    """Matrices and sources, their weights, and of what they stand for infinitely many."""
    if not len(structure):
        raise SymmetryBreakingError("Expected a structure with points, got an empty one.")
    positions, species = structure.positions.detach().cpu().double(), structure.species.cpu()
    if structure.cell is not None and any(structure.pbc):
        lattice = structure.cell.detach().cpu().double()[list(structure.pbc)]
        found = crystal_elements(positions, species, lattice, tolerance)
        extent: Extent | None = "line" if is_chain(positions, lattice, tolerance) else None
        return found, torch.full((len(found),), 1 / len(found), dtype=torch.float64), extent
    cloud = _Cloud(positions - positions.mean(0), species, tolerance)
    weights = None
    if cloud.rank == 0:
        rule = quadrature(BAND_LIMIT, "O(3)")
        candidates, weights = iter(rule.matrices), rule.weights
    else:
        candidates = cloud.axial_candidates() if cloud.rank == 1 else cloud.candidates()
    found = [(matrix, source) for matrix in candidates if (source := cloud.source(matrix)) is not None]
    uniform = torch.full((len(found),), 1 / len(found), dtype=torch.float64)
    return found, uniform if weights is None else weights, _EXTENTS.get(cloud.rank)


def _keeps_attributes(structure: Structure, matrix: Tensor, source: Tensor) -> bool:
    element = O3(matrix)
    for item in (*structure.node.values(), *structure.graph.values()):
        values = item.values.detach().cpu()
        moved = item.representation.transform(element, values)
        moved = moved[source] if item.support == "node" else moved
        if float((moved - values).abs().norm()) > SAME * float(values.abs().norm()):
            return False
    return True


@dataclass(frozen=True, eq=False)
class _Cloud:
    """Points about their centre."""

    points: Tensor  # [N, 3]
    species: Tensor  # [N]
    tolerance: float

    @cached_property
    def rank(self) -> int:
        """0 for a single place, 1 for a line, 2 or 3 for more."""
        return int((torch.linalg.svdvals(self.points) > self.tolerance).sum())

    def source(self, matrix: Tensor, slack: float = 1.0) -> Tensor | None:
        """Which point comes to lie on each; None where some place stays empty within `slack` tolerances."""
        moved = self.points @ matrix.T
        far = torch.cdist(self.points, moved)  # [N, N]
        far = torch.where(self.species[:, None] == self.species, far, torch.inf)
        nearest, source = far.min(1)
        if float(nearest.max()) > slack * self.tolerance or len(source.unique()) < len(source):
            return None
        return source

    def candidates(self) -> Iterator[Tensor]:
        """Matrices that take two points to two others at the same distances and angle: every element is among them."""
        first = self._rarest(self.points.norm(dim=1) > self.tolerance)
        a = self.points[first[0]]
        second = self._rarest(torch.linalg.cross(self.points, a.expand_as(self.points)).norm(dim=1) > self._thin(a))
        b = self.points[second[0]]
        inverse = torch.linalg.inv(_frame(a, b, 1))
        bound = 4 * self.tolerance * (float(a.norm()) + float(b.norm()))
        for i, j in itertools.product(first, second):
            c, d = self.points[i], self.points[j]
            if abs(float(c @ d - a @ b)) <= bound and float(torch.linalg.cross(c, d).norm()) > 0:
                for sign in (1, -1):
                    yield self._polished(_frame(c, d, sign) @ inverse)

    def axial_candidates(self) -> Iterator[Tensor]:
        """Turns about the line, with and without its reversal and a mirror that holds it."""
        axis = self.points[int(self.points.norm(dim=1).argmax())]
        across = torch.linalg.svd(axis[None])[2][1]
        flip = O3.rotation(across, torch.pi).matrix
        mirror = torch.eye(3, dtype=torch.float64) - 2 * torch.outer(across, across)
        eye = torch.eye(3, dtype=torch.float64)
        for step, turn, reflect in itertools.product(range(AXIAL), (eye, flip), (eye, mirror)):
            yield O3.rotation(axis, 2 * torch.pi * step / AXIAL).matrix @ turn @ reflect

    def _thin(self, a: Tensor) -> float:
        """Points farther from the line along a than a tenth of the farthest span a frame that is well conditioned."""
        across = torch.linalg.cross(self.points, a.expand_as(self.points)).norm(dim=1)
        return max(0.1 * float(across.max()), self.tolerance * float(a.norm()))

    def _rarest(self, allowed: Tensor) -> list[int]:
        """The smallest set of points of one species at one distance from the centre, first one that is allowed."""
        lengths = self.points.norm(dim=1)
        sets: list[list[int]] = []
        for place in allowed.nonzero().flatten().tolist():
            if any(place in known for known in sets):
                continue
            near = (lengths - lengths[place]).abs() <= 2 * self.tolerance
            sets.append((near & (self.species == self.species[place])).nonzero().flatten().tolist())
        best = min(sets, key=len)
        return sorted(best, key=lambda place: not allowed[place])

    def _polished(self, matrix: Tensor) -> Tensor:
        """The nearest orthogonal matrix; then, of the match it gives, the best fit of all points."""
        left, _, right = torch.linalg.svd(matrix)
        first = left @ right
        source = self.source(first, COARSE)  # two points alone place the others less exactly than all do
        if source is None:
            return first
        left, _, right = torch.linalg.svd(self.points.T @ self.points[source])
        fitted = left @ right
        if self.rank == 3:
            return fitted
        normal = torch.linalg.svd(self.points)[2][-1]  # a flat cloud does not say on which side it is seen
        side = torch.sign((first @ normal) @ (fitted @ normal))
        return fitted if side > 0 else fitted - 2 * torch.outer(fitted @ normal, normal)


def _frame(a: Tensor, b: Tensor, sign: int) -> Tensor:
    """Columns: two vectors, and their vector product at unit size."""
    normal = torch.linalg.cross(a, b)
    return torch.stack([a, b, sign * normal / normal.norm()], 1)

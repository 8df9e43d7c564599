"""Signals on the icosahedral grid as representations of the rotations of the sphere.

A whole signal is one vector of an induced representation: a rotation that maps the icosahedron onto itself moves the
numbers from point to point, and features with directions from direction to direction. That is a permutation, and exact.
Any other rotation interpolates linearly within triangles; how much is lost falls with the square of the spacing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.generators import Generator, RotationGenerator
from equiviz.symmetry.groups import O3, GroupElement
from equiviz.symmetry.icosahedral_grid import DIRECTIONS, IcosahedralGrid, grid
from equiviz.symmetry.icosahedral_group import ICOSAHEDRAL
from equiviz.symmetry.points import PointValues
from equiviz.symmetry.representations import Block, O3Irreps, Representation
from equiviz.symmetry.transformations import ROTATIONS, Transformations

Fibre: TypeAlias = Literal["scalar", "regular"]
"""What a point carries: one number, or one for each of the six directions, which a turned frame shifts in a circle."""


@dataclass(frozen=True)
class SphereSignals(Representation):
    """`channels` signals on the icosahedral grid of a level, flattened from ``[channels, V]`` or ``[channels, 6, V]``.

    Source: T. Cohen et al., arXiv:1902.04615, sections 2.2 and 4.1; the regular representation of C6 is induced to the
    icosahedral group. Reflections are no part of it: they would turn directions round.

    Args:
        level: of the grid, V = 10 * 4**level + 2 points.
        channels: how many signals.
        fibre: "scalar" or "regular".

    Raises:
        GroupError: a level out of range.
        RepresentationError: no channel, or another fibre.
    """

    smooth: ClassVar[bool] = False
    level: int
    channels: int = 1
    fibre: Fibre = "scalar"

    def __post_init__(self) -> None:
        grid(self.level)
        if self.channels < 1:
            raise RepresentationError(f"Expected at least one channel of signals on the sphere, got {self.channels}.")
        if self.fibre not in get_args(Fibre):
            raise RepresentationError(f"Expected fibre 'scalar' or 'regular', got {self.fibre!r}.")

    @property
    def grid(self) -> IcosahedralGrid:
        """The points."""
        return grid(self.level)

    @property
    def width(self) -> int:
        """Numbers of one channel at one point."""
        return DIRECTIONS if self.fibre == "regular" else 1

    @property
    def dim(self) -> int:
        """Channels x numbers at a point x points."""
        return self.channels * self.width * len(self.grid)

    def transformed_by(self) -> tuple[Transformations, ...]:
        """The symmetries of the grid, and all rotations."""
        return (ICOSAHEDRAL, ROTATIONS)

    def _blocks(self) -> tuple[Block, ...]:
        size = self.width * len(self.grid)
        return (Block(self.fibre, self.channels, size, torch.arange(self.dim).reshape(self.channels, size)),)

    def spread(self, values: Tensor) -> Tensor:
        """``[..., dim]`` as ``[..., channels, V]`` of scalars, ``[..., channels, 6, V]`` of regular features."""
        inner = (DIRECTIONS,) if self.fibre == "regular" else ()
        return values.reshape(*values.shape[:-1], self.channels, *inner, len(self.grid))

    def on_points(self, values: Tensor) -> PointValues:
        """One signal ``[dim]`` on the unit sphere, point by point: "Cx0e", of directions "Cx0e+Cx1o".

        Of features with directions ``0e`` is the mean over the six, and ``1o`` their first harmonic as a tangent
        vector: the sum over directions d of the feature times the unit vector in direction d, a third of it.
        """
        self.check(values)
        spread = self.spread(values.detach().to("cpu", torch.float64))  # [C, V] or [C, 6, V]
        names, irreps, columns = {"0e": "value"}, f"{self.channels}x0e", spread.reshape(-1, self.width, len(self.grid))
        columns = columns.mean(1).T  # [V, C]
        if self.fibre == "regular":
            arrows = torch.einsum("cdv,vdi->vci", spread, self.grid.directions) / 3
            columns = torch.cat([columns, arrows.flatten(1)], 1)
            names, irreps = {**names, "1o": "direction"}, f"{irreps}+{self.channels}x1o"
        told = (names, "point", "radius")
        return PointValues(self.grid.positions, columns, O3Irreps(irreps), *told, fixed=True, ball=1.0)

    def matrix(self, g: GroupElement) -> Tensor:
        """``[dim, dim]``: for small grids only, `transform` does without."""
        return self._apply(g, torch.eye(self.dim, dtype=torch.float64)).T

    def generator(self, x: Generator) -> Tensor:
        """Zero, of what does not rotate.

        Raises:
            RepresentationError: a rotation.
        """
        if isinstance(x, RotationGenerator):
            raise RepresentationError(
                f"{self} have no infinitesimal rotations: between points they are interpolated, with kinks at the "
                "points. Use equiviz.check, which tries finite ones."
            )
        return torch.zeros(self.dim, self.dim, dtype=torch.float64)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        if not isinstance(g, O3):
            return values
        if not g.is_proper:
            raise RepresentationError(
                f"{g!r} turns directions on the sphere round, and {self} says nothing of that: use rotations."
            )
        wide = values.to(torch.float64).reshape(-1, self.width, len(self.grid))
        return self._moved(g.matrix, wide).reshape(values.shape).to(values.dtype)

    def _moved(self, matrix: Tensor, wide: Tensor) -> Tensor:
        """``[N, 6 or 1, V]`` moved by a rotation: by index where the grid allows, else between points."""
        exact = self.grid.turned(matrix)
        if exact is not None:
            target, turns = exact
            return self._gathered(wide, target.argsort()[:, None], turns[target.argsort()][:, None])[..., 0]
        sources, weights, turns = self.grid.between(matrix)
        if self.fibre == "scalar":
            return (self._gathered(wide, sources, torch.zeros_like(sources)) * weights).sum(-1)
        parts = [
            self._gathered(wide, sources, torch.full_like(sources, whole)) * (_share(whole - turns) * weights)
            for whole in range(self.width)
        ]
        return torch.stack(parts).sum((0, -1))

    def _gathered(self, wide: Tensor, sources: Tensor, turns: Tensor) -> Tensor:
        """Numbers ``[N, 6 or 1, V, S]`` from the source points ``[V, S]``, whose frames turned by sixths ``[V, S]``."""
        directions = (torch.arange(self.width)[:, None, None] - turns) % self.width
        return wide[:, directions.to(wide.device), sources.to(wide.device)]

    def __str__(self) -> str:
        return f"{self.channels} {self.fibre} signals on {len(self.grid)} points"


def _share(offset: Tensor) -> Tensor:
    """The trigonometric polynomial through 1 at 0 and 0 at the other sixths: what a direction has of one beside it."""
    angle = offset * (2 * torch.pi / DIRECTIONS)
    return (1 + 2 * angle.cos() + 2 * (2 * angle).cos() + (3 * angle).cos()) / DIRECTIONS

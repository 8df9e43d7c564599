r"""The icosahedral grid: points on the sphere, who is whose neighbour, how directions go over from one to the next.

The grid of T. Cohen, M. Weiler, B. Kicanaoglu, M. Welling, "Gauge Equivariant Convolutional Networks and the
Icosahedral CNN", ICML 2019, arXiv:1902.04615, section 4: each edge of the icosahedron is halved `level` times. All
points but its 12 corners have six neighbours; the cone points at the corners are where all curvature sits.

Five charts cover it. Chart c is a parallelogram of four faces, N the north pole, S the south pole, T and B the upper
and the lower ring of corners, with steps a (down the rows, i) and b (along the columns, j) at 60 degrees::

    N ------- T[c+1] ---- B[c+1]        i = 0: belongs to chart c + 1
      \         \           \
       T[c] ----- B[c] ----- S          i = n = 2**level;   0 <= j <= 2n

Chart c owns the points with i = 1 ... n and j = 0 ... 2n - 1. The poles belong to none. At every point that a chart
owns, direction d = 0 ... 5 is the one of neighbour d: a, b, b - a, -a, -b, a - b, anticlockwise seen from outside. This
choice of frames is the gauge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.symmetry.errors import GroupError

if TYPE_CHECKING:
    from scipy.spatial import KDTree

CHARTS = 5
DIRECTIONS = 6
STEPS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
"""The neighbour in each direction, in rows and columns of a chart."""
FINEST = 8
"""The finest level that is made: 655,362 points."""
ROUNDING = 1e-6
"""Of the entries of a matrix that came rounded to float32, or by way of a page."""


@dataclass(frozen=True)
class IcosahedralGrid:
    """The icosahedron with each edge halved `level` times; V = 10 * 4**level + 2 points. Take it from `grid`.

    Attributes:
        level: how often.

    Raises:
        GroupError: a level that is no whole number from 0 to 8.
    """

    level: int

    def __post_init__(self) -> None:
        if type(self.level) is not int or not 0 <= self.level <= FINEST:
            raise GroupError(f"Expected a level of the icosahedral grid from 0 to {FINEST}, got {self.level!r}.")

    @property
    def rows(self) -> int:
        """Rows of a chart, n; it has 2n columns."""
        return 2**self.level

    def __len__(self) -> int:
        """Number of points: those of the charts in order, north pole, south pole."""
        return 10 * self.rows**2 + 2

    @cached_property
    def positions(self) -> Tensor:
        """``[V, 3]`` float64 on the unit sphere; the poles are on the y axis, as everywhere in this package."""
        return _owned(self._closed_charts)

    @cached_property
    def corners(self) -> Tensor:
        """``[12]`` the points with five neighbours, the poles last."""
        return self.nearest(_owned(_icosahedron()))

    @cached_property
    def regular(self) -> Tensor:
        """``[V]`` whether a point has six neighbours, so that directions mean something there."""
        six = torch.ones(len(self), dtype=torch.bool)
        six[self.corners] = False
        return six

    @cached_property
    def neighbours(self) -> Tensor:
        """``[V, 6]`` the neighbour in each direction; at corners the first comes twice."""
        following = _Successors(self._triangles, len(self))
        start = torch.cat([self._numbered[:, 1:, 1:].flatten(), following.any_neighbour(self._poles)])
        ring = [start]
        for _ in range(DIRECTIONS - 1):
            ring.append(following(torch.arange(len(self)), ring[-1]))
        return torch.stack(ring[-1:] + ring[:-1], dim=1)

    @cached_property
    def transport(self) -> Tensor:
        """``[V, 6]`` how directions go over: direction k of neighbour d is direction ``k + transport[p, d]`` of p.

        The step from p to its neighbour q goes in direction d of p, and against direction e of q: parallel frames
        differ by ``d - (e + 3)`` sixths of a turn. It means nothing where p or q is a corner.
        """
        back = self.neighbours[self.neighbours] == torch.arange(len(self))[:, None, None]
        return (torch.arange(DIRECTIONS) - back.int().argmax(-1) - 3) % DIRECTIONS

    @cached_property
    def padding(self) -> tuple[Tensor, Tensor]:
        """What charts see with a margin of one: ``[5, n + 2, 2n + 2]`` points, and sixths by which directions turn.

        Places that only corners see hold point V, which is none.
        """
        n = self.rows
        points = torch.full((CHARTS, n + 2, 2 * n + 2), len(self))
        turns = torch.zeros_like(points)
        inner, regular = self.charted(torch.arange(len(self))), self.charted(self.regular)
        chart, i, j = regular.nonzero(as_tuple=True)
        seers = inner[chart, i, j]
        for d, (down, along) in enumerate(STEPS):
            place = chart, i + 1 + down, j + 1 + along
            points[place], turns[place] = self.neighbours[seers, d], self.transport[seers, d]
        points[:, 1:-1, 1:-1], turns[:, 1:-1, 1:-1] = inner, 0
        return points, turns

    def charted(self, values: Tensor) -> Tensor:
        """Values ``[V, ...]`` as charts ``[5, n, 2n, ...]``, without the poles."""
        return values[: len(self) - 2].reshape(CHARTS, self.rows, 2 * self.rows, *values.shape[1:])

    def nearest(self, places: Tensor) -> Tensor:
        """The point nearest to each of the places ``[..., 3]`` on the unit sphere."""
        return torch.as_tensor(self._tree.query(places.numpy())[1])

    def turned(self, matrix: Tensor) -> tuple[Tensor, Tensor] | None:
        """What a rotation ``[3, 3]`` does: where each point comes to, and by how many sixths its frame turns.

        None unless the rotation is one of the 60 that map the icosahedron onto itself.
        """
        symmetries = icosahedral_rotations().to(self.positions)
        off = (symmetries - matrix.to(self.positions)).abs().flatten(1).amax(1)  # [60]
        if off.min() > ROUNDING:
            return None
        target = self.nearest(self.positions @ symmetries[off.argmin()].T)
        first = target[self.neighbours[:, 0]]
        return target, (self.neighbours[target] == first[:, None]).int().argmax(-1)

    def between(self, matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Any rotation ``[3, 3]``, by linear interpolation within triangles.

        Returns:
            For each point where it takes its values from: three points ``[V, 3]``, their weights ``[V, 3]``, which sum
            to 1, and by how many sixths of a turn the frames differ ``[V, 3]``, no whole numbers.
        """
        places = self.positions @ matrix.to(self.positions)  # the rotation undone
        sources, weights = self._triangle_of(places)
        ours = self.first_directions @ matrix.to(self.positions)
        carried = _carried(self.first_directions[sources], self.positions[sources], places[:, None])
        sine = (torch.linalg.cross(ours[:, None].expand_as(carried), carried) * places[:, None]).sum(-1)
        cosine = (ours[:, None] * carried).sum(-1)
        return sources, weights, torch.atan2(sine, cosine) * (DIRECTIONS / (2 * math.pi))

    @cached_property
    def first_directions(self) -> Tensor:
        """``[V, 3]`` unit tangents in direction 0.

        On the sphere the six neighbours are not quite 60 degrees apart: this is the mean of what each of them says, so
        that symmetries of the icosahedron turn it by whole sixths.
        """
        p = self.positions[:, None]  # [V, 1, 3]
        unit = _tangent(self.positions[self.neighbours] - p, p)  # [V, 6, 3]
        angle = -math.pi / 3 * torch.arange(DIRECTIONS, dtype=torch.float64)[:, None]
        told = angle.cos() * unit + angle.sin() * torch.linalg.cross(p.expand_as(unit), unit)
        return _tangent(told.sum(1), self.positions)

    @cached_property
    def directions(self) -> Tensor:
        """``[V, 6, 3]`` unit tangents in all directions, 60 degrees apart."""
        first, angle = self.first_directions, torch.arange(DIRECTIONS, dtype=torch.float64)[:, None] * (math.pi / 3)
        second = torch.linalg.cross(self.positions, first)
        return angle.cos() * first[:, None] + angle.sin() * second[:, None]

    def _triangle_of(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """The triangle ``[V, 3]`` that holds each place, and barycentric weights ``[V, 3]`` of its points."""
        first = self.nearest(places)[:, None].expand(-1, DIRECTIONS)
        second = self.neighbours[first[:, 0]]
        third = second.roll(-1, 1)
        triangles = torch.stack([first, second, third], -1)  # [V, 6, 3]
        corners = self.positions[triangles]
        normal = torch.linalg.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
        flat = (normal * corners[..., 0, :]).sum(-1, keepdim=True)
        scaled = places[:, None] * flat / (normal * places[:, None]).sum(-1, keepdim=True)
        areas = [
            (
                torch.linalg.cross(corners[..., (k + 1) % 3, :] - scaled, corners[..., (k + 2) % 3, :] - scaled)
                * normal
            ).sum(-1)
            for k in range(3)
        ]
        weights = torch.stack(areas, -1)
        best = weights.min(-1).values.nan_to_num(-math.inf).argmax(1)
        rows = torch.arange(len(places))
        chosen = weights[rows, best].clamp(min=0)
        return triangles[rows, best], chosen / chosen.sum(-1, keepdim=True)

    @cached_property
    def _closed_charts(self) -> Tensor:
        """``[5, n + 1, 2n + 1, 3]`` positions, with the margins that belong to other charts."""
        charts = _icosahedron()
        for _ in range(self.level):
            charts = _halved(charts)
        return charts

    @cached_property
    def _numbered(self) -> Tensor:
        """``[5, n + 1, 2n + 1]`` the point at each place."""
        closed = self._closed_charts
        return self.nearest(closed)

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree  # the kernel needs nothing but torch where there is no sphere

        return KDTree(self.positions.numpy())

    @property
    def _poles(self) -> Tensor:
        return torch.tensor([len(self) - 2, len(self) - 1])

    @cached_property
    def _triangles(self) -> Tensor:
        """``[20 * 4**level, 3]`` points, anticlockwise seen from outside."""
        at = self._numbered
        here, down, along, across = at[:, :-1, :-1], at[:, 1:, :-1], at[:, :-1, 1:], at[:, 1:, 1:]
        return torch.cat([torch.stack(t, -1).reshape(-1, 3) for t in ((here, down, along), (down, across, along))])


@cache
def grid(level: int) -> IcosahedralGrid:
    """The grid of this level, made once. Raises GroupError for a level out of range."""
    return IcosahedralGrid(level)


@cache
def icosahedral_rotations() -> Tensor:
    """``[60, 3, 3]`` float64: the rotations that map the icosahedron onto itself, the identity first.

    Each takes a corner and a neighbour of it to a corner and a neighbour of that.
    """
    corners = _owned(_icosahedron())
    adjacent = ((corners @ corners.T) > 0.3) & ((corners @ corners.T) < 0.6)
    here, there = adjacent.nonzero(as_tuple=True)
    frames = _frames(corners[here], corners[there])
    found = frames @ frames[0].T
    order = torch.argsort((found - torch.eye(3, dtype=torch.float64)).flatten(1).norm(dim=1), stable=True)
    return found[order]


class _Successors:
    """Who comes after whom around a point, anticlockwise, from the triangles that meet there."""

    def __init__(self, triangles: Tensor, points: int) -> None:
        self.points = points
        turned = torch.cat([triangles.roll(-step, 1) for step in range(3)])
        keys, order = (turned[:, 0] * points + turned[:, 1]).sort()
        self.keys, self.after = keys, turned[order, 2]

    def __call__(self, point: Tensor, neighbour: Tensor) -> Tensor:
        return self.after[torch.searchsorted(self.keys, point * self.points + neighbour)]

    def any_neighbour(self, point: Tensor) -> Tensor:
        """The one with the lowest number."""
        return self.keys[torch.searchsorted(self.keys, point * self.points)] - point * self.points


def _icosahedron() -> Tensor:
    """``[5, 2, 3, 3]`` the corners in the places of the charts of level 0."""
    height, radius = 1 / math.sqrt(5), 2 / math.sqrt(5)
    azimuth = torch.arange(CHARTS + 1, dtype=torch.float64) * (2 * math.pi / CHARTS)
    upper, lower = (
        torch.stack([radius * a.sin(), torch.full_like(a, y), radius * a.cos()], -1)
        for a, y in ((azimuth, height), (azimuth + math.pi / CHARTS, -height))
    )
    north = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64).expand(CHARTS, 3)
    first = torch.stack([north, upper[1:], lower[1:]], 1)
    second = torch.stack([upper[:-1], lower[:-1], -north], 1)
    return torch.stack([first, second], 1)


def _halved(charts: Tensor) -> Tensor:
    """``[5, n + 1, 2n + 1, 3]`` to ``[5, 2n + 1, 4n + 1, 3]``: the middles of all edges, on the sphere."""
    count, rows, columns, _ = charts.shape
    finer = charts.new_zeros(count, 2 * rows - 1, 2 * columns - 1, 3)
    finer[:, ::2, ::2] = charts
    finer[:, 1::2, ::2] = charts[:, 1:] + charts[:, :-1]
    finer[:, ::2, 1::2] = charts[:, :, 1:] + charts[:, :, :-1]
    finer[:, 1::2, 1::2] = charts[:, 1:, :-1] + charts[:, :-1, 1:]
    return finer / torch.linalg.vector_norm(finer, dim=-1, keepdim=True)


def _owned(charts: Tensor) -> Tensor:
    """``[V, 3]``: what charts own of ``[5, n + 1, 2n + 1, 3]``, and the poles."""
    return torch.cat([charts[:, 1:, :-1].reshape(-1, 3), charts[:1, 0, 0], charts[:1, -1, -1]])


def _frames(z: Tensor, towards: Tensor) -> Tensor:
    """``[..., 3, 3]`` right-handed frames as columns: z, and the direction `towards` made orthogonal to it."""
    x = towards - (towards * z).sum(-1, keepdim=True) * z
    x = x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return torch.stack([x, torch.linalg.cross(z, x), z], -1)


def _tangent(vectors: Tensor, points: Tensor) -> Tensor:
    """Unit vectors along the sphere at unit `points`."""
    flat = vectors - (vectors * points).sum(-1, keepdim=True) * points
    return flat / torch.linalg.vector_norm(flat, dim=-1, keepdim=True)


def _carried(directions: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Tangents at unit points `source` moved along great circles to unit points `target`."""
    along = source + target
    return directions - along * (directions * target).sum(-1, keepdim=True) / (
        1 + (source * target).sum(-1, keepdim=True)
    )

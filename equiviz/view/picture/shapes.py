"""The shapes of arrows as closed meshes with normals, built once along z and placed many times.

A point of a shape is (x, y, along, back): x, y and back in widths, along in lengths of the arrow, so that one shape
serves arrows of all lengths while heads keep their form. Proportions are those of the page (js/src/arrow_mesh.ts).

Capitals: N arrows, V vertices and F faces of one shape, S sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD_LENGTH = 3.4  # in widths, as the next ones
HEAD_RADIUS = 1.35
SHAFT_RADIUS = 0.5
DOUBLE_SHAFT = (0.6, 0.3)  # axial vectors: how far each shaft stands from the axis, and its radius
RING_RADIUS, RING_TUBE, RING_HEAD = 2.1, 0.26, 0.72
RING_PLACE = 0.42  # of the arrow's length
RING_TURN, RING_HEAD_TURN = 1.6 * np.pi, 0.62  # radians: of the ring, and of the head that is a part of it
SHORTEST = 1.5 * HEAD_LENGTH  # in widths: shorter arrows are made slimmer, so that they still point


@dataclass(frozen=True, eq=False)
class Shape:
    """``points`` [V, 4] (x, y, along, back), ``normals`` [V, 3], and ``faces`` [F, 3] that look outwards."""

    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: NDArray[np.int64]


@lru_cache(maxsize=8)
def arrow_shape(axial: bool, sides: int) -> Shape:
    """An arrow: a shaft and a head; an axial one has two thin shafts, and a ring that curls about them right-handed."""
    head = [_disc((0, 0, 1, -HEAD_LENGTH), HEAD_RADIUS, sides), _cone(sides)]
    if not axial:
        return _joined([_tube(0.0, SHAFT_RADIUS, sides), _disc((0, 0, 0, 0), SHAFT_RADIUS, sides), *head])
    away, radius = DOUBLE_SHAFT
    shafts = [_tube(x, radius, sides) for x in (-away, away)] + [
        _disc((x, 0, 0, 0), radius, sides) for x in (-away, away)
    ]
    return _joined([*shafts, *head, _ring(2 * sides, max(6, sides // 2))])


def breadths(lengths: NDArray[np.float64], width: float, axial: bool) -> NDArray[np.float64]:
    """How far arrows of these lengths ``[N]`` reach to the side of their axes, ``[N]``."""
    return np.minimum(width, lengths / SHORTEST) * (RING_RADIUS + RING_HEAD if axial else HEAD_RADIUS)


def placed_arrows(
    shape: Shape, origins: NDArray[np.float64], vectors: NDArray[np.float64], width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and normals, ``[N, V, 3]`` each, of arrows from ``origins`` along ``vectors``, ``[N, 3]`` in view axes.

    The two shafts of an axial arrow lie beside each other as the reader sees them: the picture of a scene does not
    depend on the axes that it is given in. ``vectors`` must not be zero.
    """
    length = np.linalg.norm(vectors, axis=1)  # [N]
    axis = vectors / length[:, None]
    side = np.cross(axis, (0.0, 0.0, 1.0))
    facing = np.linalg.norm(side, axis=1) < 1e-6
    side[facing] = np.cross(axis[facing], (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    frame = np.stack([side, np.cross(axis, side), axis], axis=1)  # [N, 3, 3]
    wide = np.minimum(width, length / SHORTEST)[:, None]  # [N, 1]
    x, y, along, back = shape.points.T
    local = np.stack([wide * x, wide * y, length[:, None] * along + wide * back], axis=-1)  # [N, V, 3]
    return origins[:, None] + local @ frame, shape.normals @ frame


def _circle(sides: int) -> NDArray[np.float64]:
    angle = 2 * np.pi * np.arange(sides) / sides
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)  # [S, 2]


def _band(lower: int, upper: int, sides: int) -> NDArray[np.int64]:
    """The faces between two rings of vertices that begin at ``lower`` and ``upper``."""
    here = np.arange(sides)
    there = (here + 1) % sides
    first = np.stack([lower + here, lower + there, upper + here], axis=1)
    return np.concatenate([first, np.stack([upper + here, lower + there, upper + there], axis=1)])


def _stack(rings: list[NDArray[np.float64]], normals: list[NDArray[np.float64]]) -> Shape:
    sides = len(rings[0])
    faces = [_band(k * sides, (k + 1) * sides, sides) for k in range(len(rings) - 1)]
    return Shape(np.concatenate(rings), np.concatenate(normals), np.concatenate(faces))


def _level(circle: NDArray[np.float64], along: float, back: float) -> NDArray[np.float64]:
    return np.column_stack([circle, np.full(len(circle), along), np.full(len(circle), back)])


def _tube(x: float, radius: float, sides: int) -> Shape:
    circle = _circle(sides)
    moved = radius * circle + (x, 0.0)
    outward = np.column_stack([circle, np.zeros(sides)])
    return _stack([_level(moved, 0, 0), _level(moved, 1, -HEAD_LENGTH)], [outward, outward])


def _disc(centre: tuple[float, float, float, float], radius: float, sides: int) -> Shape:
    x, y, along, back = centre
    below = np.tile([0.0, 0.0, -1.0], (sides, 1))
    rings = [_level(size * _circle(sides) + (x, y), along, back) for size in (0.0, radius)]
    return _stack(rings, [below, below])


def _cone(sides: int) -> Shape:
    circle = _circle(sides)
    slant = np.column_stack([HEAD_LENGTH * circle, np.full(sides, HEAD_RADIUS)])
    return _stack([_level(HEAD_RADIUS * circle, 1, -HEAD_LENGTH), _level(0 * circle, 1, 0)], [slant, slant])


def _ring(pieces: int, sides: int) -> Shape:
    """An arc about z that ends in a head; it begins and ends open, where the reader hardly sees it."""
    body = RING_TURN - RING_HEAD_TURN
    stations = [(body * k / pieces, RING_TUBE) for k in range(pieces + 1)] + [(body, RING_HEAD), (RING_TURN, 0.0)]
    circle = _circle(sides) * (1, -1)  # the other way round: along the arc, it is what looks outwards
    rings, normals = [], []
    for angle, radius in [(0.0, 0.0), *stations]:
        ahead = np.array([np.cos(angle), np.sin(angle)])
        reach = RING_RADIUS + radius * circle[:, :1]
        rings.append(np.column_stack([reach * ahead, np.full(sides, RING_PLACE), radius * circle[:, 1]]))
        normals.append(np.column_stack([circle[:, :1] * ahead, circle[:, 1]]))
    return _stack(rings, normals)


def _joined(parts: list[Shape]) -> Shape:
    starts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
    points, normals = (np.concatenate([getattr(part, name) for part in parts]) for name in ("points", "normals"))
    return Shape(points, normals, np.concatenate(faces))

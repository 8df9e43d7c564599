"""Triangle meshes of spheres and arrows, many at a time: the shapes of a scene, before any renderer sees them.

Capitals: N objects, V vertices and F faces of one object.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.symmetry.harmonics import spherical_harmonics

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARROW_SIDES = 7
SHAFT_SHARE = 0.68  # of the arrow's length; the head takes the rest
HEAD_WIDTH = 2.4  # in shaft widths


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices of N equal shapes one after the other, the triangles between them, and whose each vertex is."""

    vertices: NDArray[np.float32]  # [N V, 3]
    faces: NDArray[np.integer]  # [N F, 3]
    owner: NDArray[np.integer]  # [N V]: the shape that a vertex belongs to


def spheres(centres: NDArray[np.float64], radii: NDArray[np.float64], refinements: int = 1) -> Mesh:
    """One sphere of radius ``radii[i]`` around ``centres[i]`` (``[N, 3]``), as a refined icosahedron."""
    unit, faces = icosphere(refinements)
    vertices = centres[:, None] + radii[:, None, None] * unit  # [N, V, 3]
    return _many(vertices, faces)


def arrows(origins: NDArray[np.float64], vectors: NDArray[np.float64], width: float) -> Mesh:
    """One arrow from ``origins[i]`` along ``vectors[i]`` (``[N, 3]``): a shaft of the radius ``width``, and a cone.

    An arrow shorter than its head would be wide is made slimmer, so that its direction can still be seen.
    """
    length = np.linalg.norm(vectors, axis=1)  # [N]
    along = vectors / np.maximum(length, 1e-300)[:, None]  # [N, 3]
    first, second = _perpendicular(along)
    radius = np.minimum(width, length / 6)  # [N]
    profile, faces = _arrow_profile()  # [V, 3]: two radial parts in shaft widths, and the part of the length
    radial = profile[:, 0, None] * first[:, None] + profile[:, 1, None] * second[:, None]  # [N, V, 3]
    axial = profile[:, 2, None] * vectors[:, None]  # [N, V, 3]
    return _many(origins[:, None] + radius[:, None, None] * radial + axial, faces)


def glyphs(
    origins: NDArray[np.float64], coefficients: NDArray[np.float64], size: float, refinements: int = 2
) -> tuple[Mesh, NDArray[np.float64]]:
    """Surfaces at the distance ``size * |f(n)|`` about each origin, and f at each vertex ``[N V]``.

    Args:
        origins: ``[N, 3]``.
        coefficients: ``[N, (L + 1)^2]`` of e3nn's real spherical harmonics, ``normalization="norm"``.
        size: length per unit of f.
        refinements: of the icosahedron.
    """
    unit, faces = icosphere(refinements)
    values = coefficients @ harmonics(round(coefficients.shape[1] ** 0.5) - 1, refinements).T  # [N, V]
    vertices = origins[:, None] + size * np.abs(values)[:, :, None] * unit
    return _many(vertices, faces), values.reshape(-1)


@lru_cache(maxsize=8)
def harmonics(degree: int, refinements: int) -> NDArray[np.float64]:
    """All spherical harmonics up to a degree at the vertices of an icosphere, ``[V, (degree + 1)^2]``."""
    unit = torch.from_numpy(icosphere(refinements)[0])
    return spherical_harmonics(degree, unit, normalization="norm").numpy()


@lru_cache(maxsize=4)
def icosphere(refinements: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Unit vertices ``[V, 3]`` and faces ``[F, 3]``: an icosahedron whose triangles are split in four, so often."""
    golden = (1 + 5**0.5) / 2
    ring = [(sign, tall * golden, 0.0) for sign in (-1, 1) for tall in (-1, 1)]
    vertices = np.array([np.roll(point, turn) for turn in range(3) for point in ring])
    faces = _hull(vertices)
    for _ in range(refinements):
        vertices, faces = _split(vertices, faces)
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), faces


def _hull(vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """The icosahedron's twenty faces: the triples of mutual neighbours (at distance 2), wound to look outwards."""
    near = np.isclose(np.linalg.norm(vertices[:, None] - vertices, axis=-1), 2)
    triples = [t for t in combinations(range(12), 3) if all(near[pair] for pair in combinations(t, 2))]
    outward = [np.linalg.det(vertices[list(triple)]) > 0 for triple in triples]
    return np.array([t if out else t[::-1] for t, out in zip(triples, outward, strict=True)])


def _split(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vertices = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], axis=-1).reshape(-1, 2)  # [3 F, 2]
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    middle = len(vertices) + place.reshape(-1, 3)  # [F, 3]: new vertices on the sides ab, bc, ca
    (a, b, c), (ab, bc, ca) = faces.T, middle.T
    corners = np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
    return np.concatenate([vertices, vertices[unique].mean(axis=1)]), corners


@lru_cache(maxsize=1)
def _arrow_profile() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rings at the tail, the neck (thin), the neck (wide) and the tip: ``[V, 3]``, and the faces between them."""
    angle = np.arange(ARROW_SIDES) * 2 * np.pi / ARROW_SIDES
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # [sides, 2]
    rings = [(1.0, 0.0), (1.0, SHAFT_SHARE), (HEAD_WIDTH, SHAFT_SHARE), (0.0, 1.0)]
    profile = np.concatenate([np.column_stack([wide * circle, np.full(ARROW_SIDES, high)]) for wide, high in rings])
    here = np.arange(ARROW_SIDES)
    there = (here + 1) % ARROW_SIDES
    strips = [(ring * ARROW_SIDES, (ring + 1) * ARROW_SIDES) for ring in range(len(rings) - 1)]
    faces = [np.stack([low + here, low + there, high + here], axis=1) for low, high in strips]
    faces += [np.stack([low + there, high + there, high + here], axis=1) for low, high in strips]
    return profile, np.concatenate(faces)


def _perpendicular(along: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors that stand on ``along`` and on each other, ``[N, 3]`` each; finite for a zero vector too."""
    least = np.eye(3)[np.abs(along).argmin(axis=1)]  # the axis furthest from the direction: never parallel to it
    first: NDArray[np.float64] = np.cross(along, least)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-300)
    return first, np.cross(along, first)


def _many(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Mesh:
    """Flatten ``[N, V, 3]``; indices take two bytes where they can, because a page carries them."""
    count, size = vertices.shape[:2]
    kind = np.uint16 if count * size < 2**16 else np.uint32
    every = faces + size * np.arange(count)[:, None, None]  # [N, F, 3]
    owner = np.repeat(np.arange(count), size)
    return Mesh(vertices.reshape(-1, 3).astype(np.float32), every.reshape(-1, 3).astype(kind), owner)

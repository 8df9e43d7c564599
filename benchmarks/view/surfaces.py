"""Glyphs as the meshes that the other libraries need: as many points per glyph as our own still picture has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from benchmarks.view.cases import DEGREE, SPACING, Numbers

REACH = 0.95 * SPACING  # a glyph's size: neighbours touch at most now and then, for few reach their bound
POINTS_IN_ALL = 1_200_000  # what js/src/pace.ts grants a still picture in software
MOST_CUTS = 6  # what js/src/glyphs.ts takes for l = 4 at this size: 362 points


@dataclass(frozen=True)
class Surfaces:
    """All glyphs: N of them, each of V points and F triangles."""

    points: Numbers  # [N, V, 3]
    heights: Numbers  # [N, V], f(n)
    triangles: NDArray[np.int64]  # [F, 3], the same for each

    def joined(self) -> NDArray[np.int64]:
        """The triangles of all glyphs, ``[N * F, 3]``, when their points are listed one after the other."""
        count, points = self.heights.shape
        return (self.triangles[None] + points * np.arange(count)[:, None, None]).reshape(-1, 3)

    def colours(self) -> Numbers:
        """From blue by white to red, ``[N, V, 3]`` in [0, 1]."""
        strength = np.clip(self.heights / np.abs(self.heights).max(), -1, 1)[..., None]
        ends = np.where(strength < 0, [0.1, 0.3, 0.8], [0.8, 0.2, 0.1])
        return 1 + np.abs(strength) * (ends - 1)


def surfaces(origins: Numbers, coefficients: Numbers) -> Surfaces:
    """The surface about each origin: in direction n as far as ``REACH * |f(n)|``."""
    directions, triangles, harmonics = sphere(cuts(len(origins)))
    heights = coefficients @ harmonics.T  # [N, V]
    points = origins[:, None] + REACH * np.abs(heights)[..., None] * directions
    return Surfaces(points, heights, triangles)


def cuts(count: int) -> int:
    """Into how many pieces the edges of the icosahedron are cut, for so many glyphs."""
    return min(MOST_CUTS, round(math.sqrt((POINTS_IN_ALL / count - 2) / 10)))


@lru_cache(maxsize=2)
def sphere(pieces: int) -> tuple[Numbers, NDArray[np.int64], Numbers]:
    """Directions ``[V, 3]``, triangles ``[F, 3]`` seen from outside, and harmonics there ``[V, (L+1)^2]``."""
    import torch  # seconds to import, and of no use to atoms

    from equiviz.symmetry.harmonics import spherical_harmonics

    golden = (1 + math.sqrt(5)) / 2
    corners = np.array([np.roll([0, a, b * golden], k) for k in range(3) for a in (-1, 1) for b in (-1, 1)])
    shares = np.array([(i, j, pieces - i - j) for i in range(pieces + 1) for j in range(pieces + 1 - i)]) / pieces
    points = np.concatenate([shares @ corners[face] for face in ConvexHull(corners).simplices])
    directions = np.unique(np.round(points / np.linalg.norm(points, axis=1, keepdims=True), 9), axis=0)
    triangles = ConvexHull(directions).simplices
    a, b, c = directions[triangles].swapaxes(0, 1)
    inwards = (np.cross(b - a, c - a) * a).sum(1) < 0
    triangles[inwards] = triangles[inwards][:, ::-1]
    harmonics = spherical_harmonics(DEGREE, torch.from_numpy(directions), normalization="norm").numpy()
    return directions, triangles.astype(np.int64), harmonics

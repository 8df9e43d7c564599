"""Functions on the sphere as surfaces: how far, and with which normal, in every direction of an icosphere.

In direction n the surface lies at r(n) = size |f(n)|, f(n) = sum_lm c_lm Y_lm(n). Its normal is that of a star-shaped
surface, r n - grad r with the gradient on the sphere, which is sign(f) (f n - grad f) up to a positive factor.

Capitals: N glyphs, V vertices and F faces of one icosphere, M = (L + 1)^2 coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.view.geometry import icosphere

if TYPE_CHECKING:
    from numpy.typing import NDArray

COARSEST, FINEST = 1, 5
EDGE = 1.1  # radians between neighbours on an icosahedron; halved by each refinement
SAMPLES_PER_EDGE = 9.0
MOST_FACES = 4_000_000  # of a picture: more take seconds
SEARCHED, STRIDE = 4, 0.04  # for the largest |f|: an icosphere, and half of its edges in radians
STEP = 1e-5  # of central differences: they are right to 1e-8, and normals need a hundredth
MOST_VERTICES = 400_000  # at a time: they take 60 bytes each


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Some glyphs: ``rows`` [N] of the layer, ``points`` and ``normals`` [N, V, 3] in the scene's axes and about the
    origins, values f [N, V], and ``faces`` [F, 3]."""

    rows: NDArray[np.intp]
    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    values: NDArray[np.float64]
    faces: NDArray[np.int64]


def refinements(radii: NDArray[np.float64], degree: int) -> NDArray[np.intp]:
    """How fine each glyph's icosphere must be, ``[N]``, for radii in samples, ``[N]``.

    Edges are a few samples long, lobes of the degree get some vertices each, and many glyphs get fewer.
    """
    wanted = np.log2(np.maximum(EDGE * radii / SAMPLES_PER_EDGE, 1.0))
    for_lobes = np.log2(max(EDGE * degree / 0.8, 1.0))
    levels = np.clip(np.ceil(np.maximum(wanted, np.minimum(for_lobes, wanted + 1))), COARSEST, FINEST).astype(np.intp)
    while levels.max(initial=COARSEST) > COARSEST and (20.0 * 4.0**levels).sum() > MOST_FACES:
        levels = np.maximum(levels - 1, COARSEST)
    return levels


def surfaces(coefficients: NDArray[np.float64], size: float, levels: NDArray[np.intp]) -> Iterator[Surfaces]:
    """The glyphs of coefficients ``[N, M]``, a part at a time, each at its level of refinement ``[N]``."""
    degree = round(coefficients.shape[1] ** 0.5) - 1
    for level in np.unique(levels):
        unit, faces = icosphere(int(level))
        basis, gradient = _harmonics(degree, int(level))
        rows = np.flatnonzero(levels == level)
        step = max(1, MOST_VERTICES // len(unit))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            values = coefficients[part] @ basis.T  # [N, V]
            slopes = np.stack([coefficients[part] @ component.T for component in gradient], axis=-1)  # [N, V, 3]
            normals = np.sign(values)[..., None] * (values[..., None] * unit - slopes)
            yield Surfaces(part, abs(size) * np.abs(values)[..., None] * unit, normals, values, faces)


def peaks(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest |f| of each glyph, ``[N]``, for coefficients ``[N, M]``.

    The highest vertex of an icosphere, and from there uphill: so it hardly depends on how the glyph is turned.
    """
    if not len(coefficients) or coefficients.shape[1] == 1:
        return np.abs(coefficients).sum(axis=1)
    degree = round(coefficients.shape[1] ** 0.5) - 1
    basis, gradient = _harmonics(degree, SEARCHED)
    parts = np.array_split(coefficients, 1 + len(coefficients) // 200)
    best = np.concatenate([np.abs(part @ basis.T).argmax(axis=1) for part in parts])  # [N]
    summit = icosphere(SEARCHED)[0][best]  # [N, 3]
    ahead = _unit(np.einsum("xnm,nm->nx", gradient[:, best], coefficients) + 1e-12 * np.roll(summit, 1, axis=1))
    for _ in range(4):
        summit = _uphill(summit, ahead, coefficients)
        ahead = _unit(np.cross(summit, ahead))
    return _heights(summit, coefficients)


def _uphill(
    directions: NDArray[np.float64], ahead: NDArray[np.float64], coefficients: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Go along great circles, ``ahead`` and back, to the top of the parabola through three heights."""
    along = _unit(ahead - (ahead * directions).sum(-1, keepdims=True) * directions)
    cosine, sine = np.cos(STRIDE) * directions, np.sin(STRIDE) * along
    behind, here, before = (_heights(n, coefficients) for n in (cosine - sine, directions, cosine + sine))
    bend = np.minimum(behind - 2 * here + before, -1e-300)
    angle = np.clip(0.5 * (behind - before) / bend, -1, 1)[:, None] * STRIDE
    return np.cos(angle) * directions + np.sin(angle) * along


def _heights(directions: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """|f| of each glyph in its direction, ``[N]``."""
    degree = round(coefficients.shape[1] ** 0.5) - 1
    return np.abs((_basis(degree, directions) * coefficients).sum(axis=1))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)


@lru_cache(maxsize=12)
def _harmonics(degree: int, level: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Y_lm at the vertices ``[V, M]``, and its gradient on the unit sphere ``[3, V, M]``."""
    unit, _ = icosphere(level)
    steps = STEP * np.eye(3)
    slopes = [(_basis(degree, unit + step) - _basis(degree, unit - step)) / (2 * STEP) for step in steps]
    return _basis(degree, unit), np.stack(slopes)


def _basis(degree: int, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Y_lm in directions ``[..., 3]`` of any length: ``[..., M]``."""
    return spherical_harmonics(degree, torch.from_numpy(directions), normalization="norm").numpy()

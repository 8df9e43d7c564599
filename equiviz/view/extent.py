"""How much room a scene takes: points that bound its layers, and the sphere around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.layers import Arrows, Atoms, CellBox, Glyphs, Labels, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 1.12


def corners(layer: Layer) -> NDArray[np.float64]:
    """Points that bound what is drawn of a layer, ``[n, 3]``; none for bonds, whose atoms are there."""
    if isinstance(layer, Arrows):
        return np.concatenate([layer.origins, layer.origins + layer.magnify * layer.vectors])
    if isinstance(layer, Atoms):
        return _around(layer.positions, layer.radii)
    if isinstance(layer, Glyphs):
        return _around(layer.origins, layer.size * layer.extents())
    if isinstance(layer, CellBox):
        path = layer.path()
        return path[np.isfinite(path).all(axis=1)]
    return layer.positions if isinstance(layer, Labels) else np.zeros((0, 3))


def extent(layers: Sequence[Layer]) -> tuple[NDArray[np.float64], float]:
    """Centre ``[3]`` and radius of a sphere around all layers; the unit sphere where there is nothing."""
    cloud = np.concatenate([np.zeros((0, 3)), *map(corners, layers)])
    if not len(cloud):
        return np.zeros(3), 1.0
    centre = (cloud.min(0) + cloud.max(0)) / 2
    radius = float(np.linalg.norm(cloud - centre, axis=1).max())
    return centre, radius or 1.0


def fitting_height(
    layers: Sequence[Layer], direction: Sequence[float], up: Sequence[float], aspect: float = 1.5
) -> float:
    """Height of a picture that shows all layers from this direction; it is ``aspect`` times as wide as high."""
    cloud = np.concatenate([np.zeros((0, 3)), *map(corners, layers)])
    if not len(cloud):
        return 2.0
    along = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    right: NDArray[np.float64] = np.cross(up, along)
    right /= np.linalg.norm(right)
    flat = (cloud - (cloud.min(0) + cloud.max(0)) / 2) @ np.stack([right, np.cross(along, right)], axis=1)  # [n, 2]
    wide, high = 2 * np.abs(flat).max(axis=0)
    return float(max(high, wide / aspect)) * MARGIN or 2.0


def _around(centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([centres - radii[:, None], centres + radii[:, None]])

"""How much room a scene takes: points that bound its layers, the sphere around them, the thickness of its slab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.layers import Arrows, Atoms, CellBox, Glyphs, Labels, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.scene import Slab

MARGIN = 1.12


def bounds(layer: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points ``[n, 3]`` and how far the layer reaches around each ``[n]``; none for bonds, whose atoms are there."""
    if isinstance(layer, Arrows):
        points = np.concatenate([layer.origins, layer.origins + layer.magnify * layer.vectors])
        return points, np.full(len(points), layer.width)
    if isinstance(layer, Atoms):
        return layer.positions, layer.radii
    if isinstance(layer, Glyphs):
        return layer.origins, abs(layer.size) * layer.extents()
    if isinstance(layer, CellBox):
        path = layer.path()
        path = path[np.isfinite(path).all(axis=1)]
        return path, np.zeros(len(path))
    points = layer.positions if isinstance(layer, Labels) else np.zeros((0, 3))
    return points, np.zeros(len(points))


def corners(layer: Layer) -> NDArray[np.float64]:
    """Opposite corners of the boxes around what is drawn of a layer, ``[2 n, 3]``."""
    points, reach = bounds(layer)
    return np.concatenate([points - reach[:, None], points + reach[:, None]])


def slab_thickness(slab: Slab, layers: Sequence[Layer]) -> float:
    """Of a slab of these layers, in the scene's length unit; one that names none is a fifth of them thick."""
    along = np.concatenate([np.zeros((0, 3)), *map(corners, layers)])[:, "xyz".index(slab.axis)]
    return slab.thickness or float(np.ptp(along) if len(along) else 0.0) / 5 or 1.0


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
    found = [bounds(layer) for layer in layers]
    points = np.concatenate([np.zeros((0, 3)), *(points for points, _ in found)])
    if not len(points):
        return 2.0
    reach = np.concatenate([reach for _, reach in found])
    along = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    right: NDArray[np.float64] = np.cross(up, along)
    right /= np.linalg.norm(right)
    flat = (points - extent(layers)[0]) @ np.stack([right, np.cross(along, right)], axis=1)  # [n, 2]
    wide, high = 2 * (np.abs(flat) + reach[:, None]).max(axis=0)
    return float(max(high, wide / aspect)) * MARGIN or 2.0

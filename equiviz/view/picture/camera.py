"""Where things stand in a picture: an orthographic view of a scene, fitted to what is in it.

Capitals: n points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.errors import ViewError
from equiviz.view.extent import bounds
from equiviz.view.layers import Arrows, Glyphs, Layer
from equiviz.view.picture.glyph_surfaces import peaks
from equiviz.view.picture.shapes import breadths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.scene import Camera, Scene

MARGIN = 1.1  # how much more than the scene the picture shows
MOST_CLIMBED = 1_000  # glyphs whose true size is sought; that of more matters little beside their distances
FARTHEST = 1e100  # lengths beyond it could overflow when they are squared


@dataclass(frozen=True, eq=False)
class View:
    """An orthographic view on a canvas: what stands where, in samples.

    Attributes:
        axes: ``[3, 3]``, rows: to the right, upwards, to the reader.
        centre: ``[3]``, what stands in the middle of the canvas.
        scale: samples per length unit.
        size: width and height of the canvas in samples.
        fog: the depths, in samples, where it begins and where it is full.
    """

    axes: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: float
    size: tuple[int, int]
    fog: tuple[float, float]

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points ``[n, 3]`` of the scene, in samples: x to the right, y downwards, z to the reader."""
        seen = self.scale * self.turn(points - self.centre)
        return seen * (1.0, -1.0, 1.0) + (self.size[0] / 2, self.size[1] / 2, 0.0)

    def turn(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Vectors ``[n, 3]`` in view axes: x to the right, y upwards, z to the reader; lengths as they are."""
        return vectors @ self.axes.T


@dataclass(frozen=True, eq=False)
class Bounds:
    """How far a scene reaches along the axes of a view: ``low`` and ``high``, ``[3]`` each, in the scene's unit."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        """Halfway, in view axes."""
        return (self.low + self.high) / 2

    def height(self, aspect: float) -> float:
        """Of a picture, ``aspect`` times as wide, that shows all."""
        wide, tall = (self.high - self.low)[:2]
        return MARGIN * max(tall, wide / aspect) or 1.0


def axes_of(camera: Camera) -> NDArray[np.float64]:
    """The view axes ``[3, 3]``, rows: to the right, upwards, to the reader."""
    ahead = np.asarray(camera.direction, dtype=np.float64)
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(np.asarray(camera.up, dtype=np.float64), ahead)
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(ahead, right), ahead])


def bounds_of(layers: Sequence[Layer], axes: NDArray[np.float64]) -> Bounds | None:
    """How far layers reach along view axes; None where there is nothing.

    Raises:
        ViewError: positions too far away to be drawn.
    """
    clouds = [_cloud(layer) for layer in layers]
    points = np.concatenate([np.zeros((0, 3)), *(points for points, _ in clouds)])
    reach = np.concatenate([np.zeros(0), *(reach for _, reach in clouds)])
    if not len(points):
        return None
    farthest = float(np.maximum(np.abs(points).max(), np.abs(reach).max()))  # NaN stays NaN
    if not farthest <= FARTHEST:
        raise ViewError(f"A picture needs finite positions and radii below {FARTHEST:g}, got {farthest:g} in a layer.")
    seen = points @ axes.T
    return Bounds((seen - reach[:, None]).min(0), (seen + reach[:, None]).max(0))


def fitted(scene: Scene, bounds: Bounds, height: float, size: tuple[int, int]) -> View:
    """The view by the scene's camera, on a canvas of ``size`` samples.

    What the camera leaves open is chosen: ``bounds`` give the centre, ``height`` is the picture's in length units.
    """
    axes = axes_of(scene.camera)
    given = scene.camera.centre
    centre = bounds.middle @ axes if given is None else np.asarray(given, dtype=np.float64)
    scale = size[1] / (scene.camera.height or height)
    middle = scale * float(bounds.middle[2] - centre @ axes[2])
    reach = scale * 1.05 * float(np.linalg.norm(bounds.high - bounds.low)) / 2 or 1.0
    return View(axes, centre, scale, size, (middle + 0.45 * reach, middle - 1.05 * reach))


def _cloud(layer: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As `extent.bounds`, but with the true size of glyphs and the breadth of heads and rings."""
    points, reach = bounds(layer)
    if isinstance(layer, Glyphs) and len(points) <= MOST_CLIMBED:
        return points, abs(layer.size) * peaks(layer.coefficients)
    if isinstance(layer, Arrows):
        broad = breadths(abs(layer.magnify) * np.linalg.norm(layer.vectors, axis=1), layer.width, layer.axial)
        return points, np.concatenate([broad, broad])
    return points, reach

"""A canvas: samples with a colour and a depth, that shapes are drawn into, and that becomes an image.

Capitals: N objects, V vertices and F faces of one object, T colours of a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from equiviz.view.picture import raster
from equiviz.view.picture.camera import View
from equiviz.view.picture.colouring import rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

IN_FRONT = 1e6  # samples: depth of what is drawn over everything else


class Canvas:
    """The samples of one view, on a page of the colour ``paper``."""

    def __init__(self, view: View, paper: str) -> None:
        width, height = view.size
        self.view = view
        self._image = np.empty((height, width, 3), dtype=np.uint8)
        self._image[:] = rgb(paper)
        self._depth = np.full((height, width), -np.inf, dtype=np.float32)
        self._fog = np.array([*view.fog, *rgb(paper)])

    def spheres(self, centres: NDArray[np.float64], radii: NDArray[np.float64], colours: NDArray[np.float64]) -> None:
        """Draw spheres: centres ``[N, 3]`` and radii ``[N]`` in the scene's unit, colours ``[N, 3]`` from 0 to 255."""
        placed, sizes = self.view.place(centres), self.view.scale * radii
        chosen = np.flatnonzero(self.touched(placed, sizes))
        order = chosen[np.argsort(-placed[chosen, 2], kind="stable")]  # the nearest first: they hide the others
        raster.draw_spheres(self._image, self._depth, placed[order], sizes[order], colours[order], self._fog)

    def cylinders(
        self,
        ends: tuple[NDArray[np.float64], NDArray[np.float64]],
        radius: float,
        colours: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> None:
        """Draw open cylinders between points ``[N, 3]``, each half in the colour ``[N, 3]`` of its end."""
        start, end = (self.view.place(points) for points in ends)
        radii = np.full(len(start), self.view.scale * radius)
        raster.draw_cylinders(self._image, self._depth, start, end, radii, *colours, True, self._fog)

    def lines(
        self, ends: tuple[NDArray[np.float64], NDArray[np.float64]], samples: float, colour: NDArray[np.float64]
    ) -> None:
        """Draw lines between points ``[N, 3]`` that are so many samples wide, without light."""
        start, end = (self.view.place(points) for points in ends)
        radii, colours = np.full(len(start), samples / 2), np.tile(colour, (len(start), 1))
        raster.draw_cylinders(self._image, self._depth, start, end, radii, colours, colours, False, self._fog)

    def meshes(
        self,
        points: NDArray[np.float64],
        normals: NDArray[np.float64],
        faces: NDArray[np.int64],
        paints: NDArray[np.float64],
        table: NDArray[np.float64],
    ) -> None:
        """Draw closed meshes.

        Args:
            points: ``[N, V, 3]`` in samples.
            normals: ``[N, V, 3]`` in view axes, of any length.
            faces: ``[F, 3]``, those of each object; they look outwards.
            paints: ``[N, V]``, places in the table, between which colours are interpolated.
            table: ``[T, 3]``, colours from 0 to 255.
        """
        if len(points):
            corners, outward, places, colours = (
                np.ascontiguousarray(array, dtype=np.float64) for array in (points, normals, paints, table)
            )
            raster.draw_meshes(self._image, self._depth, corners, outward, places, colours, faces, self._fog)

    def covered(self, placed: NDArray[np.float64], reach: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether something lies more than ``reach`` [N] samples in front of each point ``[N, 3]``, in samples."""
        height, width = self._depth.shape
        columns, rows = (
            np.clip(placed[:, k], 0, last).astype(np.intp) for k, last in ((0, width - 1), (1, height - 1))
        )
        return self._depth[rows, columns] > placed[:, 2] + reach + 1.0

    def reduced(self, samples: int) -> Image.Image:
        """The image, each pixel the mean of ``samples`` by ``samples`` samples."""
        image = Image.fromarray(self._image)
        return image.reduce(samples) if samples > 1 else image

    def touched(self, placed: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which discs touch the canvas, ``[N]``."""
        near = np.maximum(sizes, 1.0)
        x, y, _ = placed.T
        width, height = self.view.size
        return (x + near > 0) & (x - near < width) & (y + near > 0) & (y - near < height)

"""Labels of a scene, lettered over its image: the nearest first, none over another, none of what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from equiviz.view.layers import Atoms, Glyphs, Labels, Layer
from equiviz.view.picture.lettering import font, one_line, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.picture.canvas import Canvas
    from equiviz.view.template import Theme

SIZE = 12.0
HALO = 2.0  # pixels of the page's colour around letters, at scale 1
MOST_TRIED = 5_000  # of a scene: each must be measured


def draw_labels(
    image: Image.Image,
    canvas: Canvas,
    layers: Sequence[Layer],
    shown: Sequence[NDArray[np.bool_]],
    unit: float,
    theme: Theme,
) -> None:
    """Letter the labels that are shown, and say how many had no room.

    Args:
        image: that of the canvas, perhaps with fewer pixels than that has samples.
        canvas: with the scene in it.
        layers: of the scene.
        shown: the rows of each that are shown.
        unit: pixels of the image per pixel of scale 1.
        theme: colours of the page.
    """
    texts, places = _in_sight(canvas, layers, shown)
    halo = HALO * unit, theme.paper
    brush, letters, free = ImageDraw.Draw(image), font(SIZE * unit), Room(image.size)
    written = 0
    for k in np.argsort(-places[:, 2], kind="stable")[:MOST_TRIED]:
        x, y = places[k, :2] * image.width / canvas.view.size[0]
        if free.take(brush.textbbox((x, y), texts[k], letters, "mm")):
            write(brush, (x, y), texts[k], letters, theme.text, "mm", halo)
            written += 1
    if written < len(texts):
        told = f"{len(texts) - written:,} of {len(texts):,} labels had no room"
        corner = image.width - 8 * unit, image.height - 8 * unit
        write(brush, corner, told, font(11 * unit), theme.muted, "rs", halo)


class Room:
    """Which boxes of an image are taken."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._taken = np.zeros((size[1], size[0]), dtype=bool)

    def take(self, box: tuple[float, float, float, float]) -> bool:
        """Whether a box (left, top, right, bottom) is free; from now on it is taken."""
        left, top, right, bottom = (max(0, int(side)) for side in box)
        part = self._taken[top : bottom + 1, left : right + 1]
        if part.any():
            return False
        part[:] = True
        return True


def _in_sight(
    canvas: Canvas, layers: Sequence[Layer], shown: Sequence[NDArray[np.bool_]]
) -> tuple[list[str], NDArray[np.float64]]:
    """The texts on the canvas that nothing covers, and their places ``[n, 3]`` in samples."""
    texts: list[str] = []
    places = [np.zeros((0, 3))]
    for layer, rows in zip(layers, shown, strict=True):
        if not isinstance(layer, Labels):
            continue
        placed = canvas.view.place(layer.positions)
        none = np.zeros(len(placed))
        covered = canvas.covered(placed, canvas.view.scale * _own_reach(layer.positions, layers))
        chosen = [k for k in np.flatnonzero(rows & ~covered & canvas.touched(placed, none)) if one_line(layer.texts[k])]
        texts += [one_line(layer.texts[k]) for k in chosen]
        places.append(placed[chosen])
    return texts, np.concatenate(places)


def _own_reach(points: NDArray[np.float64], layers: Sequence[Layer]) -> NDArray[np.float64]:
    """How far what is labelled reaches around its label, ``[N]``: it does not hide it."""
    reach = np.zeros(len(points))
    for layer in layers:
        if isinstance(layer, Atoms) and np.array_equal(layer.positions, points):
            reach = np.maximum(reach, layer.radii)
        elif isinstance(layer, Glyphs) and np.array_equal(layer.origins, points):
            reach = np.maximum(reach, abs(layer.size) * layer.extents())
    return reach

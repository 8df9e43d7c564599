"""A page of one or several scenes beside each other, as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from equiviz.view.errors import ViewError
from equiviz.view.layers import CellBox
from equiviz.view.picture.colouring import Colouring
from equiviz.view.picture.panel import Panel

if TYPE_CHECKING:
    from equiviz.view.scene import Scene

MOST_PIXELS = 64 * 2**20
MOST_SAMPLES = 64 * 2**20  # seven bytes each; larger pictures have one sample per pixel
MOST_SCENES = 64
FINE = 2  # samples per pixel along each side
COMPRESSION = 6  # 9 saves two percent and takes four times as long


def png(scenes: Sequence[Scene], width: int, height: int, dark: bool, scale: float) -> bytes:
    """Draw scenes beside each other. The same scenes give the same bytes.

    Scenes of one periodic cell are drawn at one scale of lengths; equal colour scales have one range.

    Args:
        scenes: what to draw; each gets an equal share of the width.
        width: of the page in CSS pixels, like ``height``.
        height: of the page.
        dark: whether the page is dark.
        scale: pixels of the PNG per CSS pixel.

    Raises:
        ViewError: no scenes, or a size that is not positive or too large; what no scene can hold (a bond between
            atoms that do not exist, a word that is no colour, positions beyond all bounds).
    """
    size = _size(scenes, width, height, scale)
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond all numbers is not on the picture
        return _drawn(scenes, size, dark, scale)


def _drawn(scenes: Sequence[Scene], size: tuple[int, int], dark: bool, scale: float) -> bytes:
    colouring = Colouring.of([layer for scene in scenes for layer in scene.layers], dark)
    panels = _panels(scenes, size, colouring, scale)
    heights = [panel.height for panel in panels]
    if _one_cell(scenes):
        heights = [max(heights)] * len(heights)
    page = Image.new("RGB", size, colouring.theme.paper)
    samples = FINE if FINE**2 * size[0] * size[1] <= MOST_SAMPLES else 1
    for panel, tall in zip(panels, heights, strict=True):
        panel.draw(page, colouring, tall, samples)
    file = io.BytesIO()
    page.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def _size(scenes: Sequence[Scene], width: int, height: int, scale: float) -> tuple[int, int]:
    """Width and height of the PNG in pixels."""
    if not 1 <= len(scenes) <= MOST_SCENES:
        raise ViewError(f"A picture shows 1 to {MOST_SCENES} scenes beside each other, got {len(scenes)}.")
    if not all(math.isfinite(number) and number > 0 for number in (width, height, scale)):
        raise ViewError(f"A picture needs a positive width, height and scale, got {width!r}, {height!r}, {scale!r}.")
    pixels = width * scale * height * scale
    if pixels > MOST_PIXELS:
        raise ViewError(
            f"A picture has at most {MOST_PIXELS / 2**20:.0f} megapixels, got {width} x {height} at scale {scale:g}: "
            f"{pixels / 2**20:,.0f}. Ask for a smaller width, height or scale."
        )
    return max(len(scenes), round(width * scale)), max(1, round(height * scale))


def _panels(scenes: Sequence[Scene], size: tuple[int, int], colouring: Colouring, scale: float) -> list[Panel]:
    edges = [round(size[0] * k / len(scenes)) for k in range(len(scenes) + 1)]
    spans = zip(scenes, edges[:-1], edges[1:], strict=True)
    return [Panel.of(scene, left, (right - left, size[1]), colouring, scale) for scene, left, right in spans]


def _one_cell(scenes: Sequence[Scene]) -> bool:
    """Whether all scenes have the same periodic cell."""
    cells = [[layer.cell for layer in scene.layers if isinstance(layer, CellBox)] for scene in scenes]
    return all(len(own) == 1 and np.allclose(own[0], cells[0][0]) for own in cells)

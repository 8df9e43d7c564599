"""Whether a canvas shows something: a record of draw calls alone could be of things that nobody sees."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

Picture: TypeAlias = "NDArray[np.int64]"
SHARE = 0.03  # of the canvas that must differ from the background, and of a picture that an update must change
DIFFERENT = 45  # in the sum of red, green and blue

LARGEST = """() => {
  const boxes = [...document.querySelectorAll("canvas")].map((canvas) => canvas.getBoundingClientRect())
    .filter((box) => box.width > 50 && box.height > 50).sort((a, b) => b.width * b.height - a.width * a.height);
  return boxes.length ? { x: boxes[0].x, y: boxes[0].y, width: boxes[0].width, height: boxes[0].height } : null;
}"""


def canvas(page: Page) -> dict[str, float] | None:
    """Where the largest canvas is, in CSS pixels."""
    return page.evaluate(LARGEST)


def screen_pixels(page: Page) -> float:
    """Pixels of the screen that the largest canvas covers."""
    box = canvas(page)
    return box["width"] * box["height"] * page.evaluate("devicePixelRatio") ** 2 if box else 0.0


def shown(page: Page, limit: float = 60) -> Picture | None:
    """What the largest canvas shows, ``[height, width, 3]``; None where there is no canvas."""
    box = canvas(page)
    if box is None:
        return None
    image = page.screenshot(clip=box, timeout=1000 * limit)
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(np.int64)


def covered(picture: Picture | None) -> float:
    """The share of pixels that differ from the commonest colour."""
    if picture is None:
        return 0.0
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    return float((np.abs(picture - colours[counts.argmax()]).sum(-1) > DIFFERENT).mean())


def changed(before: Picture | None, after: Picture | None) -> float:
    """The share of pixels that differ between two pictures; all of them where the sizes differ."""
    if before is None or after is None or before.shape != after.shape:
        return 0.0 if before is None or after is None else 1.0
    return float((np.abs(before - after).sum(-1) > DIFFERENT).mean())

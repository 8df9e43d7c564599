"""Text on pictures: a font that comes with the package, so that the same text gives the same pixels everywhere.

DejaVu Sans (fonts/LICENSE), cut down to Latin, Greek, Cyrillic and mathematical signs; others are drawn as boxes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

FOLDER = Path(__file__).parent / "fonts"
LONGEST = 300  # characters: what is longer fits on no picture
MORE = "…"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@lru_cache(maxsize=32)
def font(size: float, bold: bool = False) -> FreeTypeFont:
    """The font, so many pixels high."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    # the basic layout is the same wherever Pillow was built
    return ImageFont.truetype(FOLDER / name, max(1.0, size), layout_engine=ImageFont.Layout.BASIC)


def one_line(text: str) -> str:
    """Text that can be drawn: spaces for line breaks and control characters, and not too long."""
    cut = text if len(text) <= LONGEST else text[:LONGEST] + MORE
    printable = "".join(character if character.isprintable() else " " for character in cut)
    return " ".join(printable.split())


def fitting(text: str, letters: FreeTypeFont, width: float) -> str:
    """As much of a text as fits into so many pixels, with three dots where something is left out."""
    text = one_line(text)
    if letters.getlength(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if letters.getlength(text[:middle] + MORE) <= width else (low, middle - 1)
    return text[:low].rstrip() + MORE if low else ""


def write(
    brush: ImageDraw,
    place: tuple[float, float],
    text: str,
    letters: FreeTypeFont,
    colour: str,
    anchor: str = "la",
    halo: tuple[float, str] = (0.0, "#000000"),
) -> None:
    """Draw one line of text.

    Args:
        brush: what draws on the image.
        place: where, in pixels.
        text: what `one_line` or `fitting` returned.
        letters: the font.
        colour: of the letters.
        anchor: what of the text stands at the place, as Pillow has it: "la" is left and ascender, "mm" the middle.
        halo: width and colour of what surrounds the letters.
    """
    at = round(place[0]), round(place[1])
    brush.text(at, text, colour, letters, anchor, stroke_width=halo[0], stroke_fill=halo[1])


def ticks(low: float, high: float) -> tuple[str, str, str]:
    """The ends of a scale and its middle as they stand beside a colour bar: to three digits of its length."""
    largest, length = max(abs(low), abs(high)), max(high / 2 - low / 2, 1e-300)
    exponent = max(-300, math.floor(math.log10(largest))) if largest > 0 else 0
    power = 0 if -4 < exponent < 5 else exponent
    digits = min(16, max(0, 2 + power - math.floor(math.log10(length) + math.log10(2))))
    tens = f"·10{str(power).translate(RAISED)}" if power else ""
    start, middle, end = (_number(value / 10.0**power, digits, tens) for value in (low, low / 2 + high / 2, high))
    return start, middle, end


def _number(value: float, digits: int, tens: str) -> str:
    told = f"{value:.{digits}f}"
    told = told.rstrip("0").rstrip(".") if "." in told else told
    return "0" if told in ("0", "-0") else told.replace("-", "−") + tens

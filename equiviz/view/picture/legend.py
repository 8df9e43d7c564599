"""What colours mean, beside a picture: a bar for each scale, a dot for each species. Lengths are in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from equiviz.view.layers import Atoms
from equiviz.view.palette import UNKNOWN, label_colours
from equiviz.view.picture.colouring import STEPS, Colouring, rgb
from equiviz.view.picture.lettering import fitting, font, one_line, ticks, write
from equiviz.view.shared_ranges import coloured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.layers import Layer
    from equiviz.view.template import Theme

WIDTH = 150  # of a bar, and the most of any block, at scale 1 like all numbers here
HEADING, SMALL = 12.5, 11.0
BAR = 11
LINE = 19
TICKS = 18
DOT = 5
NAME = 18  # where names begin
MOST_SPECIES = 10


@dataclass(frozen=True, eq=False)
class ColourBar:
    """A scale from ``low`` to ``high`` with its heading, and its colours ``[T, 3]``."""

    heading: str
    low: float
    high: float
    colours: NDArray[np.float64]

    @property
    def width(self) -> float:
        """At scale 1."""
        return WIDTH

    @property
    def height(self) -> float:
        """At scale 1."""
        return LINE * bool(self.heading) + BAR + TICKS

    def draw(self, page: Image.Image, corner: tuple[float, float], width: float, unit: float, theme: Theme) -> None:
        """Draw it with its upper left corner at ``corner``, enlarged by ``unit``."""
        brush = ImageDraw.Draw(page)
        left, top = corner
        if self.heading:
            letters = font(HEADING * unit)
            write(brush, (left, top), fitting(self.heading, letters, width), letters, theme.text)
            top += LINE * unit
        columns = np.linspace(0, len(self.colours) - 1, max(1, round(width)))
        strip = np.rint(self.colours[np.rint(columns).astype(np.intp)]).astype(np.uint8)
        bar = np.repeat(strip[None], max(1, round(BAR * unit)), axis=0)
        page.paste(Image.fromarray(np.ascontiguousarray(bar)), (round(left), round(top)))
        below, letters = top + (BAR + 4) * unit, font(SMALL * unit)
        texts = ticks(self.low, self.high)
        crowded = sum(letters.getlength(text) for text in texts) > width - 12 * unit
        for share, anchor, text in zip((0.0, 0.5, 1.0), ("la", "ma", "ra"), texts, strict=True):
            if share != 0.5 or not crowded:
                place = min(left + share * width, left + width - unit)
                brush.line(
                    [(place, top + BAR * unit), (place, top + (BAR + 3) * unit)], theme.axis, max(1, round(unit))
                )
                write(brush, (left + share * width, below), text, letters, theme.muted, anchor)


@dataclass(frozen=True, eq=False)
class SpeciesKey:
    """A dot of its colour, and its name, for each species."""

    entries: tuple[tuple[str, str], ...]  # name and colour

    @property
    def width(self) -> float:
        """At scale 1."""
        longest = max(font(HEADING).getlength(one_line(name)) for name, _ in self.entries[:MOST_SPECIES])
        return min(WIDTH, NAME + longest) if len(self.entries) <= MOST_SPECIES else WIDTH

    @property
    def height(self) -> float:
        """At scale 1."""
        return LINE * min(len(self.entries), MOST_SPECIES + 1)

    def draw(self, page: Image.Image, corner: tuple[float, float], width: float, unit: float, theme: Theme) -> None:
        """Draw it with its upper left corner at ``corner``, enlarged by ``unit``."""
        brush, letters = ImageDraw.Draw(page), font(HEADING * unit)
        left, middle = corner[0], corner[1] + LINE * unit / 2
        for name, colour in self.entries[:MOST_SPECIES]:
            _dot(page, (left + DOT * unit, middle), DOT * unit, colour)
            text = fitting(name, letters, width - NAME * unit)
            write(brush, (left + NAME * unit, middle), text, letters, theme.text, "lm")
            middle += LINE * unit
        hidden = len(self.entries) - MOST_SPECIES
        if hidden > 0:
            write(brush, (left, middle), f"and {hidden:,} more", letters, theme.muted, "lm")


Block: TypeAlias = ColourBar | SpeciesKey


def legend(layers: Sequence[Layer], colouring: Colouring) -> list[Block]:
    """The blocks of a scene: one bar per scale, then the species."""
    blocks: list[Block] = []
    for scale in dict.fromkeys(told[0] for told in map(coloured, layers) if told is not None):
        if scale in colouring.limits:
            blocks.append(ColourBar(one_line(scale.heading), *colouring.limits[scale], colouring.table(scale)[:STEPS]))
    entries = _species(layers)
    return [*blocks, SpeciesKey(entries)] if entries else blocks


def _species(layers: Sequence[Layer]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    unknown = False
    for layer in layers:
        told = coloured(layer)
        unknown |= told is not None and bool(np.isnan(told[1]).any())
        if isinstance(layer, Atoms) and layer.values is None and not layer.colour:
            colours = label_colours(layer.labels)
            found |= {label: colours[label] for label in sorted(set(layer.labels)) if one_line(label)}
    return (*found.items(), *([("no value", UNKNOWN)] if unknown else []))


def _dot(page: Image.Image, centre: tuple[float, float], radius: float, colour: str) -> None:
    """A disc with soft edges."""
    fine = 4
    side = 2 * max(1, round(radius)) + 1
    mask = Image.new("L", (side * fine, side * fine))
    ImageDraw.Draw(mask).ellipse([0, 0, side * fine - 1, side * fine - 1], 255)
    paint = tuple(int(part) for part in rgb(colour))
    page.paste(paint, (round(centre[0]) - side // 2, round(centre[1]) - side // 2), mask.reduce(fine))

"""Bars, each beside a button with its name: the mouse and the Tab key reach the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from equiviz.view.colours import DIVERGING_ON_DARK

if TYPE_CHECKING:
    from ipywidgets import HTML, Button, HBox

BELOW, ABOVE = DIVERGING_ON_DARK[0][1], DIVERGING_ON_DARK[-1][1]
"""Colours of negative and positive numbers: those of the diverging scale that read on white and on black."""


@dataclass(frozen=True)
class Bar:
    """One number.

    Attributes:
        row: which atom.
        label: its name.
        value: the number.
    """

    row: int
    label: str
    value: float


def strongest(values: Sequence[float], labels: Sequence[str], most: int) -> list[Bar]:
    """The largest in size, in descending order; numbers that are not finite are left out."""
    known = [k for k, value in enumerate(values) if math.isfinite(value)]
    order = sorted(known, key=lambda k: -abs(values[k]))[:most]
    return [Bar(k, f"{labels[k]} {k}", float(values[k])) for k in order]


def bar_html(value: float, largest: float, signed: bool, told: str = "") -> str:
    """One bar and its number, or what is told instead; of signed ones zero is in the middle.

    Nothing here comes from a file.
    """
    value = value if math.isfinite(value) else 0.0
    part = min(1.0, abs(value) / largest) if largest > 0 else 0.0
    width = part * (50 if signed else 100)
    left = (50 - width if value < 0 else 50) if signed else 0
    colour = BELOW if value < 0 else ABOVE
    number = told or (f"{value:+.3g}" if signed else f"{value:.3g}")
    fill = f'<span style="left:{left:.1f}%;width:{width:.1f}%;background:{colour}"></span>'
    zero = '<i style="left:50%"></i>' if signed else '<i style="left:0"></i>'
    return f'<div class="equiviz-bar"><div>{zero}{fill}</div><b>{number}</b></div>'


class ClickableBars:
    """Rows of a button and a bar, made once, filled as often as one likes.

    Attributes:
        bars: what is shown.
        buttons: one for each row; those without a bar are hidden.
        box: all of it.
    """

    def __init__(self, chosen: Callable[[int], object], most: int = 8) -> None:
        from ipywidgets import VBox

        self.chosen, self.bars = chosen, list[Bar]()
        self._rows = [self._row(place) for place in range(most)]
        self.buttons = [cast("Button", row.children[0]) for row in self._rows]
        self.box = VBox(self._rows)
        self.fill([])

    def fill(self, bars: Sequence[Bar]) -> None:
        """Show other numbers."""
        self.bars = list(bars)[: len(self._rows)]
        largest = max((abs(bar.value) for bar in self.bars), default=0.0)
        signed = any(bar.value < 0 for bar in self.bars)
        for place, row in enumerate(self._rows):
            row.layout.display = None if place < len(self.bars) else "none"
            if place < len(self.bars):
                bar = self.bars[place]
                self.buttons[place].description = bar.label
                self.buttons[place].tooltip = f"select {bar.label} in the picture"
                cast("HTML", row.children[1]).value = bar_html(bar.value, largest, signed)

    def _row(self, place: int) -> HBox:
        from ipywidgets import HTML, Button, HBox

        button = Button(layout={"width": "7em", "flex": "0 0 auto"})
        button.on_click(lambda _: self.chosen(self.bars[place].row))
        return HBox([button, HTML(layout={"flex": "1 1 auto"})], layout={"width": "100%", "align_items": "center"})

"""The controls of the hand: buttons, a list of elements where there are finitely many, sliders along generators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from equiviz.apps.explorer.look import menu, number_field, row

if TYPE_CHECKING:
    from equiviz.apps.explorer.elements import Elements
    from equiviz.symmetry.groups import GroupElement

BETWEEN = "none of them"
"""In the list, of an element that is not listed."""


class ElementControls:
    """Controls that ask for elements; `show` brings them to the one that there is.

    Attributes:
        elements: what is offered.
        ask: is handed an element.
        random, back, nearest: buttons.
        listed: the list; hidden where there is none.
        number: the same by its number, for the keyboard: JupyterLab takes a menu's arrow keys for itself.
        generator, angle: which curve, and how far along it; hidden where a hand turns the input.
        box: all of it.
    """

    def __init__(
        self, elements: Elements, ask: Callable[[GroupElement], object], guarded: Callable[[Callable[..., object]], Any]
    ) -> None:
        from ipywidgets import Button, FloatSlider

        self.elements, self.ask = elements, ask
        self._filling, self._draws = False, 0
        self._at = self._before = elements.identity()
        self.random = Button(description="turn at random", tooltip="another element, drawn uniformly")
        self.back = Button(description="turn back", tooltip="the input as it came")
        self.nearest = Button(description="nearest of the list", tooltip="the listed element that is least away")
        self.listed = menu(elements.list_name or "list", "under these the network can be exact", "30em")
        self.listed.options = [BETWEEN, *elements.listed]
        self.number = number_field("number", "of the listed element, from 1; the arrow keys go on to the next")
        self.number.max = len(elements.listed)
        self.generator = menu("generator", "of the one-parameter subgroup along which the slider goes", "22em")
        self.generator.options, self.generator.index = list(elements.curves), 0 if elements.curves else None
        wide: dict[str, Any] = {"layout": {"width": "26em", "max_width": "100%"}, "style": {"description_width": "5em"}}
        self.angle = FloatSlider(0.0, min=-180.0, max=180.0, step=5.0, description="angle (°)", **wide)
        self.random.on_click(guarded(lambda _: self._random()))
        self.back.on_click(guarded(lambda _: self._back()))
        self.nearest.on_click(guarded(lambda _: self.ask(elements.nearest(self._at))))
        self.listed.observe(guarded(lambda _: self._choose(self.listed.options.index(self.listed.value))), "value")
        self.number.observe(guarded(lambda _: self._choose(int(self.number.value))), "value")
        self.generator.observe(guarded(lambda _: self._start()), "value")
        self.angle.observe(guarded(lambda _: self._slid()), "value")
        finite = [self.listed, self.number, self.nearest] if elements.listed else []
        curves = [self.generator, self.angle] if elements.curves else []
        self.box = row(*finite, *curves, self.random, self.back)

    def show(self, g: GroupElement) -> None:
        """An element was reached, from here or by the hand."""
        self._at = g
        title = self.elements.title_of(g)
        self._fill(self.listed, BETWEEN if title is None else title)
        self._fill(self.number, self.listed.options.index(self.listed.value))

    def _random(self) -> None:
        self._draws += 1
        self._jump(self.elements.drawn(self._draws))

    def _back(self) -> None:
        self._jump(self.elements.identity())

    def _jump(self, g: GroupElement) -> None:
        """Elsewhere at once: the slider goes on from there."""
        self._before = g
        self._fill(self.angle, 0.0)
        self.ask(g)

    def _choose(self, number: int) -> None:
        """One of the list, by its number from 1; 0 is none."""
        if not self._filling and number:
            self._jump(list(self.elements.listed.values())[number - 1])

    def _start(self) -> None:
        """Another generator: it goes on from where the last one led."""
        self._before = self._at
        self._fill(self.angle, 0.0)

    def _slid(self) -> None:
        if self._filling or not self.elements.curves:
            return
        along = self.elements.curves[str(self.generator.value)].exp(math.radians(float(self.angle.value)))
        self.ask(along @ self._before)

    def _fill(self, control: Any, value: object) -> None:
        if control.value == value:
            return
        self._filling = True
        try:
            control.value = value
        finally:
            self._filling = False

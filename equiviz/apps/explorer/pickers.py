"""The menus that choose structure, stage, irrep, channel and style; each choice that they give is a valid one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.explorer.choices import (
    Choice,
    block_title,
    by_stage,
    fitted,
    offered_blocks,
    offered_styles,
)
from equiviz.apps.explorer.look import menu, number_field, row
from equiviz.apps.explorer.recorded import Recorded

if TYPE_CHECKING:
    from equiviz.view.show import Style

_STYLES = {"auto": "automatic", "colour": "colours", "arrows": "arrows", "glyphs": "glyphs"}


class Pickers:
    """The menus.

    Attributes:
        models: by name.
        recorded: the model that is chosen.
        choice: what is chosen of it.
        model, structure, stage, block, channel, style, shared: the menus.
        box: all of them.
    """

    def __init__(
        self, models: dict[str, Recorded], recorded: Recorded, choice: Choice, changed: Callable[[], object]
    ) -> None:
        from ipywidgets import Checkbox

        self.models, self.recorded, self.choice, self.changed = models, recorded, choice, changed
        self._filling = False
        self.model = menu("model", "which model", "16em")
        self.structure = menu(recorded.whole, f"which {recorded.whole} is drawn", "18em")
        self.stage = menu("layer", "which of the model's stages is drawn", "26em")
        self.block = menu("irrep", "which irrep of the stage: degree l and parity", "19em")
        self.channel = number_field("channel", "which copy of the irrep; the arrow keys go on to the next")
        self.style = menu("style", "how it is drawn: automatic is what its type suggests", "10.5em")
        told = "all channels of the irrep on one scale, so that they can be compared"
        self.shared = Checkbox(choice.shared, description="one scale", tooltip=told, indent=False)
        self.shared.layout.width = "auto"
        self.model.options = list(models)
        titles = [recorded.title(k) for k in range(len(recorded))]
        self.structure.options = [(title, k) for k, title in enumerate(titles)]
        self.fill()
        self.box = row(*self._shown())
        for control in (self.model, self.structure, self.stage, self.block, self.channel, self.style, self.shared):
            control.observe(self._on_control, "value")

    def choose(self, choice: Choice) -> None:
        """Another choice, brought to what this record has."""
        self.choice = fitted(choice, self.recorded.seen(choice.structure))
        self.fill()

    def fill(self) -> None:
        """Bring the menus to the choice."""
        capture = self.recorded.capture(self.choice.structure)
        offered = offered_blocks(self.recorded.seen(self.choice.structure)[self.choice.stage])
        self._filling = True
        try:
            self.model.value = next(name for name, known in self.models.items() if known is self.recorded)
            self.structure.value = self.choice.structure
            _options(self.stage, [(title, name) for name, title in by_stage(capture).items()], self.choice.stage)
            _options(self.block, [(block_title(b, n), b) for b, n in offered.items()], self.choice.block)
            self.channel.max = max(0, offered.get(self.choice.block, 1) - 1)
            self.channel.value = self.choice.channel
            self.channel.disabled = self.channel.max == 0
            _options(self.style, [(_STYLES[s], s) for s in offered_styles(self.choice.block)], self.choice.style)
            self.shared.value = self.choice.shared
        finally:
            self._filling = False

    def _shown(self) -> list[Any]:
        """A menu of one entry is none."""
        first = [
            menu for menu, many in ((self.model, len(self.models)), (self.structure, len(self.recorded))) if many > 1
        ]
        return [*first, self.stage, self.block, self.channel, self.style, self.shared]

    def _on_control(self, _: object) -> None:
        if self._filling:
            return
        self.recorded = self.models[cast(str, self.model.value)]
        asked = Choice(
            structure=cast(int, self.structure.value),
            stage=cast(str, self.stage.value),
            block=cast(str, self.block.value or ""),
            channel=self.channel.value,
            style=cast("Style", self.style.value),
            shared=bool(self.shared.value),
        )
        asked = replace(asked, channel=0) if asked.block != self.choice.block else asked
        self.changed_to(asked)

    def changed_to(self, asked: Choice) -> None:
        """A control was moved: choose, and tell."""
        self.choice = asked
        self.changed()


def _options(control: Any, options: list[tuple[str, str]], value: str) -> None:
    """Other entries; the same ones are not sent again."""
    if tuple(control.options) != tuple(options):
        control.options = options
    if options:
        control.value = value

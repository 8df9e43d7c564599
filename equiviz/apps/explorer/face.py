"""The whole explorer: one pane, and beside it charts, the rotation hand, or a second pane."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast

from ipywidgets import HTML, HBox, ToggleButtons, VBox
from traitlets import dlink

from equiviz.apps.explorer.choices import first_choice
from equiviz.apps.explorer.compare_panel import ComparePanel
from equiviz.apps.explorer.hand_panel import HandPanel
from equiviz.apps.explorer.look import FACE, STYLE
from equiviz.apps.explorer.pane import Pane
from equiviz.apps.explorer.recorded import Recorded
from equiviz.apps.explorer.side_panel import SidePanel
from equiviz.equivariance.check_widget.look import line

if TYPE_CHECKING:
    from equiviz.apps.explorer.choices import Choice
    from equiviz.view.live_widget import SceneView

LOOK, TURN, COMPARE = "look", "turn the input", "compare"
_TOLD = (
    "the features, a map of the environments, and the power spectrum",
    "the rotation hand: turn the input, and watch the equivariance error",
    "two layers or two models beside each other",
)


class Explorer(VBox):
    """The widget. Panels are made when they are first opened, and hidden, never moved, afterwards.

    Attributes:
        models: one or two, by name.
        pane: what is looked at: menus, 3D view, caption.
        side: the charts beside it.
        hand, second: the rotation hand and the second pane; None before they are opened.
        mode: which of them is open.
    """

    def __init__(self, models: dict[str, Recorded], height: int) -> None:
        first = next(iter(models.values()))
        self.models, self.height = models, height
        self._linked = f"explorer-{id(self)}"
        self.pane = Pane(models, first, first_choice(first.capture(0)), height, self._linked)
        self.side = SidePanel(self.pane, height)
        self.hand: HandPanel | None = None
        self.second: ComparePanel | None = None
        self.mode = ToggleButtons(options=(LOOK, TURN, COMPARE), tooltips=_TOLD)
        self.mode.style.button_width = "auto"
        self.mode.observe(self.pane.view.guarded(lambda _: self._open()), "value")
        self._places = {name: VBox(layout={"flex": "1 1 340px", "min_width": "300px"}) for name in (LOOK, COMPARE)}
        self._places[LOOK].children = (self.side.box,)
        self._places[TURN] = VBox()
        pane = cast(Any, self.pane.box)
        pane.layout.flex, pane.layout.min_width = "1.4 1 420px", "320px"
        views = HBox([pane, self._places[LOOK], self._places[COMPARE]])
        views.add_class("equiviz-views")
        head = line(" and ".join(models), "equiviz-title")
        super().__init__([HTML(STYLE), head, self.mode, views, self._places[TURN]])
        self.add_class(FACE)
        self._open()

    @property
    def view(self) -> SceneView:
        """The 3D view: its `selected`, `camera` and `slab` can be read and set."""
        return self.pane.view

    @property
    def choice(self) -> Choice:
        """What is looked at; `choose` sets it."""
        return self.pane.choice

    def choose(self, **changes: object) -> None:
        """Look at something else: ``choose(stage="layers.1", block="2e", channel=3)``; what does not exist is left out.

        Args:
            changes: of `Choice`.
        """
        from dataclasses import replace

        self.pane.choose(replace(self.choice, **changes))  # type: ignore[arg-type]

    def describe(self) -> str:
        """What is looked at, in words."""
        names = " and ".join(self.models)
        structures = ", ".join(self.pane.recorded.title(k) for k in range(len(self.pane.recorded)))
        choice = self.choice
        return f"Explorer of {names}; {structures}. Shown: {choice.stage}, {choice.block}, channel {choice.channel}."

    def _open(self) -> None:
        mode = cast(str, self.mode.value)
        if mode == TURN and self.hand is None:
            self.hand = HandPanel(self.pane, min(self.height, 380))
            self._places[TURN].children = (self.hand.box,)
            dlink((self.view, "problem"), (self.hand.hand, "problem"))  # the view of the menus is hidden meanwhile
        if mode == COMPARE and self.second is None:
            self.second = ComparePanel(self.pane, self.models, self.height, self._linked)
            self._places[COMPARE].children = (self.second.box,)
        for name, place in self._places.items():
            place.layout.display = None if name == mode else "none"
        self._fit(mode)
        if mode == LOOK:
            self.side.charts.fit()
        if self.hand is not None:
            self.hand.box.layout.display = None if mode == TURN else "none"
            if mode == TURN:
                self.hand.open()

    def _fit(self, mode: str) -> None:
        """While the input is turned, the menus stay and their view makes way for three others."""
        hidden = "none" if mode == TURN else None
        cast(Any, self.view).layout.display = hidden
        cast(Any, self.pane.box).layout.flex = "1 1 340px" if mode == COMPARE else "1.4 1 420px"

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str] | None:
        content = super()._repr_mimebundle_(**kwargs) or {}
        picture = base64.b64encode(self.view.scene.png()).decode()
        return {**content, "text/plain": self.describe(), "image/png": picture}

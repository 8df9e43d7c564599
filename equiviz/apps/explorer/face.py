"""The whole explorer: one pane, and beside it charts, the rotation hand, or a second pane."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast

from ipywidgets import HTML, HBox, ToggleButtons, VBox
from traitlets import dlink

from equiviz.apps.explorer.choices import first_choice
from equiviz.apps.explorer.compare_panel import ComparePanel
from equiviz.apps.explorer.hand_panel import HandPanel
from equiviz.apps.explorer.irreps_panel import IrrepsPanel
from equiviz.apps.explorer.known_panel import KnownPanel
from equiviz.apps.explorer.look import FACE, STYLE
from equiviz.apps.explorer.pane import Pane
from equiviz.apps.explorer.question_menus import QuestionMenus
from equiviz.apps.explorer.recorded import Recorded
from equiviz.apps.explorer.side_panel import SidePanel
from equiviz.apps.explorer.steer_panel import SteerPanel
from equiviz.apps.explorer.why_panel import WhyPanel
from equiviz.equivariance.check_widget.look import line

if TYPE_CHECKING:
    from equiviz.apps.explorer.choices import Choice
    from equiviz.apps.explorer.find_panel import FindPanel
    from equiviz.view.live_widget import SceneView

LOOK, TURN, COMPARE = "look", "turn the input", "compare"
WHY, IRREPS, STEER, KNOWN, FIND = "why", "irreps", "steer", "known", "find"
_TOLD = {
    LOOK: "the features, a map of the environments, and the power spectrum",
    WHY: "which atoms a prediction rests on",
    IRREPS: "which irreps carry a prediction through the layers",
    STEER: "scale or turn the channel that is shown, and watch the predictions",
    KNOWN: "what the layer knows of expert descriptors",
    FIND: "what had to move, what a layer does not see, what is missing, what it is made of",
    TURN: "the rotation hand: turn the input, and watch the equivariance error",
    COMPARE: "two layers or two models beside each other",
}
_OF_ATOMS = (WHY, KNOWN, FIND)
"""What is asked of structures of atoms alone: where there are none, these are not offered."""
_BESIDE = (LOOK, WHY, IRREPS, STEER, KNOWN, FIND, COMPARE)
"""Panels beside the view; the rotation hand is under it."""


class Explorer(VBox):
    """The widget. Panels are made when they are first opened, and hidden, never moved, afterwards.

    Attributes:
        models: one or two, by name.
        pane: what is looked at: menus, 3D view, caption.
        side: the charts beside it.
        why, irreps, steer, known, find: explanations of a prediction and of a layer; None before they are opened.
        hand, second: the rotation hand and the second pane; None before they are opened.
        mode: which of them is open.
    """

    def __init__(self, models: dict[str, Recorded], height: int) -> None:
        first = next(iter(models.values()))
        self.models, self.height = models, height
        self._linked = f"explorer-{id(self)}"
        self.pane = Pane(models, first, first_choice(first.seen(0)), height, self._linked)
        self.side = SidePanel(self.pane, height)
        self.why: WhyPanel | None = None
        self.irreps: IrrepsPanel | None = None
        self.steer: SteerPanel | None = None
        self.known: KnownPanel | None = None
        self.find: FindPanel | None = None
        self.hand: HandPanel | None = None
        self.second: ComparePanel | None = None
        self._question: QuestionMenus | None = None
        offered = {name: told for name, told in _TOLD.items() if not (first.on_points and name in _OF_ATOMS)}
        self.mode = ToggleButtons(options=list(offered), tooltips=list(offered.values()))
        self.mode.style.button_width = "auto"
        self.mode.observe(self.pane.view.guarded(lambda _: self._open()), "value")
        self._places = {name: VBox(layout={"flex": "1 1 340px", "min_width": "300px"}) for name in _BESIDE}
        self._places[LOOK].children = (self.side.box,)
        self._places[TURN] = VBox()
        pane = cast(Any, self.pane.box)
        pane.layout.flex, pane.layout.min_width = "1.4 1 420px", "320px"
        views = HBox([pane, *(self._places[name] for name in _BESIDE)])
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
        if self.pane.painter is not None:  # scores belong to the panel that is left
            self.pane.reset()
        self._make(mode)
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
        if self.steer is not None:
            self.steer.open = mode == STEER
        if mode == LOOK:
            self.side.charts.fit()
        if self.hand is not None:
            self.hand.box.layout.display = None if mode == TURN else "none"
            if mode == TURN:
                self.hand.open()

    @property
    def question(self) -> QuestionMenus:
        """What is asked about a prediction: the same in all panels."""
        if self._question is None:
            self._question = QuestionMenus(self.pane)
        return self._question

    def _make(self, mode: str) -> None:
        """The panel of an explanation, when it is first opened."""
        if mode == WHY and self.why is None:
            self.why = WhyPanel(self.pane, self.question)
            self._places[WHY].children = (self.why.box,)
        if mode == IRREPS and self.irreps is None:
            self.irreps = IrrepsPanel(self.pane, self.question)
            self._places[IRREPS].children = (self.irreps.box,)
        if mode == STEER and self.steer is None:
            self.steer = SteerPanel(self.pane, self.question)
            self._places[STEER].children = (self.steer.box,)
        if mode == KNOWN and self.known is None:
            self.known = KnownPanel(self.pane)
            self._places[KNOWN].children = (self.known.box,)
        if mode == FIND and self.find is None:
            from equiviz.apps.explorer.find_panel import FindPanel  # its verbs take a third of a second to import

            self.find = FindPanel(self.pane, self.question)
            self._places[FIND].children = (self.find.box,)

    def _fit(self, mode: str) -> None:
        """While the input is turned, the menus stay and their view makes way for three others."""
        hidden = "none" if mode == TURN else None
        cast(Any, self.view).layout.display = hidden
        cast(Any, self.pane.box).layout.flex = "1 1 340px" if mode == COMPARE else "1.4 1 420px"

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str] | None:
        content = super()._repr_mimebundle_(**kwargs) or {}
        picture = base64.b64encode(self.view.scene.png()).decode()
        return {**content, "text/plain": self.describe(), "image/png": picture}

"""What would have to move, what is not seen, what is missing: the verbs that search, on request, drawn on the atoms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.explorer.explanations import cost_words, seconds_of_a_run
from equiviz.apps.explorer.finding import (
    ALIKE,
    MADE,
    MISSING,
    MOVE,
    OF_A_LAYER,
    QUESTIONS,
    SEARCHES,
    UNSEEN,
    VERBS,
    Found,
    Target,
    Unit,
    least_motion,
    look_alike,
    made_of,
    missing,
    targets_of,
    unit_of,
    unseen,
    where_asked,
)
from equiviz.apps.explorer.look import menu, row
from equiviz.apps.explorer.running import run_by
from equiviz.apps.explorer.scored_atoms import ScoredAtoms
from equiviz.equivariance.check_widget.look import NEUTRAL, line, live, say
from equiviz.view.template import template

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from equiviz.apps.explorer.pane import Pane
    from equiviz.apps.explorer.question_menus import QuestionMenus
    from equiviz.view.scene import SceneRow

DRAW, RESET = "draw the answer", "reset the picture"
NO_TARGET = (
    "No target is loaded. It takes a second structure of the same atoms in the same order, or a typed field that a "
    "structure carries; or, from Python, equiviz.symmetry_breaking(model, structure, target)."
)
ENVIRONMENTS = "From all {} environments of the loaded structures; at least 128 are needed."
WIDE, HIGH = 640, 330
"""Pixels of pictures and charts beside the words."""


class FindPanel:
    """A menu of questions, a button, and the answer.

    Attributes:
        pane: whose model, layer, structure and selection are asked about, and on whose atoms the answer is drawn.
        question: the menus of outputs; they belong to one of the questions.
        what: the question.
        change: how much the prediction is to change, in the unit that the words beside it tell.
        target: what is wanted of the structure.
        button: starts it.
        asked: what is asked, in words.
        status: what is done, or what went wrong.
        part: which of several answers is drawn.
        scores: the answer, atom by atom.
        words: the answer in words.
        pictures: the report's chart.
        row: environments beside each other.
        found: the answer itself; None where there is none of this question and structure.
        box: all of it.
    """

    def __init__(self, pane: Pane, question: QuestionMenus) -> None:
        from ipywidgets import VBox

        self.pane, self.question = pane, question
        self.found: Found | None = None
        self._about: tuple[object, ...] = ()
        self._filling = False
        self._offered: list[Target] = []
        self.asked, self.status, self.words = line(), line(), line()
        self.scores = ScoredAtoms(pane, DRAW, RESET)
        self.pictures, self.row = VBox(), VBox()
        self._make_controls()
        pane.followers.append(self._follow)
        pane.view.observe(pane.view.guarded(lambda _: self._say()), "selected")
        question.words.observe(pane.view.guarded(lambda _: self._follow()), "value")
        self._follow()
        head = line("What does the model rest on, overlook, or lack?", "equiviz-head")
        self._of_output = row(question.output, question.component, self.change)
        menus = [row(self.what, self.button), self._of_output, self.target, self.asked, self.status]
        self.box = VBox([head, *menus, self.part, self.scores.box, self.words, self.pictures, self.row])
        self._fit()

    def find(self) -> None:
        """Ask; an error is told in one sentence."""
        what = str(self.what.value)
        doing = f"Looking with equiviz.{VERBS[what]} …"
        if not run_by(self.button, self.status, doing, lambda: self._ask(what, doing)):
            self._empty()
        self._allow()

    def _make_controls(self) -> None:
        from ipywidgets import Button, FloatSlider

        self.what = menu("question", "each is one of equiviz's verbs", "32em")
        self.what.options, self.what.index = list(QUESTIONS), 0
        wide: dict[str, Any] = {"layout": {"width": "24em", "max_width": "100%"}, "continuous_update": False}
        wide["style"] = {"description_width": "initial"}
        self.change = FloatSlider(0.5, min=-3.0, max=3.0, step=0.1, description="change", readout_format="+.1f", **wide)
        self.target = menu("target", "what the structure should become", "26em")
        self.part = menu("shown", "which of the answers is drawn", "22em")
        self.button = Button(description="Find", button_style="primary", tooltip="start the search")
        guarded = self.pane.view.guarded
        self.button.on_click(guarded(lambda _: self.find()))
        self.what.observe(guarded(lambda _: self._turn_to()), "value")
        self.part.observe(guarded(lambda _: self._draw()), "value")
        for control in (self.change, self.target):
            control.observe(guarded(lambda _: self._say()), "value")

    @property
    def _unit(self) -> Unit:
        return unit_of(self.pane.recorded.capture(self.pane.choice.structure), self.question.asked)

    def _where(self) -> tuple[int | None, str]:
        recorded, choice = self.pane.recorded, self.pane.choice
        labels = recorded.structures[choice.structure].labels
        return where_asked(recorded.capture(choice.structure), choice.stage, list(self.pane.view.selected), labels)

    def _ask(self, what: str, doing: str) -> None:
        say(self.status, doing + self._cost(what), "equiviz-quiet")
        recorded, choice = self.pane.recorded, self.pane.choice
        number, stage = choice.structure, choice.stage
        acts: dict[str, Callable[[], Found]] = {
            MOVE: lambda: least_motion(recorded, number, self.question.asked, self._unit.size * self.change.value),
            UNSEEN: lambda: unseen(recorded, number, stage, self._where()[0]),
            ALIKE: lambda: look_alike(recorded, number, stage, self._where()[0]),
            MISSING: lambda: missing(self._offered[cast(int, self.target.value)]),
            MADE: lambda: made_of(recorded, number, stage),
        }
        self._show(acts[what]())

    def _show(self, found: Found) -> None:
        self.found = found
        self._filling = True
        try:
            _entries(self.part, found.parts)
        finally:
            self._filling = False
        self.part.layout.display = None if len(found.parts) > 1 else "none"
        say(self.words, found.report.describe())
        self.pictures.children = () if found.figure is None else (cast(Any, live(_narrow(found.figure()))),)
        self._draw()

    def _draw(self) -> None:
        """The chosen answer on the atoms."""
        if self._filling or self.found is None:
            return
        if not self.found.parts:
            self.scores.clear()
            self.row.children = ()
            return
        drawn = self.found.drawn(cast(int, self.part.value))
        self.scores.fill(drawn.values, drawn.name, drawn.words, scene=drawn.scene)
        self.row.children = () if drawn.row is None else (_picture(drawn.row),)

    def _cost(self, what: str) -> str:
        if what not in SEARCHES:
            return ""
        return cost_words(SEARCHES[what], seconds_of_a_run(self.pane.recorded, self.pane.choice.structure))

    def _turn_to(self) -> None:
        """Another question: the answer was to the one before."""
        self._empty()
        say(self.status, "")
        self._fit()

    def _follow(self) -> None:
        """Another structure or model: the answer was of the one before."""
        if self.pane.place != self._about:
            self._about = self.pane.place
            self._offer()
            self._empty()
            say(self.status, "")
        self._say()
        self._allow()

    def _offer(self) -> None:
        self._offered = targets_of(self.pane.recorded, self.pane.choice.structure)
        _entries(self.target, [target.title for target in self._offered])

    def _fit(self) -> None:
        """The controls of the question."""
        what = str(self.what.value)
        self._of_output.layout.display = None if what == MOVE else "none"
        self.target.layout.display = None if what == MISSING and self._offered else "none"
        self._say()
        self._allow()

    def _allow(self) -> None:
        """A question without a target cannot be asked."""
        self.button.disabled = self.what.value == MISSING and not self._offered

    def _say(self) -> None:
        say(self.asked, self._asked_words(), "equiviz-quiet")

    def _asked_words(self) -> str:
        what = str(self.what.value)
        if what == MOVE:
            asked, unit = self.question.asked, self._unit
            hint = " Select an atom to ask about it alone." if asked.at == "all" else ""
            size = self.change.value * unit.size
            return f"Asked: {asked.words}, to change by {self.change.value:+.1f} {unit.words} ({size:+.3g}).{hint}"
        if what == MISSING:
            return "Asked of the data alone, whatever the model." if self._offered else NO_TARGET
        stage = self.pane.choice.stage
        if what == MADE:
            count = sum(len(structure) for structure in self.pane.recorded.structures)
            return f"Asked: {stage}. {ENVIRONMENTS.format(format(count, ','))}"
        assert what in OF_A_LAYER
        atom, where = self._where()
        hint = " Select an atom to ask at it alone." if atom is None and self.pane.field.support == "node" else ""
        return f"Asked: {where}.{hint}"

    def _empty(self) -> None:
        self.found = None
        self.part.layout.display = "none"
        self.scores.clear()
        self.pictures.children = self.row.children = ()
        say(self.words, "")


def _entries(control: Any, titles: Sequence[str]) -> None:
    """Other entries, numbered from 0; the first is chosen."""
    control.options = [(title, place) for place, title in enumerate(titles)]
    control.index = 0 if titles else None


def _narrow(figure: Figure) -> Figure:
    """For the room beside the view: without its title, which the words repeat, and in the page's own colours."""
    height = min(HIGH, cast(Any, figure).layout.height or HIGH)
    figure.update_layout(template=template(NEUTRAL), title=None, height=height, width=None, autosize=True)
    # A tick for each of 20 decades does not fit into so low a chart.
    sparse = {"dtick": None, "nticks": 6, "exponentformat": "power", "minor": {"ticks": ""}}
    figure.update_yaxes(sparse, selector={"type": "log"})
    return figure


def _picture(scenes: SceneRow) -> Any:
    from ipywidgets import Image

    picture = scenes.png(WIDE, WIDE // max(1, len(scenes.scenes)) + 40, scale=1.5)
    return Image(value=picture, format="png", layout={"width": "100%", "max_width": f"{WIDE}px"})

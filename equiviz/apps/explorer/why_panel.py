"""Why does the model say this number? Scores of atoms by `equiviz.attribute`, on request, coloured and as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.apps.explorer.explanations import (
    EFFORTS,
    METHODS,
    cost_words,
    explained,
    node_scores,
    runs,
    seconds_of_a_run,
)
from equiviz.apps.explorer.look import menu, number_field, row
from equiviz.apps.explorer.running import run_by
from equiviz.apps.explorer.scored_atoms import ScoredAtoms
from equiviz.equivariance.check_widget.look import line, say

if TYPE_CHECKING:
    from equiviz.apps.explorer.pane import Pane
    from equiviz.apps.explorer.question_menus import QuestionMenus
    from equiviz.explain.attribution.attribution import Attribution

HIGHEST_EFFORT = 512


class WhyPanel:
    """The question, a button, and the answer.

    Attributes:
        pane: whose model and structure are asked, and whose atoms are coloured.
        question: the menus.
        method, effort, button: how, how thoroughly, and when.
        status: what is done, or what went wrong.
        scores: the answer, atom by atom.
        words: the answer in words, with how far it can be trusted.
        found: the answer itself; None where there is none of this structure.
        box: all of it.
    """

    def __init__(self, pane: Pane, question: QuestionMenus) -> None:
        from ipywidgets import Button, VBox

        self.pane, self.question = pane, question
        self.found: Attribution | None = None
        self._about: object = self.pane.place
        self.method = menu("method", "how the prediction is shared out among the atoms", "18em")
        self.method.options, self.method.index = list(METHODS.items()), 0
        self.effort = number_field("steps", "more are more exact, and slower")
        self.button = Button(description="Explain", button_style="primary", tooltip="share the prediction out")
        self.status, self.words = line(), line()
        self.scores = ScoredAtoms(pane)
        self.method.observe(pane.view.guarded(lambda _: self._fit_effort()), "value")
        self.button.on_click(pane.view.guarded(lambda _: self.explain()))
        pane.followers.append(self._follow)
        self._fit_effort()
        head = line("Which atoms does the prediction rest on?", "equiviz-head")
        menus = row(question.output, question.component, self.method, self.effort, self.button)
        self.box = VBox([head, menus, question.words, self.status, self.scores.box, self.words])

    def explain(self) -> None:
        """Ask; an error is told in one sentence."""
        method, effort = str(self.method.value), int(self.effort.value)
        doing = f"Explaining {self.question.asked.words} …"
        if not run_by(self.button, self.status, doing, lambda: self._ask(method, effort)):
            self._empty()

    def _ask(self, method: str, effort: int) -> None:
        asked, recorded, structure = self.question.asked, self.pane.recorded, self.pane.choice.structure
        count = runs(recorded.capture(structure), method, effort)
        cost = cost_words(count, seconds_of_a_run(recorded, structure))
        say(self.status, f"Explaining {asked.words} …{cost}", "equiviz-quiet")
        self.found = explained(recorded, structure, asked, method, effort)
        self._about = self.pane.place
        caption = f"Scores by {self.found.method}: what {asked.words} rests on."
        self.scores.fill(node_scores(self.found), "score", caption)
        say(self.words, self.found.describe())

    def _follow(self) -> None:
        """Another structure or model: the answer was of the one before."""
        if self.pane.place != self._about:
            self._about = self.pane.place
            self._empty()
            say(self.status, "")

    def _empty(self) -> None:
        self.found = None
        self.scores.clear()
        say(self.words, "")

    def _fit_effort(self) -> None:
        """Steps or samples, as the method has it."""
        name, quick = EFFORTS.get(str(self.method.value), ("", 1))
        self.effort.layout.display = None if name else "none"
        self.effort.description = name or "steps"
        self.effort.max, self.effort.min = HIGHEST_EFFORT, 1
        self.effort.value = quick

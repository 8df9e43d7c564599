"""The menus that ask about a prediction: which output, which component; the atom is the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.explorer.asking import Asked, asked, offered_components, offered_outputs
from equiviz.apps.explorer.look import menu
from equiviz.equivariance.check_widget.look import line, say
from equiviz.explain.errors import AttributionError
from equiviz.explain.outputs import outputs_in

if TYPE_CHECKING:
    from equiviz.apps.explorer.pane import Pane
    from equiviz.features.capture import Capture


class QuestionMenus:
    """One question for all panels.

    Attributes:
        pane: whose model, structure and selection it is about.
        output, component: the menus.
        words: the question.
    """

    def __init__(self, pane: Pane) -> None:
        self.pane = pane
        self._filling = False
        self._of: object = None
        self.output = menu("output", "which of the model's predictions", "22em")
        self.component = menu("component", "which number of it; the norm does not depend on the axes", "13em")
        self.words = line()
        self.follow()
        pane.followers.append(self.follow)
        pane.view.observe(pane.view.guarded(lambda _: self._say()), "selected")
        for control in (self.output, self.component):
            control.observe(pane.view.guarded(lambda _: self._on_control()), "value")

    @property
    def asked(self) -> Asked:
        """What is asked."""
        labels = self.pane.recorded.structures[self.pane.choice.structure].labels
        component, selected = cast(int, self.component.value), list(self.pane.view.selected)
        return asked(self._capture, str(self.output.value), component, selected, labels, self.pane.recorded.whole)

    def follow(self) -> None:
        """Another model may say other things."""
        if self._of is not self._capture:
            self._of = self._capture
            self._fill()
        self._say()

    @property
    def _capture(self) -> Capture:
        return self.pane.recorded.wholes(self.pane.choice.structure)

    def _fill(self) -> None:
        """Other entries; what was chosen stays where it exists."""
        titles = offered_outputs(self._capture, self.pane.recorded.whole)
        self._filling = True
        try:
            _options(self.output, [(title, name) for name, title in titles.items()])
            outputs = outputs_in(self._capture, AttributionError)
            _options(self.component, list(offered_components(outputs[str(self.output.value)])))
            self.component.layout.display = None if len(self.component.options) > 1 else "none"
        finally:
            self._filling = False

    def _on_control(self) -> None:
        if not self._filling:
            self._fill()
            self._say()

    def _say(self) -> None:
        question = self.asked
        hint = " Select an atom to ask about it alone." if question.at == "all" else ""
        say(self.words, f"Asked: {question.words}.{hint}", "equiviz-quiet")


def _options(control: Any, options: list[tuple[str, Any]]) -> None:
    known = [value for _, value in options]
    kept = control.value if control.value in known else known[0]
    if tuple(control.options) != tuple(options):
        control.options = options
    control.value = kept

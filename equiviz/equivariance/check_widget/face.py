"""The whole widget: the verdict, a tab for each kind of transformation, the turning input, the sphere of axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.equivariance.check_widget.block_panel import BlockPanel, first_guilty
from equiviz.equivariance.check_widget.block_words import SIGNS, sign, tab_title, verdict_words
from equiviz.equivariance.check_widget.look import FACE, STYLE, line, need_libraries
from equiviz.equivariance.check_widget.measured_input import GONE
from equiviz.equivariance.check_widget.sphere_panel import SpherePanel
from equiviz.equivariance.check_widget.turn_panel import TurnPanel
from equiviz.equivariance.claims import Kind

if TYPE_CHECKING:
    from ipywidgets import Tab, VBox

    from equiviz.equivariance.check_report import CheckReport

TURN, SPHERE = "Turn", "Sphere"
_KINDS = "kinds"
_TURN_WORDS = "The slider turns the input; the error of each stage is redrawn."
_SPHERE_WORDS = "The largest error of any output, against the axis about which the input is turned."


class CheckFace:
    """The parts of the widget, and the tabs that choose among them.

    The tabs hold one line each; what they choose stands below them and is hidden, never moved: a live figure that is
    drawn anew loses its 3D scene (plotly 7.1). One panel serves all kinds of transformation, and the live panels are
    made when they are first opened, because each live figure sends plotly's script (5 MB) to the page.

    Attributes:
        report: the result of a check.
        kinds: of transformation, that were tried; the first tabs.
        blocks: the panel of the kinds; None where nothing was tried.
        turn, sphere: the live panels; None before they are opened, or where there is no model to run.
        tabs: one for each kind, "Turn", and "Sphere".
        box: the widget.
    """

    def __init__(self, report: CheckReport) -> None:
        need_libraries()
        from ipywidgets import VBox

        self.report = report
        found = {finding.group for finding in report.findings}
        self.kinds: list[Kind] = [kind for kind in report.groups if kind in found]
        self.blocks = BlockPanel(report, first_guilty(report.findings).group) if self.kinds else None
        self.turn: TurnPanel | None = None
        self.sphere: SpherePanel | None = None
        self.places = {title: VBox() for title in (_KINDS, TURN, SPHERE)}
        if self.blocks is not None:
            self.places[_KINDS].children = (self.blocks.box,)
        self.tabs = self._tabs()
        self.box = self._box()
        self._show()

    def open(self, title: str) -> None:
        """Open a tab by what it is about: a kind of transformation, "Turn" or "Sphere"."""
        titles: list[str] = [*self.kinds, TURN, SPHERE]
        self.tabs.selected_index = titles.index(title)

    def _box(self) -> VBox:
        from ipywidgets import HTML, Accordion, VBox

        words = self.report.describe()
        passed = self.report.passed if self.report.informative else None
        verdict = line(f"{sign(passed)} {words.splitlines()[0]}", "equiviz-verdict")
        whole = Accordion(children=[line(words)], titles=["The whole result in words"], selected_index=None)
        head = [HTML(STYLE), line(self.report.title, "equiviz-title"), verdict, whole, line(SIGNS, "equiviz-quiet")]
        below = VBox(list(self.places.values()))
        below.add_class("equiviz-below")
        box = VBox([*head, self.tabs, below])
        box.add_class(FACE)
        return box

    def _tabs(self) -> Tab:
        from ipywidgets import Tab

        verdicts = [self.report.groups[kind] for kind in self.kinds]
        lines = [line(verdict_words(verdict)) for verdict in verdicts]
        titles = [*map(tab_title, verdicts), TURN, SPHERE]
        tabs = Tab(children=[*lines, line(_TURN_WORDS), line(_SPHERE_WORDS)], titles=titles)
        if self.blocks is not None:
            tabs.selected_index = self.kinds.index(self.blocks.kind)
        tabs.observe(lambda _: self._show(), "selected_index")
        return tabs

    def _show(self) -> None:
        """Show what the open tab is about, and hide the rest."""
        place = self.tabs.selected_index or 0
        shown = _KINDS if place < len(self.kinds) else (TURN, SPHERE)[place - len(self.kinds)]
        for title, holder in self.places.items():
            holder.layout.display = None if title == shown else "none"
        if shown == _KINDS:
            self._show_kind(place)
        elif self.report.sums is None:
            self.places[shown].children = (line(GONE, "equiviz-problem"),)
        elif shown == TURN:
            self._open_turn()
        else:
            self._open_sphere()

    def _show_kind(self, place: int) -> None:
        if self.blocks is not None and self.blocks.kind != self.kinds[place]:
            self.blocks.show(self.kinds[place])

    def _open_turn(self) -> None:
        if self.turn is None:
            self.turn = TurnPanel(self.report)
            self.places[TURN].children = (self.turn.box,)
            self.turn.open()

    def _open_sphere(self) -> None:
        if self.sphere is None:
            self.sphere = SpherePanel(self.report)
            self.places[SPHERE].children = (self.sphere.box,)


def check_widget(report: CheckReport) -> VBox:
    """The report as a live widget for a notebook.

    Raises:
        MissingLibrary: ipywidgets or anywidget is absent.
    """
    return CheckFace(report).box

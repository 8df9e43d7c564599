"""Stage against irrep under one kind of transformation, and beside it who has which share in the error of a block."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equiviz.equivariance.check_widget.block_words import block_words, share_words, why_no_shares
from equiviz.equivariance.check_widget.cell_map import CellMap
from equiviz.equivariance.check_widget.look import attempt, blank_figure, line, live, margins, say
from equiviz.equivariance.check_widget.measured_input import input_of
from equiviz.equivariance.check_widget.points import Points
from equiviz.equivariance.check_widget.share_picture import SharePicture
from equiviz.equivariance.claims import Kind
from equiviz.equivariance.finding import Finding
from equiviz.view.escape import escape

if TYPE_CHECKING:
    from plotly.basedatatypes import BaseTraceType
    from plotly.callbacks import Points as Clicked
    from torch import Tensor

    from equiviz.equivariance.check_report import CheckReport

INHERITED, LOCAL = "inherited", "local"


class BlockPanel:
    """The two linked pictures, for whichever kind is shown.

    Attributes:
        report: the result of a check.
        kind, stage, irrep: the block that is chosen.
        figure: both pictures, one live figure.
        which: whether errors are inherited or local.
        stages, irreps: menus that choose the block, for the keyboard.
        block_line, share_line: words on the block, and on the shares.
        box: all of it.
    """

    def __init__(self, report: CheckReport, kind: Kind) -> None:
        from ipywidgets import Dropdown, HBox, ToggleButtons, VBox

        self.report = report
        self.kind: Kind = kind
        self.findings = {(str(f.group), f.stage, f.irrep): f for f in report.findings}
        told = ["what the model as a whole does", "what the stage does when it reads what it should"]
        self.which = ToggleButtons(options=[INHERITED, LOCAL], tooltips=told)
        self.which.style.button_width = "6.5em"
        self.stages, self.irreps = Dropdown(description="stage", options=report.stages), Dropdown(description="irrep")
        for menu in (self.stages, self.irreps):
            menu.style.description_width, menu.layout.width = "initial", "auto"
        self.block_line, self.share_line = line(), line()
        self._draw(kind)
        self.which.observe(lambda _: attempt(self.block_line, self._redraw), "value")
        self.stages.observe(lambda _: self._on_menu(), "value")
        self.irreps.observe(lambda _: self._on_menu(), "value")
        controls = HBox([self.which, self.stages, self.irreps], layout={"flex_flow": "row wrap"})
        self.box = VBox([controls, self.figure, self.block_line, self.share_line])

    @property
    def finding(self) -> Finding:
        """Of the chosen block."""
        return self.findings[self.kind, self.stage, self.irrep]

    @property
    def local(self) -> bool:
        """Whether errors are local."""
        return self.which.value == LOCAL

    def show(self, kind: Kind) -> None:
        """Another kind of transformation, and the block that it breaks first."""
        self.kind = kind
        first = first_guilty([f for f in self.report.findings if f.group == kind])
        with self._pictures.figure.batch_update():
            self._cells.fill(kind, self.local)
            self.select(first.stage, first.irrep)

    def select(self, stage: str, irrep: str) -> None:
        """Choose a block: the menus, the frame about its cell, the colours and the words follow."""
        self.stage, self.irrep = stage, irrep
        self.stages.value = stage
        self.irreps.options = self._irreps_of(stage)
        self.irreps.value = irrep
        with self._pictures.figure.batch_update():
            self._cells.frame(stage, irrep)
            self._colour()
        say(self.block_line, block_words(self.finding))

    def shares(self) -> Tensor | None:
        """The share of each point in the squared error of the chosen block."""
        if self.report.sums is None:
            return None
        found = self.report.sums.node_shares(self.kind, self.stage, self.irrep, local=self.local)
        return found if found is None or self._pictures.fits(found) else None

    def _draw(self, kind: Kind) -> None:
        figure = blank_figure(max(400, 120 + 34 * len(self.report.stages)))
        figure.update_layout(margin=margins(self.report.stages, right=78))
        x = input_of(self.report)
        self._cells = CellMap(self.report, figure)
        self._pictures = SharePicture(figure, None if x is None else Points.of(x), self._cells.right + 0.12)
        self.show(kind)
        self.figure = live(figure)
        self._cells.figure = self.figure
        self._pictures.move_to(self.figure)
        self._cells.trace.on_click(self._on_click)

    def _redraw(self) -> None:
        with self._pictures.figure.batch_update():
            self._cells.fill(self.kind, self.local)
            self._colour()

    def _colour(self) -> None:
        shares = self.shares()
        words = why_no_shares(self.report, self.finding, self.local) if shares is None else share_words(shares)
        say(self.share_line, words, "equiviz-quiet")
        self._pictures.colour(shares)

    def _irreps_of(self, stage: str) -> list[str]:
        return [f.irrep for f in self.report.findings if (f.group, f.stage) == (self.kind, stage)]

    def _on_menu(self) -> None:
        stage, irrep = str(self.stages.value), str(self.irreps.value)
        own = self._irreps_of(stage)
        irrep = irrep if irrep in own else own[0]
        if (stage, irrep) != (self.stage, self.irrep):
            attempt(self.block_line, lambda: self.select(stage, irrep))

    def _on_click(self, trace: BaseTraceType, clicked: Clicked, state: object) -> None:
        names = {escape(name): name for name in [*self._cells.rows, *self._cells.columns]}
        for x, y in zip(clicked.xs, clicked.ys, strict=True):
            stage, irrep = names.get(str(y), ""), names.get(str(x), "")
            if (self.kind, stage, irrep) in self.findings:
                attempt(self.block_line, lambda stage=stage, irrep=irrep: self.select(stage, irrep))


def first_guilty(findings: list[Finding]) -> Finding:
    """The block to look at first: the first that breaks a claim by itself, else that breaks, else the worst of all."""
    alarms = [f for f in findings if f.alarming and f.guilty] or [f for f in findings if f.passed is False]
    if alarms:
        return alarms[0]
    return max(findings, key=lambda f: (f.passed is not None, 0.0 if math.isnan(f.error) else f.error))

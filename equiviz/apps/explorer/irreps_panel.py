"""Which irreps of which layers carry a prediction: a heat map, on request, whose cells choose what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from equiviz.apps.explorer.explanations import EFFORTS, INSIDE, explained_inside
from equiviz.apps.explorer.look import menu, row
from equiviz.apps.explorer.running import run_by
from equiviz.equivariance.check_widget.look import bar, blank_figure, line, live, margins, say, stage_axis
from equiviz.view.colours import DIVERGING, SERIES
from equiviz.view.escape import escape

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.callbacks import Points
    from plotly.graph_objects import FigureWidget

    from equiviz.apps.explorer.pane import Pane
    from equiviz.apps.explorer.question_menus import QuestionMenus
    from equiviz.explain.attribution.inner_attribution import StageAttribution

HOW = "Click a cell, or use the menus above the picture, to look at that layer and irrep."
ROUNDING = 1e-6
"""Of the largest score: less is written as 0."""
MANY = 10
"""Columns: of more, the numbers are shown on hover only."""


class IrrepsPanel:
    """The question, a button, and the heat map.

    Attributes:
        pane: what is chosen there, a frame marks here.
        question: the menus.
        method, button: how, and when.
        status: what is done, or what went wrong.
        figure: the heat map, made when it is first asked for.
        words: the answer in words.
        found: the answer itself; None where there is none of this structure.
        box: all of it.
    """

    def __init__(self, pane: Pane, question: QuestionMenus) -> None:
        from ipywidgets import Button, VBox

        self.pane, self.question = pane, question
        self.found: StageAttribution | None = None
        self.figure: FigureWidget | None = None
        self._about: object = self.pane.place
        self.method = menu("method", "how the prediction is shared out", "18em")
        self.method.options, self.method.index = list(INSIDE.items()), 0
        self.button = Button(description="Explain layers", button_style="primary", tooltip="share the prediction out")
        self.button.on_click(pane.view.guarded(lambda _: self.explain()))
        self.status, self.words = line(), line()
        self.map = VBox()
        pane.followers.append(self._follow)
        head = line("Which irreps carry the prediction through the layers?", "equiviz-head")
        menus = row(question.output, question.component, self.method, self.button)
        self.box = VBox([head, menus, question.words, self.status, self.map, self.words])

    def explain(self) -> None:
        """Ask; an error is told in one sentence."""
        run_by(self.button, self.status, f"Explaining {self.question.asked.words} layer by layer …", self._ask)

    def choose(self, stage: str, irrep: str) -> None:
        """Look at a cell."""
        from dataclasses import replace

        self.pane.choose(replace(self.pane.choice, stage=stage, block=irrep, channel=0))

    def _ask(self) -> None:
        self._empty()
        steps = EFFORTS["integrated_gradients"][1]
        chosen, method = self.pane.choice.structure, str(self.method.value)
        self.found = explained_inside(self.pane.recorded, chosen, self.question.asked, method, steps)
        self._about = self.pane.place
        table = cell_table(self.found)
        self.figure = live(_figure(table))
        cast(Any, self.figure.data[0]).on_click(self._clicked)
        self.map.children = (cast(Any, self.figure), line(HOW, "equiviz-quiet"))
        self._frame()
        say(self.words, self.found.describe())

    def _clicked(self, _: object, clicked: Points, __: object) -> None:
        if self.found is None:
            return
        table = cell_table(self.found)
        names = {escape(str(name)): str(name) for name in [*table.index, *table.columns]}
        for x, y in zip(clicked.xs, clicked.ys, strict=True):
            self._go(names.get(str(y), ""), names.get(str(x), ""))

    def _go(self, stage: str, irrep: str) -> None:
        known = self.pane.recorded.capture(self.pane.choice.structure)
        if stage in known and irrep in known[stage].representation.labels():
            self.pane.view.guarded(lambda _: self.choose(stage, irrep))(None)

    def _follow(self) -> None:
        if self.pane.place != self._about:
            self._about = self.pane.place
            self._empty()
            say(self.status, "")
        self._frame()

    def _frame(self) -> None:
        """A frame about the cell that is drawn."""
        if self.found is None or self.figure is None:
            return
        table, choice = cell_table(self.found), self.pane.inner
        shapes: list[dict[str, object]] = []
        if choice.stage in table.index and choice.block in table.columns:
            x, y = list(table.columns).index(choice.block), list(table.index).index(choice.stage)
            corners = {"x0": x - 0.49, "x1": x + 0.49, "y0": y - 0.49, "y1": y + 0.49}
            shapes = [{"type": "rect", "line": {"color": SERIES[2], "width": 3}, **corners}]
        self.figure.update_layout(shapes=shapes)

    def _empty(self) -> None:
        self.found = None
        self.map.children = ()
        say(self.words, "")


def cell_table(found: StageAttribution) -> DataFrame:
    """Scores, stage by irrep, in the order in which the model passes them; NaN where a stage has no such irrep."""
    frame = found.by("irrep")
    table = frame.pivot(index="stage", columns="irrep", values="score")
    irreps = sorted(dict.fromkeys(frame["irrep"]), key=lambda label: (len(label), label))
    return table.loc[list(dict.fromkeys(frame["stage"])), irreps]


def _figure(table: DataFrame) -> Any:
    import plotly.graph_objects as graphs

    stages, irreps = [str(name) for name in table.index], [str(name) for name in table.columns]
    values = table.to_numpy(dtype=np.float64)  # [stages, irreps]
    largest = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    cells = [[value if np.isfinite(value) else None for value in line] for line in values.tolist()]
    texts = [[_told(value, largest) for value in line] for line in values.tolist()]
    made = blank_figure(max(240, 110 + 34 * len(stages)))
    made.add_trace(
        graphs.Heatmap(
            x=list(map(escape, irreps)),
            y=list(map(escape, stages)),
            z=cells,
            zmin=-largest,
            zmax=largest,
            colorscale=DIVERGING,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            text=texts,
            texttemplate="%{text}" if len(irreps) <= MANY else "",
            hovertemplate="%{y}, %{x}: %{z:.3g}<extra></extra>",
            colorbar=bar("score", 1.0, ".2g"),
        )
    )
    plain = {"showgrid": False, "zeroline": False, "showline": False, "ticks": ""}
    made.update_layout(
        margin=margins(stages, right=84),
        xaxis={**plain, "type": "category", "title": {"text": "irrep (degree l, parity)"}},
        yaxis={**plain, **stage_axis(stages)},
    )
    return made


def _told(value: float, largest: float) -> str:
    """A number in a cell; what is rounding beside the largest is 0."""
    if not np.isfinite(value):
        return ""
    return f"{value:.2g}" if abs(value) > ROUNDING * largest else "0"

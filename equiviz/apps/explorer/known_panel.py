"""What does the shown layer know of expert descriptors? `equiviz.probe` on the loaded structures, on request."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equiviz.apps.explorer.clickable_bars import bar_html
from equiviz.apps.explorer.look import row
from equiviz.apps.explorer.running import run_by
from equiviz.equivariance.check_widget.look import line, say
from equiviz.view.escape import escape

if TYPE_CHECKING:
    from equiviz.apps.explorer.pane import Pane
    from equiviz.explain.probing.report import ProbeReport

FEW = "q_4, q_6, density, coordination"
"""Descriptors that are quick and mean something for most structures."""
CONTROLS = ("random weights", "species counts", "shuffled")
MOST = 2_000
"""Environments: of more, so many are drawn at random."""


class KnownPanel:
    """Names, a button, and a bar for each descriptor.

    Attributes:
        pane: whose layer is probed.
        names: of descriptors, separated by commas.
        button: starts it.
        status: what is done, or what went wrong.
        found: the last report; None before.
        box: all of it.
    """

    def __init__(self, pane: Pane) -> None:
        from ipywidgets import HTML, Button, Text, VBox

        self.pane = pane
        self.found: ProbeReport | None = None
        self.names = Text(FEW, description="descriptors", continuous_update=False)
        self.names.tooltip = "separated by commas; equiviz.descriptors.available() names all"
        self.names.style.description_width, self.names.layout.width = "initial", "26em"
        self.button = Button(description="Probe this layer", button_style="primary", tooltip="regress them on it")
        self.button.on_click(pane.view.guarded(lambda _: self.probe()))
        self.status, self.table, self.words = line(), HTML(), line()
        pane.followers.append(self._follow)
        head = line("What does this layer know of expert descriptors?", "equiviz-head")
        self.stage = line()
        self._follow()
        menus = row(self.names, self.button)
        self.box = VBox([head, menus, self.stage, self.status, self.table, self.words])

    def probe(self) -> None:
        """Ask; an error is told in one sentence."""
        if not run_by(self.button, self.status, f"Probing {self.pane.choice.stage} …", self._ask):
            self.found, self.table.value = None, ""
            say(self.words, "")

    def _ask(self) -> None:
        from equiviz.explain.probe import probe

        recorded, stage = self.pane.recorded, self.pane.choice.stage
        names = [name for name in (part.strip() for part in str(self.names.value).split(",")) if name]
        told = {"stages": [stage], "max_environments": MOST, "random_networks": 1}
        self.found = probe(recorded.model, recorded.structures, names, **told)  # type: ignore[arg-type]
        self.table.value = table_html(self.found)
        say(self.words, self.found.describe().partition("\n\n")[0], "equiviz-quiet")

    def _follow(self) -> None:
        count = len(self.pane.recorded)
        many = f"{count} structure{'s' * (count != 1)}"
        say(self.stage, f"To be probed: {self.pane.choice.stage}, on {many}.", "equiviz-quiet")


def table_html(found: ProbeReport) -> str:
    """A bar for each descriptor, with its controls beside it; names are escaped."""
    by_target: dict[str, dict[str, float]] = {}
    for score in found.scores:
        by_target.setdefault(score.target, {})[score.control] = score.r2
    rows = [f"<tr><th>{escape(name)}</th>{_cells(scores)}</tr>" for name, scores in by_target.items()]
    head = "<tr><th>descriptor</th><th>R², held out</th><th>untrained</th><th>species only</th><th>shuffled</th></tr>"
    return f'<table class="equiviz-known">{head}{"".join(rows)}</table>'


def _cells(scores: dict[str, float]) -> str:
    trained = scores.get("trained", math.nan)
    drawn = bar_html(max(0.0, trained), 1.0, signed=False, told=_number(trained))
    others = "".join(f"<td>{_number(scores.get(name, math.nan))}</td>" for name in CONTROLS)
    return f"<td>{drawn}</td>{others}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00") if math.isfinite(value) else "–"

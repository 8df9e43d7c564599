"""The whole explorer of a protein: the cartoon over the neighbourhood, and beside them heat map and bars."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ipywidgets import HTML, HBox, VBox

from equiviz.apps.explorer.look import FACE, STYLE
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.protein_explorer.banner import Banner
from equiviz.apps.protein_explorer.charts import Charts
from equiviz.apps.protein_explorer.colourings import MUTATION, colouring
from equiviz.apps.protein_explorer.controls import Controls
from equiviz.apps.protein_explorer.explained import SURPRISING
from equiviz.apps.protein_explorer.page import page
from equiviz.apps.protein_explorer.surroundings_panel import SurroundingsPanel
from equiviz.apps.protein_explorer.words import NO_SITE, site_words
from equiviz.equivariance.check_widget.look import line, say
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.nn.errors import ModelError

if TYPE_CHECKING:
    from equiviz.apps.protein_explorer.subject import Subject
    from equiviz.explain.proteins.scan import Scan
    from equiviz.view.cartoon import Cartoon
    from equiviz.view.peers.nglview_cartoon import NglviewCartoon

_MORE = """<style>
.equiviz-protein .equiviz-left { flex: 1 1 330px; min-width: 300px; }
.equiviz-protein .equiviz-right { flex: 1.25 1 400px; min-width: 340px; }
</style>"""


class ProteinExplorer(VBox):
    """The widget.

    Attributes:
        subject: protein and network.
        cartoon: the protein; its `selected` is the number of a residue, and can be set.
        charts: heat map and bars.
        surroundings: the neighbourhood of the chosen site.
        controls: menus, buttons and fields.
        banner: where problems are told.
        site: which one is chosen.
        amino_acid: whose probability is explained, 0 to 19.
    """

    def __init__(self, subject: Subject, cartoon: Cartoon | NglviewCartoon, height: int) -> None:
        self.subject, self.cartoon = subject, cartoon
        scan, frames = subject.scan(), subject.frames
        self.banner = Banner()
        channels = subject.hologram(0).channels
        self.controls = Controls(len(scan), channels, 1 if frames is None else len(frames))
        self.charts = Charts(scan, 2 * height + 60)
        self.surroundings = SurroundingsPanel(subject, self.controls, height)
        self.site, self.amino_acid = -1, -1
        self.words = line()
        self._frame, self._busy = 0, False
        self._colour()
        self.choose(int(scan.mutation_scores.amax(1).argmax()))
        self._listen()
        left = VBox([cast(Any, cartoon), self.controls.below, cast(Any, self.surroundings.view)])
        right = VBox([self.charts.figure, self.words])
        left.add_class("equiviz-left")
        right.add_class("equiviz-right")
        views = HBox([left, right])
        views.add_class("equiviz-views")
        head = line(scan.title, "equiviz-title")
        told = line(scan.describe(), "equiviz-quiet")
        super().__init__([HTML(STYLE + _MORE), head, told, self.banner.line, self.controls.top, views])
        self.add_class(FACE)
        self.add_class("equiviz-protein")

    @property
    def scan(self) -> Scan:
        """What the network says of the frame that is shown."""
        return self.subject.scan(self._frame)

    def choose(self, site: int | str, amino_acid: int | str | None = None) -> None:
        """Look at a site.

        Args:
            site: its number, or words such as "A 42".
            amino_acid: whose probability is explained: three letters, or 0 to 19; by default the wild type.

        Raises:
            ModelError: no such site or amino acid.
        """
        number = self.subject.find(site) if isinstance(site, str) else int(site)
        if not 0 <= number < len(self.scan):
            raise ModelError(f"Expected a site from 0 to {len(self.scan) - 1}, got {number}.")
        wild = int(self.scan.classes[number])
        asked = wild if amino_acid is None else _class(amino_acid)
        if (number, asked) != (self.site, self.amino_acid):
            self._show(number, asked)

    def describe(self) -> str:
        """The protein, and what is said of the chosen site."""
        words = site_words(self.scan, self.site, self.subject.reasons(self.site, self.amino_acid, self._frame))
        return f"{self.scan.describe()}\n\n{words}"

    def to_html(self, path: str | os.PathLike[str] | None = None, surprising: int = SURPRISING) -> str | Path:
        """One page that opens offline, linked by clicks: its text, or, given a path, the file.

        Args:
            path: of the file.
            surprising: how many residues the page explains (neighbourhood, densities, reasons) besides the chosen one:
                those where another amino acid's pseudo-energy exceeds the wild type's by most. About 0.1 MB each.

        Raises:
            ModelError: a number of residues below zero.
        """
        made = page(self.subject, self.site, self.amino_acid, self._frame, surprising)
        return made.html() if path is None else made.save(path)

    def _show(self, site: int, asked: int) -> None:
        reasons = self.subject.reasons(site, asked, self._frame)  # before anything changes: it may fail
        self._busy = True
        try:
            self.site, self.amino_acid = site, asked
            self.cartoon.selected = self.subject.residue(site)
            self.controls.site.value = site
            self.controls.asked.value = -1 if asked == int(self.scan.classes[site]) else asked
            self.charts.choose(self.scan, site, asked, reasons)
            self.surroundings.show(site, reasons, self._frame)
            say(self.words, site_words(self.scan, site, reasons))
        finally:
            self._busy = False

    def _picked(self, residue: int | None) -> None:
        """A residue was clicked in the cartoon; what is no site leaves the choice as it was."""
        if residue is None or residue == self.subject.residue(self.site):
            return
        site = self.subject.site_of.get(residue)
        if site is None:
            self._busy = True  # the way back is no click
            self.cartoon.selected = self.subject.residue(self.site)
            self._busy = False
            raise ModelError(f"{self.subject.protein.label(residue)} {NO_SITE}")
        self.choose(site)

    def _ask(self, amino_acid: int) -> None:
        self.choose(self.site, None if amino_acid < 0 else amino_acid)

    def _go(self, frame: int) -> None:
        """Another frame: the network is asked anew, where it was not yet."""
        self.subject.scan(frame)
        self._frame = self.cartoon.frame = frame
        self.charts.take(self.scan)
        self._colour()
        self._show(self.site, self.amino_acid)

    def _find(self, words: str) -> None:
        if words.strip():
            self.choose(words)

    def _colour(self) -> None:
        mutant = cast(int, self.controls.mutant.value)
        self.controls.mutant.layout.display = None if self.controls.kind.value == MUTATION else "none"
        made = colouring(self.scan, cast(str, self.controls.kind.value), mutant)
        self.cartoon.paint(made.colours, made.labels, made.key)

    def _listen(self) -> None:
        chosen = Latest[Callable[[], object]](self.banner.guarded(lambda act: act()))
        controls, guarded = self.controls, self.banner.guarded

        def hear(control: Any, act: Callable[[Any], object], trait: str = "value") -> None:
            """Of what users do quickly only the latest counts, and what follows from it is no wish of theirs."""
            control.observe(lambda change: None if self._busy else chosen(lambda: act(change["new"])), trait)

        self.charts.listen(lambda *cell: chosen(lambda: self.choose(*cell)), lambda k: chosen(lambda: self._ask(k)))
        hear(self.cartoon, self._picked, "selected")
        hear(controls.site, self.choose)
        hear(controls.asked, self._ask)
        hear(controls.search, self._find)
        hear(controls.frame, self._go)
        for button, step in ((controls.back, -1), (controls.forth, 1)):
            button.on_click(guarded(lambda _, step=step: self.choose((self.site + step) % len(self.scan))))
        for control in (controls.kind, controls.mutant):
            control.observe(guarded(lambda _: self._colour()), "value")
        for control in (controls.painting, controls.channel, controls.share):
            control.observe(guarded(lambda _: self.surroundings.draw()), "value")

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str] | None:
        content = super()._repr_mimebundle_(**kwargs) or {}
        picture = base64.b64encode(self.surroundings.view.scene.png()).decode()
        return {**content, "text/plain": self.describe(), "image/png": picture}


def _class(amino_acid: int | str) -> int:
    if isinstance(amino_acid, str) and amino_acid.upper() in AMINO_ACIDS:
        return AMINO_ACIDS.index(amino_acid.upper())
    if isinstance(amino_acid, int) and 0 <= amino_acid < len(AMINO_ACIDS):
        return amino_acid
    raise ModelError(f"Expected one of {', '.join(AMINO_ACIDS)}, got {amino_acid!r}.")

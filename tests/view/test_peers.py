"""Do the other viewers work behind `show`: offline, with harmless texts, and with words where they cannot?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule
from PIL import Image

from equiviz.view import Atoms, Bonds, CellBox, Glyphs, Labels, Scene, ViewError
from equiviz.view.errors import MissingLibrary
from equiviz.view.peers.py3dmol_view import MOST_SHAPES, py3dmol_view
from equiviz.view.show import show
from tests.hostile_strings import HOSTILE

if TYPE_CHECKING:
    from tests.browser_visits import Open


def test_py3dmol_draws_offline_and_runs_no_string(tmp_path: Path, browser: Open) -> None:
    """3Dmol.js is in the first output; a second view uses it."""
    ethanol = show(molecule("CH3CH2OH"))
    labels = Labels(np.zeros((len(HOSTILE), 3)), HOSTILE)
    first, second = py3dmol_view(ethanol), py3dmol_view(Scene([*ethanol.layers, labels, CellBox(4 * np.eye(3))]))
    page = tmp_path / "views.html"
    head = '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
    page.write_text(f"{head}{first.html()}{second.html(with_script=False)}</body></html>")
    assert len(second.html(with_script=False)) < 10_000
    visit = browser(page)
    visit.page.wait_for_function("() => document.querySelectorAll('canvas').length === 2")
    visit.page.wait_for_timeout(1000)
    for number in range(2):
        picture = visit.page.locator("canvas").nth(number).screenshot()
        colours = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
        assert (np.abs(colours - colours[2, 2]).sum(-1) > 60).mean() > 0.005, "atoms are drawn"
    assert visit.page.evaluate("() => window.name") == ""
    visit.assert_sound()


def test_the_backends_of_show() -> None:
    benzene = molecule("C6H6")
    assert "12 particles (6 C, 6 H)" in show(benzene, backend="py3dmol").words
    assert show(benzene, backend="plotly").data
    with pytest.raises(ViewError, match="expected backend 'py3dmol', 'nglview' or 'plotly', got 'vtk'"):
        show(benzene, backend="vtk")


def test_what_py3dmol_cannot_draw_is_told() -> None:
    points = np.zeros((1, 3))
    with pytest.raises(ViewError, match="cannot draw glyphs"):
        py3dmol_view(Scene([Glyphs(points, np.ones((1, 4)))]))
    with pytest.raises(ViewError, match="up to 5,000 shapes, got 5,001"):
        py3dmol_view(Scene([Atoms(np.zeros((MOST_SHAPES + 1, 3)), np.ones(MOST_SHAPES + 1))]))
    bonds = Bonds(np.zeros((MOST_SHAPES + 1, 2), dtype=int))
    with pytest.raises(ViewError, match="up to 5,000 shapes"):
        py3dmol_view(Scene([Atoms(points, np.ones(1)), bonds]))


def test_every_output_carries_what_it_needs() -> None:
    """A saved notebook has no kernel: its first cell may be gone, or run again."""
    view = py3dmol_view(show(molecule("H2O")))
    outputs = [str(view._repr_mimebundle_()["text/html"]) for _ in range(2)]
    assert all("$3Dmolpromise = Promise.resolve()" in output and len(output) > 500_000 for output in outputs)


def test_a_missing_nglview_is_told_with_the_version_that_draws() -> None:
    with pytest.raises(MissingLibrary, match=r"nglview==4.0.*equiviz\[nglview\]"):
        show(molecule("H2O"), backend="nglview")

"""Do the sliders live in a real JupyterLab, obey the keyboard, and stay offline?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CELL = """
import torch
torch.set_num_threads(1)
from equiviz.explain.interventions.steer import steer
from tests.explain.interventions.known_network import KnownNetwork
from tests.toy_networks import molecule
steer(KnownNetwork(), molecule(atoms=7, seed=1), "features", "1o", 0).widget()
"""


def test_the_widget_lives_in_jupyterlab_and_obeys_the_keyboard(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "steer.ipynb", CELL)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "steer.ipynb")
        page = visit.page
        page.get_by_text("Nothing is steered").wait_for()
        page.locator(".equiviz-check .js-plotly-plot").wait_for()
        handle = page.locator(".equiviz-check .noUi-handle").first
        handle.focus()
        handle.press("ArrowRight")
        page.get_by_text("channel 0, of features: scaled by 1.1").wait_for()
        page.get_by_role("button", name="undo").press("Enter")
        page.get_by_text("Nothing is steered").wait_for()
        page.context.close()
    visit.assert_sound()
    assert visit.requests == []

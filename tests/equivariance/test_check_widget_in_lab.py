"""Does the widget draw in a real JupyterLab, follow the mouse and the keyboard, stay offline, and run no string?"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.browser_visits import Visit
from tests.hostile_strings import HOSTILE
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

CELL = """
import torch
torch.set_num_threads(1)
from equiviz.equivariance.check import check
from tests.equivariance.hostile_network import hostile_network
from tests.toy_networks import molecule
report = check(hostile_network(), molecule(), elements=2, wide=0)
report.widget()
"""
FACE = ".equiviz-check"
CLICKS = 12
FILLS_THE_PAGE = """() => {
  const drawn = document.querySelector(".equiviz-check .js-plotly-plot");
  return drawn._fullLayout.width === drawn.clientWidth && drawn.clientWidth > 750;
}"""


def pixels(of: Locator) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(of.screenshot())).convert("RGB")).astype(int)  # [H, W, 3]


def share_coloured(picture: np.ndarray) -> float:
    """The share of pixels that are neither grey nor background."""
    return float((np.ptp(picture, axis=-1) > 40).mean())


def figure(visit: Visit) -> Locator:
    return visit.page.locator(f"{FACE} .js-plotly-plot:visible")


def words(visit: Visit) -> str:
    return visit.page.locator(FACE).inner_text()


def settled(visit: Visit) -> np.ndarray:
    """The visible figure, once it no longer changes."""
    before = np.zeros((1, 1, 3))
    for _ in range(40):
        visit.page.wait_for_timeout(250)
        now = pixels(figure(visit))
        if now.shape == before.shape and share_coloured(now) > 0.02 and (now == before).all():
            return now
        before = now
    raise AssertionError("the figure is empty, or does not come to rest")


def test_the_widget_lives_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "widget.ipynb", CELL)
    with jupyter_lab(tmp_path, "JupyterLab Dark") as address:
        visit = run_notebook(chromium, address, "widget.ipynb")
        figure(visit).wait_for()
        visit.page.wait_for_function(FILLS_THE_PAGE)
        clicking_a_cell_recolours_the_structure(visit)
        the_slider_turns_the_input(visit)
        the_first_tab_is_as_it_was_left(visit)
        visit.page.context.close()
    visit.assert_sound()
    assert visit.requests == []


def clicking_a_cell_recolours_the_structure(visit: Visit) -> None:
    before = settled(visit)
    assert (before[5, -5] < 60).all()  # the dark page shines through
    heat = visit.page.locator(f"{FACE} .nsewdrag:visible").first.bounding_box()
    assert heat is not None
    stages, irreps = 4 + len(HOSTILE), 5
    row, column = 2, 1  # stage_layers.0, 1o, which holds
    x, y = heat["x"] + heat["width"] * (column + 0.5) / irreps, heat["y"] + heat["height"] * (row + 0.5) / stages
    clicked_until(visit, x, y, "holds: relative error")
    visit.page.mouse.move(5, 5)
    assert "stage_layers.0, 1o, holds" in words(visit)
    after = settled(visit)
    right = before.shape[1] * 6 // 10
    assert (np.abs(before - after)[:, right:].max(-1) > 24).mean() > 0.01


def clicked_until(visit: Visit, x: float, y: float, said: str) -> None:
    """Click until the kernel has answered: on a busy machine plotly misses a click that comes before its own hover."""
    import playwright.sync_api

    for _ in range(CLICKS):
        visit.page.mouse.move(5, 5)
        visit.page.mouse.move(x, y, steps=4)
        visit.page.wait_for_timeout(500)
        visit.page.mouse.click(x, y)
        with contextlib.suppress(playwright.sync_api.TimeoutError):
            told = f"document.querySelector('{FACE}').innerText.includes('{said}')"
            visit.page.wait_for_function(told, timeout=10_000)
            return
    raise AssertionError(f"{CLICKS} clicks at ({x:.0f}, {y:.0f}) were not answered by {said!r}: {words(visit)}")


def the_slider_turns_the_input(visit: Visit) -> None:
    visit.page.get_by_role("tab", name="Turn").click()
    visit.page.wait_for_function(f"document.querySelector('{FACE}').innerText.includes('Turned by 30°')")
    before = settled(visit)
    handle = visit.page.locator(f"{FACE} .noUi-handle:visible").first
    handle.focus()
    for _ in range(3):
        handle.press("ArrowRight")
    visit.page.wait_for_function(f"document.querySelector('{FACE}').innerText.includes('Turned by 60°')")
    after = settled(visit)
    assert (np.abs(before - after).max(-1) > 24).mean() > 0.02


def the_first_tab_is_as_it_was_left(visit: Visit) -> None:
    visit.page.get_by_role("tab", name="rotation").click()
    visit.page.wait_for_function(f"document.querySelector('{FACE}').innerText.includes('holds: relative error')")
    settled(visit)
    assert "<svg onload=" in words(visit)  # the name is seen as text,
    assert visit.page.evaluate("() => window.name") != "EXECUTED"  # and did not run

"""Does the live view draw in a real JupyterLab, forty times in one notebook, and speak with Python both ways?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.browser_visits import PATIENCE
from tests.hostile_strings import ALL
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VIEWS = 40
MANY = """
import numpy as np
from IPython.display import display
from equiviz.view import Atoms, Glyphs, Scene
rng = np.random.default_rng(0)
for k in range(40):
    points = rng.uniform(0, 6, (8, 3))
    layers = [Atoms(points, np.full(8, 0.3)), Glyphs(points, rng.normal(size=(8, 9)), 0.3)]
    display(Scene(layers, f"view {k}").widget(120))
"""
TALK = """
from tests.view.all_layers import whole_scene
view = whole_scene(title=%r, label=%r).widget(300)
heard = []
view.observe(view.guarded(lambda change: heard.append(change["new"])), "selected")
view.observe(view.guarded(lambda change: 1 / 0), "frame")
view
"""
READY = "() => document.querySelectorAll('[data-ready=\"true\"]').length >= %d"


def shown(page: Page, number: int = 0) -> np.ndarray:
    """What a canvas shows, ``[height, width, 3]``."""
    canvas = page.locator(".equiviz-view").nth(number).locator("canvas").first
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    return np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")).astype(int)


def is_drawn(picture: np.ndarray) -> bool:
    return bool((np.abs(picture - picture[2, 2]).sum(-1) > 60).mean() > 0.01)


def test_forty_views_of_one_notebook_stay_alive(chromium: Browser, tmp_path: Path) -> None:
    """A page may have sixteen WebGL contexts: all views share one."""
    write_notebook(tmp_path / "many.ipynb", MANY)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "many.ipynb")
        visit.page.wait_for_function("() => document.querySelectorAll('.equiviz-view').length === 40", timeout=PATIENCE)
        for number in (0, 19, 39, 0):
            canvas = visit.page.locator(".equiviz-view").nth(number)
            canvas.scroll_into_view_if_needed()
            visit.page.wait_for_function(
                f"() => document.querySelectorAll('.equiviz-view')[{number}].dataset.ready === 'true'", timeout=PATIENCE
            )
            assert is_drawn(shown(visit.page, number)), f"view {number}"
        visit.page.context.close()
        visit.assert_sound()


def test_the_view_and_python_speak_with_each_other(chromium: Browser, tmp_path: Path) -> None:
    cells = [TALK % (ALL, ALL), "view.selected = [0, 1, 2]", "view.change(0, values=[3.0] * 12)", "view.frame = 1"]
    cells += ["import json; print('HEARD', json.dumps(heard))"]
    write_notebook(tmp_path / "talk.ipynb", *cells)
    with jupyter_lab(tmp_path, "JupyterLab Dark") as address:
        visit = run_notebook(chromium, address, "talk.ipynb")
        page = visit.page
        page.wait_for_function(READY % 1, timeout=PATIENCE)
        first = shown(page)
        assert is_drawn(first)
        assert first[2, 2].mean() < 80, "the background follows the dark theme"
        page.wait_for_function("() => document.body.innerText.includes('ZeroDivisionError')", timeout=PATIENCE)
        page.wait_for_function("() => document.body.innerText.includes('HEARD [[0, 1, 2]]')", timeout=PATIENCE)
        canvas = page.locator(".equiviz-view canvas").first
        canvas.focus()
        page.keyboard.press("Escape")
        page.wait_for_timeout(500)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-below') }")
        assert page.evaluate("() => window.name") == ""
        page.context.close()
        visit.assert_sound()


def test_the_first_views_draw_while_the_kernel_is_busy(chromium: Browser, tmp_path: Path) -> None:
    """Run all: the kernel answers no message before the last cell ends."""
    show = "from tests.view.all_layers import whole_scene\nwhole_scene()"
    write_notebook(tmp_path / "busy.ipynb", show, show, "import time\ntime.sleep(600)")
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "busy.ipynb")
        visit.page.wait_for_function(READY % 2, timeout=PATIENCE)
        assert is_drawn(shown(visit.page, 1))
        assert "*" in visit.page.locator(".jp-InputPrompt").last.inner_text(), "the kernel is still busy"
        visit.page.context.close()
        visit.assert_sound()

"""Does the live view draw where people read notebooks besides JupyterLab: Notebook 7, and Voila?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.browser_visits import PATIENCE, Visit
from tests.jupyter_lab import opened, served, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CELL = """
from tests.view.all_layers import whole_scene
whole_scene()
"""


def assert_drawn(visit: Visit) -> None:
    """The view says that it drew, and its canvas is not empty."""
    visit.page.wait_for_selector(".equiviz-view[data-ready='true']", timeout=PATIENCE)
    canvas = visit.page.locator(".equiviz-view canvas").first
    canvas.scroll_into_view_if_needed()
    visit.page.wait_for_timeout(500)
    picture = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")).astype(int)
    assert (np.abs(picture - picture[2, 2]).sum(-1) > 60).mean() > 0.01
    # Voila's own page asks for icons elsewhere (they were refused here); nothing of ours does.
    assert [asked for asked in visit.requests if "fontawesome" not in asked] == []
    assert [said for said in visit.complaints if "equiviz" in said.lower()] == []


def test_voila_draws(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", CELL)
    with served("voila", tmp_path, [str(tmp_path / "app.ipynb"), "--Voila.ip=127.0.0.1"], "static/") as address:
        visit = opened(chromium, address, "")
        assert_drawn(visit)
        visit.page.context.close()


def test_notebook_7_draws(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "scene.ipynb", CELL)
    options = ["--allow-root", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    options += ["--JupyterNotebookApp.expose_app_in_browser=True"]
    with served("notebook", tmp_path, options, "api/status") as address:
        visit = opened(chromium, address, "notebooks/scene.ipynb")
        ready = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        visit.page.wait_for_function(ready, timeout=PATIENCE)
        visit.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        assert_drawn(visit)
        visit.page.context.close()

"""Does the explorer live in a real JupyterLab, and in Voila: drawn, linked, turned, offline, running no string?"""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.browser_visits import Visit
from tests.jupyter_lab import ROOT, jupyter_lab, opened, run_notebook, served, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

MAKE = """
import torch
torch.set_num_threads(1)
from dataclasses import replace
import equiviz
from tests.equivariance.hostile_network import hostile_network
from tests.hostile_strings import ALL, HOSTILE
from tests.toy_networks import molecule
names = ("?", *HOSTILE[:2])
structures = [replace(molecule(seed=k), species_names=names, name=ALL) for k in range(2)]
e = equiviz.explore(hostile_network(), structures, names=[HOSTILE[1]])
e.choose(stage="stage_layers.1", block="1o", channel=0)
e
"""
SELECT = "e.view.selected = [0, 1, 2, 3]"
FACE = ".equiviz-explorer"
STILL = '.equiviz-view[data-ready="true"][data-still="true"]'


def pixels(canvas: Locator) -> np.ndarray:
    """What is drawn in three dimensions, without titles and keys over it; the background is white."""
    from PIL import Image

    encoded = canvas.evaluate("canvas => canvas.toDataURL().split(',')[1]")
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)).astype(int)  # [H, W, 4]


def settled(visit: Visit, place: int = 0) -> np.ndarray:
    """A view, once it has come to rest; it must differ from its background."""
    view = visit.page.locator(f"{FACE} .equiviz-view:visible").nth(place)
    view.wait_for()
    before = np.zeros((1, 1, 4))
    for _ in range(60):
        visit.page.wait_for_timeout(300)
        if not view.evaluate(f"view => view.matches('{STILL}')"):
            continue
        now = pixels(view.locator("canvas").first)
        if now.shape == before.shape and (now == before).all() and differs(now, now[2, 2]) > 0.01:
            return now
        before = now
    raise AssertionError("the view is empty, or does not come to rest")


def differs(picture: np.ndarray, other: np.ndarray) -> float:
    """The share of pixels that differ."""
    if other.ndim == 3:  # places of views are rounded to pixels, each in its own way
        high, wide = (min(sizes) for sizes in zip(picture.shape[:2], other.shape[:2], strict=True))
        picture, other = picture[:high, :wide], other[:high, :wide]
    return float((np.abs(picture - other).max(-1) > 24).mean())


def words(visit: Visit) -> str:
    return visit.page.locator(FACE).inner_text()


def wait_for_words(visit: Visit, said: str) -> None:
    visit.page.wait_for_function(f"said => document.querySelector('{FACE}')?.innerText.includes(said)", arg=said)


def run_cell(visit: Visit, place: int) -> None:
    visit.page.evaluate(
        """async place => {
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = place;
          await window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        place,
    )


def test_the_explorer_lives_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "explorer.ipynb", MAKE, SELECT)
    with jupyter_lab(tmp_path, "JupyterLab Dark") as address:
        visit = run_notebook(chromium, address, "explorer.ipynb", width=1300)
        wait_for_words(visit, "channel 0 of 3")
        another_channel_is_drawn(visit)
        a_selection_from_python_is_marked(visit)
        the_hand_turns_the_input(visit)
        a_second_layer_stands_beside_the_first(visit)
        assert visit.page.evaluate("() => window.name") != "EXECUTED"
        assert "<img src=x onerror=" in words(visit)  # the name is seen as text
        visit.page.context.close()
    visit.assert_sound()


def another_channel_is_drawn(visit: Visit) -> None:
    before = settled(visit)
    channel = visit.page.get_by_label("channel").first
    channel.focus()
    channel.press("ArrowUp")
    wait_for_words(visit, "channel 1 of 3")
    assert differs(settled(visit), before) > 0.002


def a_selection_from_python_is_marked(visit: Visit) -> None:
    marked = f"document.querySelector('{FACE} .js-plotly-plot').data[1].selectedpoints"
    wait_for_words(visit, "4 selected")
    with_marks = settled(visit)
    assert visit.page.evaluate(marked) == [0, 1, 2, 3]
    atoms = visit.page.get_by_label("atoms")
    atoms.fill("5")
    atoms.press("Enter")
    wait_for_words(visit, "1 selected")
    assert differs(settled(visit), with_marks) > 0.0005
    assert visit.page.evaluate(marked) == [5]
    run_cell(visit, 1)
    wait_for_words(visit, "4 selected")
    assert differs(settled(visit), with_marks) < 1e-4
    visit.page.wait_for_function(f"document.querySelector('{FACE} .js-plotly-plot').data[3].x?.length === 5")


def the_hand_turns_the_input(visit: Visit) -> None:
    visit.page.locator(FACE).get_by_role("button", name="turn the input").click()
    wait_for_words(visit, "Not turned yet")
    before = [settled(visit, place) for place in range(3)]
    canvas = visit.page.locator(f"{FACE} .equiviz-view:visible").first.locator("canvas").first
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + 90, y + 20, steps=6)
    visit.page.mouse.up()
    wait_for_words(visit, "Turned by ")
    wait_for_words(visit, "relative error ")
    visit.page.wait_for_timeout(1500)  # the last of the turns is run, and drawn
    after = [settled(visit, place) for place in range(3)]
    assert all(differs(old, new) > 0.002 for old, new in zip(before, after, strict=True))
    assert differs(after[1], after[2]) < 0.01  # the layer is equivariant: f(g x) looks like D(g) f(x)


def a_second_layer_stands_beside_the_first(visit: Visit) -> None:
    visit.page.locator(FACE).get_by_role("button", name="compare").click()
    wait_for_words(visit, "linear CKA")
    assert differs(settled(visit, 0), settled(visit, 1)) > 0.002


def test_voila_serves_the_app(chromium: Browser, tmp_path: Path) -> None:
    shutil.copy(ROOT / "notebooks" / "explorer.ipynb", tmp_path / "explorer.ipynb")
    with served("voila", tmp_path, [str(tmp_path / "explorer.ipynb"), "--Voila.ip=127.0.0.1"], "static/") as address:
        visit = opened(chromium, address, "")
        wait_for_words(visit, "channel")
        settled(visit)
        drawn = f"document.querySelector('{FACE} .js-plotly-plot')?.data"
        visit.page.wait_for_function(f"{drawn}?.[1]?.text?.length === 1000")  # what was drawn before the page came
        visit.page.locator(FACE).get_by_role("button", name="turn the input").click()
        wait_for_words(visit, "Not turned yet")
        visit.page.locator(FACE).get_by_role("button", name="turn at random").click()
        wait_for_words(visit, "rounding (float32")
        # Voila's own page asks for icons elsewhere (they were refused here); nothing of ours does.
        assert [asked for asked in visit.requests if "fontawesome" not in asked] == []
        assert [said for said in visit.complaints if "equiviz" in said.lower()] == []
        visit.page.context.close()


def test_the_doctor_asks_the_page(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "doctor.ipynb", "import equiviz\nfound = equiviz.doctor()\nfound")
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "doctor.ipynb")
        visit.page.wait_for_function("document.querySelector('.jp-OutputArea pre')?.innerText.includes('WebGL2')")
        told = visit.page.locator(".jp-OutputArea pre").first.inner_text()
        visit.page.context.close()
    assert "JupyterLab 4." in told
    assert "the page answers" in told
    assert "swiftshader" in told.lower()
    assert "! 3D views are drawn by the processor" in told
    visit.assert_sound()

"""Does the explorer of a digit on the sphere live in a real JupyterLab: drawn, turned by click and by key, in words?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.apps.test_explorer_in_lab import FACE, differs, settled, wait_for_words, words
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser_visits import Visit

MAKE = """
import torch
torch.set_num_threads(1)
import equiviz
from equiviz.datasets.sphere.digits import embedded_digits
signal = embedded_digits().part("test")[:2].on_sphere(level=3)
e = equiviz.explore(equiviz.load("gauge_cnn-digits"), signal)
e.choose(block="0e")
e
"""
MOTION = """
import torch
torch.set_num_threads(1)
import equiviz
torch.manual_seed(0)
e = equiviz.explore(equiviz.load("unitary-charges"), (torch.randn(2, 4, 2, dtype=torch.complex64), torch.randn(2, 3)))
e.choose(stage="output.state")
e
"""


def verdict(visit: Visit) -> str:
    return visit.page.locator(f"{FACE} .equiviz-verdict").first.inner_text()


def error(visit: Visit) -> str:
    """The number that the hand tells."""
    found = re.search(r"relative error ([\d.e-]+ ?%?)", verdict(visit))
    assert found is not None
    return found[1]


def open_the_hand(visit: Visit) -> None:
    visit.page.locator(FACE).get_by_role("button", name="turn the input").click()
    wait_for_words(visit, "Not turned yet")


def test_a_digit_is_turned_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "sphere.ipynb", MAKE)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "sphere.ipynb", width=1300)
        wait_for_words(visit, "as colours on 642 points")
        a_click_selects_a_point(visit)
        open_the_hand(visit)
        before = [settled(visit, place) for place in range(3)]
        a_click_chooses_one_of_the_sixty(visit)
        exact = [settled(visit, place) for place in range(3)]
        assert all(differs(old, new) > 0.002 for old, new in zip(before, exact, strict=True))
        assert differs(exact[1], exact[2]) < 1e-4  # f(g x) is D(g) f(x)
        keys_turn_by_anything(visit)
        between = [settled(visit, place) for place in range(3)]
        assert differs(between[1], between[2]) > 0.002  # and here it is not
        visit.page.context.close()
    visit.assert_sound()


def a_click_selects_a_point(visit: Visit) -> None:
    """Points that are coloured touch each other, so that any place on the ball is one."""
    settled(visit)
    canvas = visit.page.locator(f"{FACE} .equiviz-view:visible").first.locator("canvas").first
    box = canvas.bounding_box()
    assert box is not None
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_for_words(visit, "1 selected: point")


def a_click_chooses_one_of_the_sixty(visit: Visit) -> None:
    menu = visit.page.get_by_label("rotation of the icosahedron")
    menu.select_option(index=20)
    wait_for_words(visit, ", a rotation of the icosahedron. feature_stages.0, regular: relative error")
    assert "rounding (float32" in verdict(visit)
    first = verdict(visit)
    number = visit.page.locator(FACE).get_by_role("spinbutton", name="number")
    number.focus()
    number.press("ArrowUp")  # the next of the sixty
    visit.page.wait_for_function(
        f"before => document.querySelector('{FACE} .equiviz-verdict').innerText !== before", arg=first
    )
    assert "a rotation of the icosahedron" in verdict(visit)
    assert float(error(visit).rstrip(" %")) < 1e-5
    assert "point " in words(visit)  # the selected one, in numbers


def keys_turn_by_anything(visit: Visit) -> None:
    exact = error(visit)
    visit.page.locator(f"{FACE} .equiviz-view:visible").first.locator("canvas[tabindex]").focus()
    for _ in range(3):
        visit.page.keyboard.press("ArrowRight")
    wait_for_words(visit, "approximate, GaugeCnn claims only: rotation of the icosahedron")
    assert error(visit).endswith("%")
    assert error(visit) != exact
    visit.page.wait_for_timeout(1500)  # the last of the turns is run, and drawn
    told = error(visit)
    visit.page.locator(FACE).get_by_role("button", name="turn at random").click()
    visit.page.wait_for_function(
        f"before => !document.querySelector('{FACE} .equiviz-verdict').innerText.includes(before)", arg=told
    )


def test_charges_are_turned_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "motion.ipynb", MOTION)
    with jupyter_lab(tmp_path, "JupyterLab Dark") as address:
        visit = run_notebook(chromium, address, "motion.ipynb", width=1300)
        wait_for_words(visit, "output.state: 4 vectors where they are")
        open_the_hand(visit)
        before = [settled(visit, place) for place in range(3)]
        visit.page.locator(FACE).get_by_role("slider").first.focus()
        for _ in range(6):
            visit.page.keyboard.press("ArrowRight")
        wait_for_words(visit, "Turned by Unitary(2 x 2")
        visit.page.wait_for_timeout(1500)
        assert "rounding" in verdict(visit)
        after = [settled(visit, place) for place in range(3)]
        assert all(differs(old, new) > 0.002 for old, new in zip(before, after, strict=True))
        assert differs(after[1], after[2]) < 1e-4
        visit.page.context.close()
    visit.assert_sound()

"""Do clicks in a real JupyterLab ask for an explanation, and do its colours come and go in the picture?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.apps.test_explorer_in_lab import FACE, differs, settled, wait_for_words
from tests.browser_visits import Visit
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MAKE = """
import torch
torch.set_num_threads(1)
from dataclasses import replace
import equiviz
from tests.hostile_strings import ALL, HOSTILE
from tests.toy_networks import molecule, toy
structure = replace(molecule(), species_names=("?", *HOSTILE[:2]), name=ALL)
e = equiviz.explore(toy(), structure, names=["a network"])
e
"""


def press(visit: Visit, name: str) -> None:
    """It takes the focus, and a click."""
    button = visit.page.locator(FACE).get_by_role("button", name=name, exact=True)
    button.focus()
    assert button.evaluate("button => button === document.activeElement")
    button.click()


def test_an_explanation_is_asked_for_coloured_and_reset(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "explain.ipynb", MAKE)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "explain.ipynb", width=1300)
        wait_for_words(visit, "channel")
        press(visit, "why")
        wait_for_words(visit, "Asked: energy of the whole structure.")
        visit.page.get_by_label("output", exact=True).select_option(index=1)
        wait_for_words(visit, "summed over all atoms")
        an_atom_is_selected(visit)
        wait_for_words(visit, "Asked: vector at atom")
        before = settled(visit)
        press(visit, "Explain")
        wait_for_words(visit, "Done in")
        wait_for_words(visit, "By integrated gradients, norm of vector at")
        coloured = settled(visit)
        assert differs(coloured, before) > 0.02
        a_bar_selects_its_atom(visit)
        press(visit, "reset colours")
        wait_for_words(visit, "as glyphs")
        assert differs(settled(visit), coloured) > 0.02
        assert visit.page.evaluate("() => window.name") != "EXECUTED"
        visit.page.context.close()
    visit.assert_sound()


def an_atom_is_selected(visit: Visit) -> None:
    """By the keys of the picture: the next atom, and Enter; a click beside an atom would clear the selection."""
    settled(visit)
    view = visit.page.locator(f"{FACE} canvas.eqv-picture:visible").first
    view.focus()
    assert view.evaluate("view => view === document.activeElement")
    visit.page.keyboard.press("n")
    visit.page.keyboard.press("Enter")


def a_bar_selects_its_atom(visit: Visit) -> None:
    bars = visit.page.locator(f"{FACE} .equiviz-bar:visible")
    assert bars.count() == 8
    bar = visit.page.locator(f"{FACE} .widget-box:has(> .widget-html .equiviz-bar)").nth(1)
    button = bar.locator("button:visible")
    name = button.inner_text()
    button.click()
    wait_for_words(visit, f"Asked: vector at atom {name}.")

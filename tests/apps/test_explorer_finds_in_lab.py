"""Do clicks and keys in a real JupyterLab start a search, and do its arrows come and go in the picture?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.apps.test_explorer_explains_in_lab import MAKE, an_atom_is_selected, press
from tests.apps.test_explorer_in_lab import FACE, differs, settled, wait_for_words
from tests.browser_visits import Visit
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_motion_is_found_drawn_and_reset(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "find.ipynb", MAKE)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "find.ipynb", width=1300)
        wait_for_words(visit, "channel")
        press(visit, "find")
        wait_for_words(visit, "Asked: energy of the whole structure, to change by +0.5 times its size")
        visit.page.get_by_label("output", exact=True).select_option(index=1)
        wait_for_words(visit, "Asked: vector summed over all atoms")
        an_atom_is_selected(visit)
        wait_for_words(visit, "Asked: vector at atom")
        the_slider_obeys_the_keys(visit)
        before = settled(visit)
        press(visit, "Find")
        wait_for_words(visit, "Done in")
        wait_for_words(visit, "goes from")
        found = settled(visit)
        assert differs(found, before) > 0.02
        press(visit, "reset the picture")
        wait_for_words(visit, "as glyphs")
        assert differs(settled(visit), found) > 0.02
        another_question_follows_the_layer(visit)
        assert visit.page.evaluate("() => window.name") != "EXECUTED"
        visit.page.context.close()
    visit.assert_sound()


def the_slider_obeys_the_keys(visit: Visit) -> None:
    handle = visit.page.locator(f"{FACE} .noUi-handle:visible").last
    handle.focus()
    visit.page.keyboard.press("ArrowRight")
    wait_for_words(visit, "to change by +0.6 standard deviations over the atoms")


def another_question_follows_the_layer(visit: Visit) -> None:
    visit.page.get_by_label("question", exact=True).select_option(label="Which directions does this layer not see?")
    wait_for_words(visit, "Asked: stage_layers.1 at atom")
    press(visit, "Find")
    wait_for_words(visit, "are motions of the whole")
    visit.page.locator(f"{FACE} .js-plotly-plot:visible").wait_for()

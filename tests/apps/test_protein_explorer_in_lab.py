"""Is the explorer of proteins linked in a real JupyterLab, and its page in a browser: offline, running no string?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import equiviz
from equiviz.apps.protein_explorer.face import ProteinExplorer
from equiviz.apps.protein_explorer.page import page
from tests.apps.small_network import hostile_protein, small_network, written
from tests.browser_visits import Open, Visit
from tests.holograms.written_protein import helix
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

MAKE = """
import torch
torch.set_num_threads(1)
from pathlib import Path
import equiviz
from tests.apps.small_network import hostile_protein, small_network
e = equiviz.explore(hostile_protein(Path(".")), model=small_network(), viewer="3dmol")
e.choose(3)
e
"""
LAB = ".equiviz-protein"
CARTOON = ".equiviz-cartoon[data-ready='true']"


def where(visit: Visit, residue: int) -> tuple[float, float]:
    """The place of a residue on the screen."""
    at = visit.page.locator(CARTOON).evaluate("(box, k) => box.equivizCartoon.whereabouts(k)", residue)
    return at["x"], at["y"]


def pick_in_cartoon(visit: Visit, residues: range) -> int:
    """Click residues until one in front of all others is hit; returns the one that is chosen then."""
    visit.page.locator(CARTOON).scroll_into_view_if_needed()
    before = selected(visit)
    for residue in residues:
        visit.page.mouse.move(*where(visit, residue))
        visit.page.wait_for_timeout(200)
        visit.page.mouse.click(*where(visit, residue))
        visit.page.wait_for_timeout(800)
        if selected(visit) != before:
            return selected(visit)
    raise AssertionError("no click chose another residue")


def selected(visit: Visit) -> int:
    return int(visit.page.locator(CARTOON).get_attribute("data-selected") or -1)


def click_cell(visit: Visit, chart: Locator, site: int, row: int) -> None:
    """A cell of the heat map, by its numbers."""
    chart.scroll_into_view_if_needed()
    visit.page.wait_for_timeout(300)
    x, y = chart.evaluate(
        """(chart, [site, row]) => {
          const { xaxis, yaxis } = chart._fullLayout, corner = chart.getBoundingClientRect();
          const down = yaxis.d2p(yaxis._categories[row]);
          return [corner.x + xaxis._offset + xaxis.d2p(site), corner.y + yaxis._offset + down];
        }""",
        [site, row],
    )
    visit.page.mouse.click(x, y)


def marked(chart: Locator) -> float:
    """The site that is framed in the heat map."""
    first = chart.evaluate("chart => [chart.layout.shapes[0].x0, chart.layout.shapes[0].x1]")
    return sum(first) / 2


def test_it_is_linked_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "protein.ipynb", MAKE, "e.cartoon.selected = e.subject.residue(9)")
    with jupyter_lab(tmp_path, "JupyterLab Dark") as address:
        visit = run_notebook(chromium, address, "protein.ipynb", width=1300)
        visit.page.locator(CARTOON).wait_for()
        chart = visit.page.locator(f"{LAB} .js-plotly-plot")
        visit.page.wait_for_function(f"document.querySelector('{LAB} .js-plotly-plot')?.layout?.shapes?.[0]?.x0 > 8")
        assert selected(visit) == 9  # Python's choice is seen
        click_cell(visit, chart, 5, 6)
        visit.page.wait_for_function(f"document.querySelector('{LAB} .equiviz-cartoon').dataset.selected === '5'")
        assert "<img src=x onerror=" in visit.page.locator(LAB).inner_text()  # the name is seen as text
        visit.page.wait_for_function(f"document.querySelector('{LAB} .js-plotly-plot').layout.shapes[0].x0 < 5")
        assert marked(chart) == pytest.approx(5)
        assert visit.page.get_by_label("explain").evaluate("menu => menu.selectedOptions[0].text") == "TRP"
        chosen = pick_in_cartoon(visit, range(16))
        visit.page.wait_for_timeout(1500)
        assert marked(chart) == pytest.approx(chosen)  # its first residues are its sites, in this order
        colours = "box => box.equivizCartoon.viewer.getModel(0).selectedAtoms({})[0].style.cartoon.colorfunc.call"
        assert visit.page.locator(CARTOON).evaluate(f"{colours} !== undefined")
        assert visit.page.evaluate("() => window.name") != "EXECUTED"
        visit.page.context.close()
    visit.assert_sound()


def test_the_page_is_linked_without_a_kernel(browser: Open, tmp_path: Path) -> None:
    explorer = equiviz.explore(written(tmp_path), model=small_network(), viewer="3dmol")
    assert isinstance(explorer, ProteinExplorer)
    explorer.choose(7)
    visit = browser(Path(explorer.to_html(tmp_path / "page.html")), scheme="dark")
    visit.wait_until_drawn()
    visit.page.locator(CARTOON).wait_for()
    heat, bars = (visit.page.locator("section:has(.cartoon) .figure").nth(k) for k in range(2))
    assert selected(visit) == 7
    click_cell(visit, heat, 12, 3)
    visit.page.wait_for_function("document.documentElement.dataset.site === '12'")
    visit.page.wait_for_timeout(500)
    assert (selected(visit), marked(heat)) == (12, pytest.approx(12))
    from equiviz.apps.protein_explorer.drawing import ORDER

    expected = explorer.scan.log_probabilities[12].exp()[list(ORDER)].numpy()
    np.testing.assert_allclose(bars.evaluate("bars => Array.from(bars.data[0].y)"), expected, atol=6e-5)
    assert "mutation score to ILE" in visit.page.locator(".told").inner_text()
    chosen = pick_in_cartoon(visit, range(40))
    visit.page.wait_for_timeout(500)
    assert marked(heat) == pytest.approx(chosen)
    before = visit.page.locator(CARTOON).screenshot()
    visit.page.select_option(".colours", label="mutation score to PRO")
    visit.page.wait_for_timeout(500)
    assert visit.page.locator(CARTOON).screenshot() != before
    visit.page.locator(".find").fill("A 3")
    visit.page.locator(".find").press("Enter")
    assert selected(visit) == 2
    visit.assert_sound()


def test_no_string_of_a_file_runs_in_the_page(browser: Open, tmp_path: Path) -> None:
    """Without the policy, so that escaping alone must hold."""
    explorer = equiviz.explore(hostile_protein(tmp_path), model=small_network(), viewer="3dmol")
    assert isinstance(explorer, ProteinExplorer)
    visit = browser(page(explorer.subject, 4).save(tmp_path / "hostile.html"), bypass_csp=True)
    visit.wait_until_drawn()
    heat = visit.page.locator("section:has(.cartoon) .figure").first
    for site in (2, 14):
        click_cell(visit, heat, site, 3)
        visit.page.wait_for_function(f"document.documentElement.dataset.site === '{site}'")
    visit.page.wait_for_timeout(500)
    assert visit.page.evaluate("() => window.name") == ""
    assert visit.page.locator("main img, main b, main a[href^='javascript']").count() == 0
    visit.assert_sound()


def test_hydrogens_keep_atoms_and_residues_together(browser: Open, tmp_path: Path) -> None:
    lines: list[str] = []
    for line in helix(20).splitlines():
        lines.append(line)
        if line[12:16].strip() == "N":
            lines.append(f"{line[:12]} H  {line[16:30]}{float(line[30:38]) + 1:8.3f}{line[38:76]} H")
    path = tmp_path / "hydrogens.pdb"
    path.write_text("\n".join(lines))
    explorer = equiviz.explore(path, model=small_network(channels=("C", "N", "O", "S", "H")), viewer="3dmol")
    assert isinstance(explorer, ProteinExplorer)
    visit = browser(Path(explorer.to_html(tmp_path / "page.html")))
    visit.page.locator(CARTOON).wait_for()
    told = "box => box.equivizCartoon.viewer.getModel(0).selectedAtoms({}).map(atom => [atom.residue + 1, atom.resi])"
    pairs = visit.page.locator(CARTOON).evaluate(told)
    assert len(pairs) == len(explorer.scan.protein)
    assert all(residue == number for residue, number in pairs)

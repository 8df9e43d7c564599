"""Does the page of a protein explain the residues that it says it does, with the numbers of the network?"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import equiviz
from equiviz.apps.explorer import pace
from equiviz.apps.protein_explorer.densities import SPACING
from equiviz.apps.protein_explorer.explained import SHARE, by_surprise, explained
from equiviz.apps.protein_explorer.face import ProteinExplorer
from equiviz.apps.protein_explorer.page import page
from equiviz.apps.protein_explorer.subject import Subject
from equiviz.datasets.proteins.rhodopsin import rhodopsin
from equiviz.explain.proteins.responsible import responsible
from equiviz.holograms import density
from equiviz.nn.errors import ModelError
from equiviz.view.packet import read_packet
from tests.apps.small_network import hostile_protein, small_network, two_frames, written
from tests.browser_visits import Open, Visit

READY = ".surroundings .equiviz-view[data-ready='true'][data-still='true']"


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return Subject.of(small_network(), written(tmp_path))


@pytest.fixture
def both_centres() -> Subject:
    """Of a real protein: the side chains of a written helix have no place that peptide planes could tell."""
    return Subject.of(small_network(centre="both"), rhodopsin())


def decoded(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


# --- which residues, and with what numbers


def test_the_most_surprising_residues_are_explained(subject: Subject) -> None:
    logits, wild = subject.scan().preferences.numpy(), subject.around.classes
    excess = logits.max(1) - logits[np.arange(len(wild)), wild]
    assert np.ptp(excess) > 0.1, "the control: residues differ"
    order = np.argsort(-excess, kind="stable").tolist()
    assert by_surprise(subject) == order
    chosen = order[3]
    assert explained(subject, chosen, surprising=5).sites == [chosen, *[k for k in order if k != chosen][:5]]
    assert explained(subject, 7, surprising=0).sites == [7]
    assert sorted(explained(subject, 7, surprising=99).sites) == list(range(40))
    with pytest.raises(ModelError, match="Expected a number of surprising residues to explain, from 0 on, got -1"):
        explained(subject, 7, surprising=-1)


def test_the_page_holds_what_the_network_says(both_centres: Subject) -> None:
    subject, site = both_centres, 5
    other = (int(subject.scan().preferences[site].argmax()) + 1) % 20
    made = explained(subject, site, other, surprising=0)
    (residue,) = made.residues
    names = [(given["amino_acid"], given["role"]) for given in residue["why"]]
    assert names[0][1] in ("asked for", "wild type")
    assert "wild type" in dict((role, name) for name, role in names)
    for given in residue["why"]:
        expected = responsible(subject.model, subject.around, site, given["amino_acid"])
        np.testing.assert_allclose(
            decoded(given["scores"], "<f4"), expected.scores, rtol=1e-6
        )  # they travel as float32
        np.testing.assert_allclose(given["degrees"], list(expected.by_degree.values()), atol=5.1e-5)  # four digits
        assert given["words"] == expected.describe()
    own = subject.around.only(site)
    scene = read_packet(base64.b64decode(residue["packet"]))["scene"]
    np.testing.assert_allclose(scene["layers"][0]["positions"], own.offsets(), atol=1e-5)
    hologram = subject.hologram(site)
    assert {one["channel"] for one in residue["clouds"]} <= set(range(len(made.channels)))
    for one in residue["clouds"]:
        places = torch.from_numpy(decoded(one["steps"], "i1").reshape(-1, 3) * SPACING)
        rho = density(hologram, places)[0, one["channel"]].numpy() * places.square().sum(1).numpy()
        values = decoded(one["values"], "i1") / 127 * one["peak"]
        np.testing.assert_allclose(values, rho / hologram.basis.radius**3, atol=one["peak"] / 250)  # one byte
        assert values.min() > (SHARE - 1 / 250) * one["peak"]
        assert values.max() == pytest.approx(one["peak"], rel=1e-6)
        place = own.seen_from("CA" if made.channels[one["channel"]].endswith("CA") else "side chain").centres[0]
        np.testing.assert_allclose(one["centre"], place - own.centres[0], atol=1e-9)
    assert {tuple(one["centre"]) for one in residue["clouds"]} != {(0.0, 0.0, 0.0)}


def test_the_size_is_bounded_and_told(subject: Subject) -> None:
    whole = explained(subject, 7, surprising=4)
    assert (len(whole.sites), whole.left_out) == (5, 0)
    sizes = [len(json.dumps(residue)) for residue in whole.residues]
    short = explained(subject, 7, surprising=4, most_bytes=sum(sizes[:3]))
    assert (short.sites, short.left_out) == (whole.sites[:3], 2)
    tiny = explained(subject, 7, surprising=4, most_bytes=1)
    assert (tiny.sites, tiny.left_out) == ([7], 4), "the chosen one is there whatever it takes"
    from equiviz.apps.protein_explorer.page import words

    assert "2 more were asked for; the page ends at 8 MB" in words(subject.scan(), short)
    assert "more were asked for" not in words(subject.scan(), whole)
    assert words(subject.scan(), whole).startswith("5 of 40 residues (A GLY 8, at which the page was opened, and the 4")
    assert words(subject.scan(), explained(subject, 7, surprising=39)).startswith("All 40 residues can be")


def test_another_frame_is_explained_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_loop", lambda: None)  # playwright leaves a loop running, which nobody turns
    explorer = equiviz.explore(two_frames(tmp_path), model=small_network(), viewer="3dmol")
    assert isinstance(explorer, ProteinExplorer)
    first, second = (explained(explorer.subject, 3, frame=frame, surprising=0).residues[0] for frame in (0, 1))
    assert first["why"][0]["words"] != second["why"][0]["words"]
    explorer.choose(3)
    explorer.controls.frame.value = 1
    text = str(explorer.to_html(surprising=0))
    assert second["packet"] in text
    assert first["packet"] not in text


# --- in a browser, from a file


def click_cell(visit: Visit, site: int, row: int) -> None:
    chart = visit.page.locator("section:has(.cartoon) .figure").first
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
    visit.page.wait_for_function(f"document.documentElement.dataset.site === '{site}'")
    visit.page.wait_for_timeout(300)


def drawn(visit: Visit) -> bytes:
    """A picture of the neighbourhood, once it stands still."""
    view = visit.page.locator(".surroundings-view")
    view.scroll_into_view_if_needed()
    visit.page.locator(READY).wait_for()
    visit.page.wait_for_timeout(700)
    return view.locator("canvas").first.screenshot()


def heights(visit: Visit, figure: int) -> list[list[float]]:
    chart = visit.page.locator("section:has(.cartoon) .figure").nth(figure)
    return chart.evaluate("chart => chart.data.map((trace) => Array.from(trace.y))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_click_shows_neighbourhood_and_reasons(browser: Open, subject: Subject, tmp_path: Path, scheme: str) -> None:
    first, second, *_ = by_surprise(subject)
    absent = by_surprise(subject)[-1]
    visit = browser(page(subject, first, surprising=3).save(tmp_path / "page.html"), scheme=scheme)
    visit.wait_until_drawn()
    before = drawn(visit)
    click_cell(visit, second, 4)
    part = visit.page.locator(".surroundings")
    assert part.get_attribute("data-site") == str(second)
    reasons = subject.reasons(second, int(subject.scan().classes[second]))
    assert part.locator(".reasons").inner_text() == reasons.describe()
    strongest = reasons.to_frame().iloc[0]
    assert part.locator(".atoms li").first.inner_text().startswith(f"{strongest['residue']} {strongest['atom']}, ")
    degrees, channels = heights(visit, 2)
    np.testing.assert_allclose(degrees, list(reasons.by_degree.values()), atol=5.1e-5)
    np.testing.assert_allclose(channels, list(reasons.by_channel.values()), atol=5.1e-5)
    after = drawn(visit)
    assert after != before
    visit.page.select_option(".channel", "-1")
    without = drawn(visit)
    assert without != after
    visit.page.select_option(".painting", label="share of the decision")
    assert drawn(visit) != without
    preferred = equiviz.holograms.protein.AMINO_ACIDS[int(subject.scan().preferences[second].argmax())]
    visit.page.select_option(".asked", label=f"{preferred} (preferred)")
    assert f"change log p of {preferred} at" in part.locator(".reasons").inner_text()
    click_cell(visit, absent, 2)
    assert part.get_attribute("data-site") == ""
    assert "holds no neighbourhood of this residue" in part.locator(".absent").inner_text()
    assert not part.locator(".surroundings-view").is_visible()
    expected = subject.scan().log_probabilities[absent].exp().max()
    assert max(heights(visit, 1)[0]) == pytest.approx(float(expected), abs=6e-5), "the 20 preferences are there for all"
    visit.page.select_option(".explained", index=1)
    assert visit.page.locator("html").get_attribute("data-site") == str(first)
    assert part.locator(".surroundings-view").is_visible()
    visit.assert_sound()


def test_no_name_of_an_atom_runs(browser: Open, tmp_path: Path) -> None:
    """Without the policy, so that escaping alone must hold."""
    subject = Subject.of(small_network(), hostile_protein(tmp_path))
    visit = browser(page(subject, 4, surprising=20).save(tmp_path / "hostile.html"), bypass_csp=True)
    visit.wait_until_drawn()
    for site in (2, 14):
        click_cell(visit, site, 3)
        drawn(visit)
        told = visit.page.locator(".atoms").inner_text() + visit.page.locator(".reasons").inner_text()
        assert "<script>" in told or "onerror=" in told, "the control: names are hostile, and seen as text"
        box = visit.page.locator(".surroundings-view canvas").first.bounding_box()
        assert box is not None
        for share in np.linspace(0.2, 0.8, 7):
            visit.page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
            visit.page.wait_for_timeout(60)
    assert visit.page.evaluate("() => window.name") == ""
    assert visit.page.locator("main img, main b, main a[href^='javascript']").count() == 0
    visit.assert_sound()

"""Does a page draw in a real browser, offline, in both colour schemes, and does no string run as a script?

Opening a page costs seconds (plotly.js is 4.8 MB), so one sound page and two hostile ones serve all questions.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from equiviz.view import (
    Arrows,
    Atoms,
    CellBox,
    ColourScale,
    HeatMap,
    Page,
    Provenance,
    Scene,
    Section,
    Series,
    Slab,
    bars,
    heat_map,
    heat_map_row,
    line_chart,
    parity,
)
from equiviz.view.colours import SEQUENTIAL, SEQUENTIAL_ON_DARK
from equiviz.view.document import policy
from tests.browser_visits import PATIENCE, Open, Visit
from tests.hostile_strings import ALL, HOSTILE

WHO_RAN = "() => window.name"
LIGHT, DARK = 255, 22  # the red part of the page's background: #ffffff and #161a22


def small_scene(text: str, count: int = 40) -> Scene:
    generator = np.random.default_rng(3)
    positions = generator.uniform(0, 6, (count, 3))
    texts = (text,) * count
    atoms = Atoms(positions, np.full(count, 0.5), positions[:, 0], ColourScale(text, text), texts, texts)
    arrows = Arrows(positions, generator.normal(size=(count, 3)), scale=ColourScale(f"arrow {text}", text))
    return Scene([atoms, arrows, CellBox(6 * np.eye(3))], text, text, Slab())


def pixels(screenshot: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB")).astype(int)  # [H, W, 3]


def share_drawn(picture: np.ndarray) -> float:
    """The share of pixels that differ from the background, by more (24 of 255) than a smoothed edge of nothing."""
    return float((np.abs(picture - picture[-2, 2]).max(axis=-1) > 24).mean())


def photograph(visit: Visit, figure: int) -> np.ndarray:
    return pixels(visit.page.locator(f"#figure-{figure}").screenshot(timeout=PATIENCE))


@pytest.fixture(scope="module")
def sound(browser: Open, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """Figure 0: two scenes; 1: a line chart; 2: a scene without layers."""
    sections = [
        Section("Glass", "Seen in 3D.", small_scene("A").beside(small_scene("B"), title="both")),
        Section("Lines", "", line_chart([Series("rho", [1, 2, 3], [0.1, 0.5, 0.4])], "time", "rho")),
        Section("Nothing", "", Scene([])),
        Section("Table", "", pd.DataFrame({"name": ["a", "b"], "value": [1.5, np.nan]})),
    ]
    path = Page("A page", "What it says.", sections).save(tmp_path_factory.mktemp("page") / "page.html")
    visit = browser(path)
    visit.wait_until_drawn()
    yield visit
    visit.assert_sound()  # whatever the tests did to the page, nothing left the machine and nothing went wrong


@pytest.mark.parametrize(("scheme", "background"), [("light", LIGHT), ("dark", DARK)])
def test_figures_draw_in_the_colours_of_the_page(sound: Visit, scheme: str, background: int) -> None:
    sound.page.emulate_media(color_scheme=scheme)
    sound.page.wait_for_selector(f"html[data-theme={scheme}]", state="attached", timeout=PATIENCE)
    scene, lines = photograph(sound, 0), photograph(sound, 1)
    # 80 spheres and 80 arrows cover a tenth of the picture; the boxes, the bars and the titles alone a fiftieth.
    assert share_drawn(scene) > 0.05
    assert share_drawn(lines) > 0.002
    assert abs(scene[-2, 2, 0] - background) < 3
    assert abs(lines[-2, 2, 0] - background) < 3
    sound.assert_sound()


def test_an_empty_scene_draws_nothing(sound: Visit) -> None:
    """The control of the test above: the same measure stays low where there is nothing to see."""
    # Title and toolbar cover 3 (light) to 15 (dark) thousandths, measured; spheres, above, more than 50.
    assert share_drawn(photograph(sound, 2)) < 0.03


def test_two_scenes_turn_together(sound: Visit) -> None:
    eye = sound.page.evaluate(
        """async () => {
            const box = document.getElementById("figure-0");
            const camera = { eye: { x: 0.3, y: -2, z: 0.4 }, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } };
            await Plotly.relayout(box, { "scene.camera": camera });
            await new Promise((next) => setTimeout(next, 500));
            return box._fullLayout.scene2._scene.getCamera().eye;
        }"""
    )
    assert [eye["x"], eye["y"], eye["z"]] == pytest.approx([0.3, -2, 0.4], abs=1e-3)  # the camera works in float32


def test_slider_shows_one_slice(sound: Visit) -> None:
    shown = sound.page.evaluate(
        """async () => {
            const box = document.getElementById("figure-0");
            const count = () => box._fullData.filter((trace) => trace.visible === true).length;
            const steps = box.layout.sliders[0].steps;
            const counts = [];
            for (const step of [2, 0]) {
                await Plotly.restyle(box, ...steps[step].args);
                counts.push(count());
            }
            return counts;
        }"""
    )
    assert 0 < shown[0] < shown[1]


def test_chart_keeps_its_words_for_those_who_cannot_see_it(sound: Visit) -> None:
    assert sound.page.locator("#figure-0").get_attribute("aria-label") == "both"
    assert sound.page.locator("html").get_attribute("lang") == "en"


def test_a_dark_phone_stacks_scenes_and_shows_every_colour(browser: Open, tmp_path: Path) -> None:
    title = "A title that is far too long for one line of a telephone's screen, so that it would be cut"
    frame = pd.DataFrame(np.zeros((3, 9)), index=list("abc"), columns=[f"stage {k}" for k in range(9)])
    contents = [small_scene("A").beside(small_scene("B"), title=title), heat_map_row([HeatMap(frame, "R2", (0, 1))])]
    visit = browser(Page("A page", "", [Section("S", "", contents)]).save(tmp_path / "p.html"), "dark", width=390)
    visit.wait_until_drawn()
    look = visit.page.evaluate(
        """() => {
            const [scenes, map] = ["figure-0", "figure-1"].map((name) => document.getElementById(name));
            const full = scenes._fullLayout;
            const first = (scale) => scale[0][1];
            return {
                heights: [full.scene.domain.y, full.scene2.domain.y],
                widths: [full.scene.domain.x, full.scene2.domain.x],
                lines: full.title.text.split("<br>").length, page: document.documentElement.scrollWidth,
                colours: [first(full.coloraxis.colorscale), first(map._fullData[0].colorscale)], map: map.clientWidth,
            };
        }"""
    )
    assert look["heights"] == [[0.5, 1], [0, 0.5]]
    assert look["widths"] == [[0, 1], [0, 1]]
    assert look["lines"] >= 3
    assert look["page"] == 390, "nothing but the heat map's own box scrolls sideways"
    assert look["map"] > 450
    assert look["colours"] == [SEQUENTIAL_ON_DARK[0][1]] * 2
    visit.page.emulate_media(color_scheme="light")
    visit.page.wait_for_selector("html[data-theme=light]", state="attached", timeout=PATIENCE)
    again = visit.page.evaluate("() => document.getElementById('figure-1')._fullData[0].colorscale[0][1]")
    assert again == SEQUENTIAL[0][1]
    visit.assert_sound()


def hostile_page() -> Page:
    """Each hostile string as title, heading, prose, caption, label, species, hover, property, cell, footer."""
    frame = pd.DataFrame(np.eye(2), index=list(HOSTILE[:2]), columns=list(HOSTILE[2:4])).rename_axis(ALL)
    table = pd.DataFrame({text: [text, text] for text in HOSTILE})
    series = Series(ALL, [1.0, 2.0], [1.0, 2.0], [0.5, 1.5], [1.5, 2.5])
    contents = [
        small_scene(ALL, 4).beside(small_scene(ALL, 4), title=ALL),
        heat_map(frame, ALL, ALL, x_title=ALL, y_title=ALL, notes=frame.astype(str).map(lambda _: ALL)),
        line_chart([series, series], ALL, ALL, ALL),
        bars([ALL, ALL[::-1]], [series], ALL, ALL),
        parity([1.0, 2.0], [1.0, 2.1], ALL, ALL, groups=[ALL, "B"]),
        table,
    ]
    sections = [Section(ALL, ALL, contents, ALL), Section(ALL, ALL), Section(ALL, "x")]
    return Page(ALL, ALL, sections, Provenance("date", ALL, {ALL: ALL}, {ALL: ALL}, {ALL: ALL}))


@pytest.mark.parametrize("bypass_csp", [False, True], ids=["with-the-policy", "by-escaping-alone"])
def test_hostile_strings_execute_nowhere(browser: Open, tmp_path: Path, bypass_csp: bool) -> None:
    visit = browser(hostile_page().save(tmp_path / "hostile.html"), bypass_csp=bypass_csp)
    visit.wait_until_drawn()
    for figure in visit.page.locator(".figure").all():
        figure.hover(timeout=PATIENCE)  # in its middle, where there is something to tell
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate(WHO_RAN) == ""
    assert visit.page.evaluate("() => document.querySelectorAll('main img, [onerror], [onload]').length") == 0
    assert visit.page.evaluate("() => document.querySelectorAll('a[href^=javascript]').length") == 0
    visit.assert_sound()


@pytest.mark.parametrize(("guarded", "outcome"), [(False, "EXECUTED"), (True, "")], ids=["bare", "with-the-policy"])
def test_the_trap_fires_where_nothing_is_escaped(browser: Open, tmp_path: Path, guarded: bool, outcome: str) -> None:
    """The control: the strings do run on a bare page. And the policy alone stops them where escaping was forgotten."""
    guard = f'<meta http-equiv="Content-Security-Policy" content="{policy([])}">' if guarded else ""
    path = tmp_path / "bare.html"
    path.write_text(f"<!DOCTYPE html><html><head>{guard}</head><body>{ALL}</body></html>", encoding="utf-8")
    visit = browser(path)
    visit.page.wait_for_load_state("load")
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate(WHO_RAN) == outcome


def test_requests_and_exceptions_are_noticed(browser: Open, tmp_path: Path) -> None:
    """The control of `assert_sound`: a page that asks for something is caught, and so is one that throws."""
    path = tmp_path / "asks.html"
    path.write_text(
        "<img src='http://example.invalid/a.png'><script>throw new Error('lost')</script>", encoding="utf-8"
    )
    visit = browser(path)
    visit.page.wait_for_load_state("load")
    assert visit.requests == ["http://example.invalid/a.png"]
    assert any("lost" in complaint for complaint in visit.complaints)
    with pytest.raises(AssertionError):
        visit.assert_sound()

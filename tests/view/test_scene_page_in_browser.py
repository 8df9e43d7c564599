"""Does a scene's page draw from a disk without a network, in light and dark, and run no string?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from equiviz.view import Atoms, Camera, Glyphs, Scene
from equiviz.view.scene import SceneRow
from tests.browser_visits import PATIENCE
from tests.hostile_strings import HOSTILE
from tests.view.all_layers import moving_scene, whole_scene

if TYPE_CHECKING:
    from tests.browser_visits import Open, Visit


def drawn(visit: Visit, count: int = 1) -> None:
    visit.page.wait_for_function(
        f"() => document.querySelectorAll('[data-ready=\"true\"]').length === {count}", timeout=PATIENCE
    )


def pixels(visit: Visit, number: int = 0) -> np.ndarray:
    """What the canvas shows, ``[height, width, 3]``."""
    picture = visit.page.locator("canvas").nth(number).screenshot()
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_offline(tmp_path: Path, browser: Open, scheme: str) -> None:
    path = whole_scene().to_html(tmp_path / "scene.html")
    visit = browser(path, scheme=scheme)
    drawn(visit)
    shown = pixels(visit)
    paper = shown[2, 2]
    assert (paper.mean() > 200) == (scheme == "light")
    assert (np.abs(shown - paper).sum(-1) > 60).mean() > 0.02, "something is drawn"
    assert "12 particles coloured by mobility" in visit.page.inner_text("figcaption")
    visit.assert_sound()


def test_scenes_beside_each_other_are_turned_together(tmp_path: Path, browser: Open) -> None:
    path = SceneRow((whole_scene(), moving_scene()), "two").to_html(tmp_path / "row.html")
    visit = browser(path)
    drawn(visit, 2)
    before = pixels(visit, 1)
    box = visit.page.locator("canvas").nth(0).bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + 100, box["y"] + 150)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 220, box["y"] + 190, steps=4)
    visit.page.mouse.up()
    visit.page.wait_for_timeout(500)
    assert (np.abs(pixels(visit, 1) - before).sum(-1) > 60).mean() > 0.005
    visit.assert_sound()


@pytest.mark.parametrize("text", HOSTILE)
def test_no_string_runs(tmp_path: Path, browser: Open, text: str) -> None:
    path = whole_scene(title=text, label=text).to_html(tmp_path / "hostile.html")
    visit = browser(path)
    drawn(visit)
    visit.page.locator("canvas").first.hover()
    visit.page.wait_for_timeout(200)
    assert visit.page.evaluate("() => window.name") == ""
    visit.assert_sound()


def test_the_trap_does_fire(tmp_path: Path, browser: Open) -> None:
    """The same page with a title that was not escaped, and without the policy: the control of the test above."""
    path = whole_scene(title="A TITLE").to_html(tmp_path / "scene.html")
    assert isinstance(path, Path)
    path.write_text(path.read_text().replace("<h1>A TITLE</h1>", f"<h1>{HOSTILE[1]}</h1>"))
    visit = browser(path, bypass_csp=True)
    visit.page.wait_for_function("() => window.name === 'EXECUTED'")


def test_a_glyph_turned_by_d_looks_like_a_scene_turned_by_g(tmp_path: Path, browser: Open) -> None:
    """Coefficients turned by D(g) at turned places, seen by a turned camera: the same picture."""
    from equiviz.symmetry.field import Field
    from equiviz.symmetry.groups import haar

    g = haar(1, 5, "SO(3)")[0]
    turn = g.matrix.numpy()
    rng = np.random.default_rng(2)
    points, coefficients = rng.uniform(-3, 3, (6, 3)), rng.normal(size=(6, 16))
    turned = Field(torch.from_numpy(coefficients), "1x0e+1x1o+1x2e+1x3o", "node").transform(g).values.numpy()
    cameras = [(1.0, 0.4, 0.3), (0.0, 0.0, 1.0)]
    looks = [
        Camera(*(tuple((r @ np.array(v)).tolist()) for v in cameras), (0.0, 0.0, 0.0), 11.0) for r in (np.eye(3), turn)
    ]
    scenes = [
        Scene([Atoms(p, np.full(6, 0.1)), Glyphs(p, c, 0.4)], camera=look)
        for p, c, look in zip((points, points @ turn.T), (coefficients, turned), looks, strict=True)
    ]
    pictures = []
    for number, scene in enumerate(scenes):
        visit = browser(scene.to_html(tmp_path / f"{number}.html"))
        drawn(visit)
        pictures.append(pixels(visit))
        visit.assert_sound()
    inner = [picture[60:-60, 80:-80] for picture in pictures]  # without tripod, legend and toolbar
    differ = np.abs(inner[0] - inner[1]).sum(-1) > 90
    # Meshes of glyphs have their vertices elsewhere: outlines differ by a pixel here and there.
    assert differ.mean() < 0.01
    plain = Scene([Atoms(points, np.full(6, 0.1)), Glyphs(points, turned, 0.4)], camera=looks[0])
    visit = browser(plain.to_html(tmp_path / "control.html"))
    drawn(visit)
    control = pixels(visit)[60:-60, 80:-80]
    assert (np.abs(control - inner[0]).sum(-1) > 90).mean() > 0.03, "glyphs that are not turned back look different"

"""nglview, the real package: is a protein coloured in it, moved, chosen both ways, and is it taken where installed?"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import equiviz
from equiviz.holograms import Protein
from equiviz.view.cartoon_key import CartoonKey
from equiviz.view.colours import DIVERGING
from equiviz.view.errors import ViewError
from tests.apps.small_network import hostile_protein, small_network, two_frames, written
from tests.browser_visits import Visit
from tests.hostile_strings import HOSTILE, PAYLOAD
from tests.interop.one_environment import only_in
from tests.jupyter_lab import jupyter_lab, run_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from equiviz.apps.protein_explorer.face import ProteinExplorer

pytestmark = only_in("nglview")

KEY = CartoonKey("score (nats)", -1.0, 1.0, DIVERGING)
MARK = (220, 20, 120)
MAKE = """
import gzip
import warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
import equiviz
from pathlib import Path
from equiviz.datasets.proteins.rhodopsin import rhodopsin
from tests.apps.small_network import hostile_protein, small_network, written
"""
EXPLORE = """
lines = gzip.decompress(rhodopsin().read_bytes()).decode().splitlines()
first_helix = [line for line in lines if line.startswith("ATOM") and 33 <= int(line[22:26]) <= 64]
Path("helix.pdb").write_text("\\n".join([*first_helix, "END", ""]))
e = equiviz.explore("helix.pdb", model=small_network())
e.choose(9)
e
"""
FRAMED = """[document.querySelector(".equiviz-protein .js-plotly-plot")?.layout?.shapes?.[0]]
  .map((frame) => (frame ? (frame.x0 + frame.x1) / 2 : -1))[0]"""
# nglview keeps its stage to itself; its view hangs at the widget of JupyterLab that shows it. The CA nearest to the eye
# is hidden by nothing, so a click there means it. nglview counts pixels from the lower left corner.
NEAREST_RESIDUE = """() => {
  const walk = (w) => w._view?.stage?.viewer ? w._view.stage : [...(w.children?.() ?? [])].map(walk).find(Boolean);
  const stage = walk(window.jupyterapp.shell.currentWidget);
  const alphas = [];
  stage.compList[0].structure.eachAtom((atom) => {
    if (atom.atomname !== "CA") return;
    const place = atom.positionToVector3();
    const { x, y } = stage.viewerControls.getPositionOnCanvas(place);
    const eye = stage.viewer.rotationGroup.localToWorld(place.add(stage.viewer.translationGroup.position));
    alphas.push({ site: atom.residueIndex, x, y, far: eye.distanceTo(stage.viewer.camera.position) });
  });
  return alphas.reduce((one, other) => (other.far < one.far ? other : one));
}"""
MARKED = """() => {
  const walk = (w) => w._view?.stage?.viewer ? w._view.stage : [...(w.children?.() ?? [])].map(walk).find(Boolean);
  const stage = walk(window.jupyterapp.shell.currentWidget);
  const mark = stage?.compList[0]?.reprList.find((drawn) => drawn.name === "equiviz_mark");
  return (mark?.repr.bufferList.length ?? 0) > 0;
}"""


def cartoon_of(protein: Protein, frames: np.ndarray | None = None) -> Any:
    from equiviz.view.peers.nglview_cartoon import NglviewCartoon

    return NglviewCartoon(protein, frames)


def opened(tmp_path: Path, **changes: object) -> ProteinExplorer:
    made: Any = equiviz.explore(written(tmp_path), model=small_network(), **changes)  # type: ignore[arg-type]
    return made


def messages(cartoon: Any) -> list[dict[str, Any]]:
    """What the view was told, as the page hears it when it connects."""
    return list(cartoon.view._ngl_msg_archive)


def schemes() -> dict[str, list[list[str]]]:
    """By name, a colour and a selection for each residue, as the page's registry hears it."""
    from nglview.color import ColormakerRegistry

    told = [sent["args"] for sent in ColormakerRegistry._msg_ar if sent["methodName"] == "addSelectionScheme"]
    return {name: pairs for name, pairs in told}


# --- without a browser


def test_it_is_the_default_where_it_is_installed(tmp_path: Path) -> None:
    from equiviz.view.cartoon import Cartoon
    from equiviz.view.peers.nglview_cartoon import NglviewCartoon

    assert isinstance(opened(tmp_path).cartoon, NglviewCartoon)
    assert isinstance(opened(tmp_path, viewer="nglview").cartoon, NglviewCartoon)
    assert isinstance(opened(tmp_path, viewer="3dmol").cartoon, Cartoon), "the choice is one argument"


def test_each_residue_has_its_colour(tmp_path: Path) -> None:
    protein = Protein.read(written(tmp_path))
    cartoon = cartoon_of(protein)
    colours = [f"#{k:02x}{255 - k:02x}40" for k in range(len(protein.numbers))]
    cartoon.paint(colours, ["x"] * len(colours), KEY)
    drawn = [sent["kwargs"]["color"] for sent in messages(cartoon) if sent["args"] == ["cartoon"]]
    scheme = schemes()[drawn[-1]]
    assert [colour for colour, _ in scheme] == colours
    for residue, (_, selection) in enumerate(scheme):
        rows = [int(word) for word in selection.removeprefix("@").split(",")]
        assert protein.residue[rows].tolist() == [residue] * len(rows), "an atom of another residue"
    assert "score (nats)" in cartoon.key.value
    with pytest.raises(ViewError, match="for each of 40 residues, got 39 and 40"):
        cartoon.paint(colours[1:], ["x"] * 40, KEY)


def test_residues_are_chosen_both_ways(tmp_path: Path) -> None:
    explorer = opened(tmp_path)
    explorer.choose(3)
    rows = np.flatnonzero(explorer.subject.protein.residue == 3).tolist()
    marked = messages(explorer.cartoon)[-1]
    assert marked["methodName"] == "addRepresentation"
    assert marked["kwargs"]["sele"] == "@" + ",".join(map(str, rows))
    atom = int(np.flatnonzero(explorer.subject.protein.residue == 9)[1])
    explorer.cartoon.view.picked = {"atom1": {"index": atom}}  # type: ignore[union-attr]
    assert (explorer.banner.problem, explorer.site, explorer.cartoon.selected) == ("", 9, 9)
    for nothing in ({}, {"atom1": {"index": 99_999}}, {"atom1": {"index": "0"}}, {"bond": {}}):
        explorer.cartoon.view.picked = nothing  # type: ignore[union-attr]
        assert explorer.site == 9


def test_what_a_page_hears_does_not_grow_with_use(tmp_path: Path) -> None:
    from nglview.color import ColormakerRegistry

    protein = Protein.read(written(tmp_path))
    cartoon = cartoon_of(protein)

    def used(times: int) -> tuple[int, int, int]:
        for k in range(times):
            cartoon.paint([f"#{k:02x}{k:02x}40"] * len(protein.numbers), ["x"] * len(protein.numbers), KEY)
            cartoon.selected = k
        return len(messages(cartoon)), len(ColormakerRegistry._msg_ar), len(ColormakerRegistry._msg_q)

    other = cartoon_of(protein)
    other.paint(["#102030"] * 40, ["x"] * 40, KEY)
    assert used(2) == used(9)
    assert len({pairs[0][0] for pairs in schemes().values()} & {"#102030", "#080840"}) == 2, "each its last colours"
    cartoon.view.add_representation("surface", component=1)
    used(1)
    assert any(sent["args"] == ["surface"] for sent in messages(cartoon)), "another component is not ours"


def test_frames_move_the_atoms(tmp_path: Path) -> None:
    explorer: Any = equiviz.explore(two_frames(tmp_path), model=small_network())
    explorer.controls.frame.value = 1
    assert (explorer.banner.problem, explorer.cartoon.frame) == ("", 1)
    first, second = explorer.subject.frames
    sent = explorer.cartoon.view._coordinates_dict[0]
    np.testing.assert_allclose(sent, second - first.mean(0), atol=1e-4)  # Å; float32 on the wire
    explorer.controls.frame.value = 0
    np.testing.assert_allclose(explorer.cartoon.view._coordinates_dict[0], first - first.mean(0), atol=1e-4)


def test_no_word_of_a_file_is_sent(tmp_path: Path) -> None:
    explorer: Any = equiviz.explore(hostile_protein(tmp_path), model=small_network())
    explorer.choose(3)
    text = repr(messages(explorer.cartoon)) + repr(schemes()) + explorer.cartoon.key.value
    assert not any(word in text for word in (*HOSTILE, PAYLOAD, "onerror", "<script"))
    explorer.cartoon.selected = 23
    assert "is no site. Sites are standard amino acids" in explorer.banner.problem
    assert explorer.cartoon.selected == explorer.subject.residue(3)


# --- in a real JupyterLab


def picture(visit: Visit) -> np.ndarray:
    from PIL import Image

    shot = visit.page.locator(".equiviz-left canvas, .jp-OutputArea-output canvas").first.screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)  # [H, W, 3]


def coloured(picture: np.ndarray) -> np.ndarray:
    """Pixels that are neither grey nor white nor the mark's pink. ``[H, W]``."""
    far = np.abs(hue(picture) - hue(np.array(MARK))) > 0.06
    return (np.ptp(picture, axis=2) > 60) & far


def marked(picture: np.ndarray) -> np.ndarray:
    near = np.abs(hue(picture) - hue(np.array(MARK))) < 0.03
    return (np.ptp(picture, axis=2) > 90) & near


def hue(picture: np.ndarray) -> np.ndarray:
    import colorsys

    flat = picture.reshape(-1, 3) / 255
    return np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in flat.tolist()]).reshape(picture.shape[:-1])


def wait_for(visit: Visit, holds: Any, seconds: int = 300) -> np.ndarray:
    for _ in range(seconds // 2):
        visit.page.wait_for_timeout(2000)
        seen = picture(visit)
        if holds(seen):
            return seen
    raise AssertionError("the picture did not become what was expected")


def chosen(visit: Visit) -> float:
    """The column that the heat map frames."""
    return float(visit.page.evaluate(f"() => {FRAMED}"))


def test_it_draws_colours_and_is_clicked_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    write_notebook(tmp_path / "protein.ipynb", MAKE + EXPLORE)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "protein.ipynb", width=1300)
        visit.page.locator(".equiviz-left canvas").first.wait_for()
        seen = wait_for(visit, lambda shown: marked(shown).sum() > 30 and coloured(shown).sum() > 1000)
        assert np.ptp(hue(seen)[coloured(seen)]) > 0.2, "one colour for all: the scheme did not arrive"
        visit.page.wait_for_function(f"{FRAMED} === 9")  # Python's choice
        box = visit.page.locator(".equiviz-left canvas").first.bounding_box()
        assert box is not None
        nearest = visit.page.evaluate(NEAREST_RESIDUE)
        assert nearest["site"] != 9, "a click there would prove nothing"
        across, down = box["x"] + nearest["x"], box["y"] + box["height"] - nearest["y"]
        visit.page.mouse.move(across, down)
        visit.page.mouse.click(across, down)
        visit.page.wait_for_function(f"{FRAMED} !== 9")
        assert chosen(visit) == nearest["site"], "another residue than the one under the mouse"
        visit.page.context.close()
    visit.assert_sound()


def test_a_hostile_file_runs_nothing_in_jupyterlab(chromium: Browser, tmp_path: Path) -> None:
    """`show` hands the text of the file itself to nglview; the explorer writes its own."""
    bad = written(tmp_path, 24, "bad.pdb")
    lines = [f"TITLE     {word}" for word in HOSTILE] + [
        line[:12] + "<b>x" + line[16:] if line[12:16] == " CB " else line for line in bad.read_text().splitlines()
    ]
    bad.write_text("\n".join(lines))
    show = "from equiviz import show\nshow('bad.pdb', backend='nglview')"
    explore = "e = equiviz.explore(hostile_protein(Path('.')), model=small_network())\ne.choose(3)\ne"
    write_notebook(tmp_path / "hostile.ipynb", MAKE + explore, show)
    with jupyter_lab(tmp_path) as address:
        visit = run_notebook(chromium, address, "hostile.ipynb", width=1300)
        visit.page.locator(".equiviz-left canvas").first.wait_for()
        visit.page.wait_for_function(MARKED)  # not its pixels: atoms at random are no cartoon, and the mark lies aside
        visit.page.wait_for_timeout(5000)
        assert visit.page.locator(".jp-OutputArea-output canvas").count() >= 4, "show drew no view of its own"
        assert visit.page.evaluate("() => window.name") != "EXECUTED"
        visit.page.context.close()
    visit.assert_sound()

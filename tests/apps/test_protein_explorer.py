"""Does the explorer of proteins link cartoon, scan and neighbourhood, say what fails, and read what it is given?"""

from __future__ import annotations

import struct
from pathlib import Path
from threading import current_thread, main_thread

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import equiviz
from equiviz.apps.explorer import pace
from equiviz.apps.protein_explorer.colourings import ENTROPY, MUTATION, all_colourings
from equiviz.apps.protein_explorer.controls import SHARES
from equiviz.apps.protein_explorer.densities import cloud
from equiviz.apps.protein_explorer.drawing import ORDER, ORDERED
from equiviz.apps.protein_explorer.face import ProteinExplorer
from equiviz.apps.protein_tour import ProteinTour, tour_protein
from equiviz.cli import app
from equiviz.equivariance.check_widget.look import trace_of
from equiviz.explain.proteins.scan import surroundings
from equiviz.holograms import Protein, density, project
from equiviz.models.hcnn import Hcnn
from equiviz.nn.errors import ModelError
from equiviz.structures.errors import StructureError
from equiviz.structures.formats.trr import read_trr
from equiviz.training.checkpoint import Manifest, save_checkpoint
from equiviz.training.load import Ensemble
from equiviz.view.cartoon import Cartoon
from equiviz.view.errors import MissingLibrary
from equiviz.view.layers import Atoms, Bonds
from tests.apps.small_network import hostile_protein, small_network, two_frames, written
from tests.toy_networks import molecule, toy


@pytest.fixture(scope="module")
def network() -> Hcnn:
    return small_network()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path)


@pytest.fixture
def explorer(network: Hcnn, path: Path) -> ProteinExplorer:
    made = equiviz.explore(path, model=network, viewer="3dmol")
    assert isinstance(made, ProteinExplorer)
    return made


@pytest.fixture(autouse=True)
def _no_loop_of_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright leaves a loop running in the main thread."""
    real = pace._loop
    monkeypatch.setattr(pace, "_loop", lambda: None if current_thread() is main_thread() else real())


# --- how it is opened


def test_all_ways_to_say_it_open_it(network: Hcnn, path: Path, tmp_path: Path) -> None:
    weights = save_checkpoint(tmp_path / "weights", network, Manifest("hcnn", _settings(network)))
    for made in (
        equiviz.explore(str(path), model=network),
        equiviz.explore(network, path),
        equiviz.explore(model=network, structures=path),
        equiviz.explore(path, model=str(weights)),
        equiviz.explore(Protein.read(path), model=network),
    ):
        assert isinstance(made, ProteinExplorer)
        assert len(made.scan) == 40


def _settings(network: Hcnn) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(network.config)


def test_graph_models_open_as_before() -> None:
    model = toy(velocity=True)
    assert (
        equiviz.explore(model, [molecule()]).describe()
        == equiviz.explore(structures=[molecule()], model=model).describe()
    )


def test_what_cannot_be_opened_is_told(network: Hcnn, path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"Expected a model, got a str\. Say which one is to look: explore\('x.pdb', model"
    ):
        equiviz.explore("x.pdb")
    with pytest.raises(ModelError, match="Expected something that the model can see"):
        equiviz.explore(toy())
    with pytest.raises(ModelError, match="one thing to look at beside model="):
        equiviz.explore(path, [path], model=network)
    with pytest.raises(
        ModelError, match=r"reads proteins\. Expected the path of a PDB or mmCIF file, or a Protein, got Str"
    ):
        equiviz.explore(network, molecule())
    with pytest.raises(ModelError, match="one at a time"):
        equiviz.explore(network, path, network)
    with pytest.raises(ModelError, match="Expected viewer 'auto', 'nglview', '3dmol', got 'vmd'"):
        equiviz.explore(network, path, viewer="vmd")  # type: ignore[arg-type]


def test_nglview_is_taken_where_it_draws(
    network: Hcnn, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real nglview: tests/interop/test_nglview.py."""
    with pytest.raises(MissingLibrary, match=r"needs? nglview==4\.0.*equiviz\[nglview\]"):
        equiviz.explore(path, model=network, viewer="nglview")
    made = tmp_path / "installed" / "nglview-4.0.1.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: nglview\nVersion: 4.0.1\n")
    monkeypatch.syspath_prepend(str(made.parent))
    with pytest.raises(MissingLibrary, match=r"nglview 4\.0\.1 asks for a script that it does not bring"):
        equiviz.explore(path, model=network, viewer="nglview")
    explorer = equiviz.explore(path, model=network)
    assert isinstance(explorer, ProteinExplorer)
    assert isinstance(explorer.cartoon, Cartoon), "a version that does not draw is not taken unasked"


def test_without_a_file_rhodopsin_moves(network: Hcnn) -> None:
    explorer = equiviz.explore(network, viewer="3dmol")
    assert isinstance(explorer, ProteinExplorer)
    assert explorer.scan.name == "rhodopsin"
    assert explorer.subject.frames is not None
    assert len(explorer.subject.frames) == explorer.controls.frame.max + 1 == 27
    explorer.controls.frame.value = 13
    assert (explorer.banner.problem, explorer.cartoon.frame) == ("", 13)
    assert not torch.allclose(explorer.subject.scan(0).preferences, explorer.scan.preferences)


# --- what is linked


def test_a_residue_of_the_cartoon_is_shown_everywhere(explorer: ProteinExplorer) -> None:
    explorer.cartoon.selected = 7
    assert (explorer.site, explorer.controls.site.value) == (7, 7)
    bars = trace_of(explorer.charts.figure, "preferences")
    np.testing.assert_allclose(bars["y"], explorer.scan.log_probabilities[7].exp()[list(ORDER)])
    assert explorer.charts.figure.layout.shapes[0].x0 < 7 < explorer.charts.figure.layout.shapes[0].x1
    assert explorer.scan.sites[7] in explorer.words.value
    assert explorer.surroundings.view.scene.layers[-1].texts == ("A GLY 8 CA",)


def test_a_cell_of_the_map_chooses_site_and_amino_acid(explorer: ProteinExplorer) -> None:
    from plotly.callbacks import InputDeviceState, Points

    trace = trace_of(explorer.charts.figure, "scan")
    trace._dispatch_on_click(Points(point_inds=[[3, 12]], xs=[12], ys=["W"]), InputDeviceState())
    assert (explorer.site, explorer.cartoon.selected) == (12, 12)
    assert explorer.amino_acid == ORDER[ORDERED.index("W")]
    assert dict(explorer.controls.asked.options)["TRP"] == explorer.controls.asked.value
    assert explorer.charts.figure.layout.shapes[1].visible
    bars = trace_of(explorer.charts.figure, "preferences")
    bars._dispatch_on_click(Points(point_inds=[0], xs=[0], ys=[0.1]), InputDeviceState())
    assert explorer.amino_acid == ORDER[0]


def test_buttons_numbers_and_words_choose_a_site(explorer: ProteinExplorer) -> None:
    explorer.choose(0)
    explorer.controls.back.click()
    assert explorer.site == 39
    explorer.controls.forth.click()
    assert explorer.site == 0
    explorer.controls.site.value = 5
    assert explorer.cartoon.selected == 5
    for words, site in (("A 42", 5), ("a 12", 11), ("13", 12), ("A PRO 15", 14)):
        explorer.controls.search.value = words
        assert explorer.site == site
    explorer.controls.search.value = "B 1"
    assert "has no site B 1. Chains with sites: A" in explorer.banner.problem
    explorer.controls.search.value = "what?"
    assert "Expected a chain and a number" in explorer.banner.problem
    assert explorer.site == 14


def test_colours_follow_the_menus(explorer: ProteinExplorer) -> None:
    before = list(explorer.cartoon.colours)
    explorer.controls.kind.value = ENTROPY
    assert explorer.cartoon.key["title"] == "entropy (nats)"
    assert explorer.cartoon.colours != before
    explorer.controls.kind.value = MUTATION
    explorer.controls.mutant.value = 17
    assert explorer.cartoon.key["title"].startswith("mutation score to TRP")
    assert len(all_colourings(explorer.scan)) == 22


def test_the_neighbourhood_shows_elements_or_shares_and_a_density(explorer: ProteinExplorer) -> None:
    explorer.choose(20)
    layers = explorer.surroundings.view.scene.layers
    assert [type(layer) for layer in layers[:3]] == [Atoms, Bonds, Atoms]
    assert set(layers[0].labels) <= {"C", "N", "O", "S"}
    explorer.controls.painting.value = SHARES
    reasons = explorer.subject.reasons(20, explorer.amino_acid)
    np.testing.assert_allclose(explorer.surroundings.view.scene.layers[0].values, reasons.scores)
    explorer.controls.channel.value = -1
    assert sum(isinstance(layer, Atoms) for layer in explorer.surroundings.view.scene.layers) == 2


def test_a_click_is_told_where_it_fails(explorer: ProteinExplorer, monkeypatch: pytest.MonkeyPatch) -> None:
    site = explorer.site

    def broken(*_: object) -> None:
        raise ValueError("planted")

    with monkeypatch.context() as patch:
        patch.setattr(explorer.subject, "reasons", broken)
        explorer.cartoon.selected = (site + 1) % 40
    assert explorer.banner.problem.startswith("ValueError: planted\nTraceback")
    assert "planted" in explorer.banner.line.value
    assert explorer.site == site
    explorer.cartoon.selected = (site + 2) % 40
    assert (explorer.banner.problem, explorer.site) == ("", (site + 2) % 40)


def test_residues_that_are_no_sites_are_told(network: Hcnn, tmp_path: Path) -> None:
    explorer = equiviz.explore(network, hostile_protein(tmp_path))
    assert isinstance(explorer, ProteinExplorer)
    explorer.choose(3)
    explorer.cartoon.selected = 23
    assert "is no site. Sites are standard amino acids" in explorer.banner.problem
    assert explorer.cartoon.selected == explorer.subject.residue(3)
    assert "<script" not in explorer.words.value + explorer.banner.line.value


# --- densities


def test_the_cloud_is_per_distance_and_steradian(path: Path) -> None:
    hologram = project(path, n_max=8, l_max=3)
    one = type(hologram).of(hologram.coefficients[7:8], hologram.channels, hologram.basis)
    found = cloud(one, 0, 10.0, share=0.3)
    expected = density(one, torch.from_numpy(found.positions))[0, 0].numpy() / 10.0**3
    expected *= np.square(found.positions).sum(1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-5)
    assert found.values.min() > 0.3 * found.peak
    assert found.unit == "per Å and steradian"


def test_a_cloud_stands_where_the_atoms_are(network: Hcnn, path: Path) -> None:
    explorer = equiviz.explore(network, path)
    assert isinstance(explorer, ProteinExplorer)
    around = explorer.subject.around
    own = around.neighbours[around.first[20] : around.first[21]]
    offsets = (around.protein.positions[own] - around.centres[20])[around.protein.elements[own] == 6]
    found = cloud(explorer.subject.hologram(20), 0, around.radius, share=0.8)
    away = np.linalg.norm(found.positions[:, None] - offsets[None], axis=2).min(1)
    assert np.median(away) < 2.0  # Å; l goes up to 2 only


# --- frames


def test_a_file_that_is_not_there_is_told_before_libraries_that_are_not(
    network: Hcnn, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    for given, options in ((tmp_path / "nofile.pdb", {}), (path, {"trajectory": tmp_path / "nofile.trr"})):
        with pytest.raises(StructureError, match=r"nofile\.\w+: no such file"):
            equiviz.explore(given, model=network, **options)
    with pytest.raises(StructureError, match=r"nofile\.xyz: no such file"):
        equiviz.explore(toy(), [molecule(), str(tmp_path / "nofile.xyz")])
    with pytest.raises(MissingLibrary, match=r"This needs anywidget\. Install it with"):
        equiviz.explore(path, model=network)


def test_an_ensemble_is_checked_by_its_first_network(network: Hcnn, path: Path) -> None:
    model = Ensemble([network, small_network()])
    model.called = "two"
    journey = ProteinTour(model, surroundings(model, path), "two")
    assert {finding.stage.split(".")[0] for finding in journey.equivariance.findings} >= {"output"}
    assert not any("member" in finding.stage for finding in journey.equivariance.findings)
    assert "the first of the 2 networks whose mean two is, at 8 of the" in journey.describe()


def test_models_of_a_file_are_frames(network: Hcnn, tmp_path: Path) -> None:
    explorer = equiviz.explore(network, two_frames(tmp_path))
    assert isinstance(explorer, ProteinExplorer)
    first = explorer.scan.preferences
    explorer.controls.frame.value = 1
    assert explorer.cartoon.frame == 1
    assert not torch.allclose(first, explorer.scan.preferences)
    second = [line for line in two_frames(tmp_path).read_text().split("MODEL        2\n")[1].splitlines()]
    alone = tmp_path / "second.pdb"
    alone.write_text("\n".join(second))
    torch.testing.assert_close(explorer.scan.preferences, equiviz.explore(network, alone).scan.preferences)


def test_a_trajectory_of_gromacs(network: Hcnn, path: Path, tmp_path: Path) -> None:
    atoms = len(Protein.read(path))
    moved = [Protein.read(path).positions + shift for shift in (0.0, 1.0)]
    trajectory = tmp_path / "x.trr"
    trajectory.write_bytes(b"".join(trr_frame(positions) for positions in moved))
    np.testing.assert_allclose(read_trr(trajectory), moved, atol=1e-4)
    explorer = equiviz.explore(network, path, trajectory=trajectory)
    assert isinstance(explorer, ProteinExplorer)
    assert explorer.subject.frames is not None
    assert explorer.subject.frames.shape == (3, atoms, 3)
    for content in (b"", b"GROMACS", trajectory.read_bytes()[:-1], b"\xff" * 500):
        trajectory.write_bytes(content)
        with pytest.raises(StructureError, match=r"x\.trr"):
            read_trr(trajectory)


def trr_frame(positions: np.ndarray) -> bytes:
    """Positions in Å as one frame, single precision, with a box."""
    count = len(positions)
    sizes = (0, 0, 36, 0, 0, 0, 0, 12 * count, 0, 0)
    head = struct.pack(">iii12s13i", 1993, 13, 12, b"GMX_trn_file", *sizes, count, 0, 0)
    box = np.eye(3, dtype=">f4").tobytes()
    return head + struct.pack(">ff", 0.0, 0.0) + box + (positions / 10).astype(">f4").tobytes()


# --- the tour


def test_the_tour_writes_its_page(network: Hcnn, path: Path, tmp_path: Path) -> None:
    weights = save_checkpoint(tmp_path / "weights", network, Manifest("hcnn", _settings(network)))
    out = tmp_path / "protein.html"
    result = CliRunner().invoke(app, ["tour", "protein", str(path), "--out", str(out), "--model", str(weights)])
    assert result.exit_code == 0, result.output
    assert f"The report is at {out}" in result.output
    assert "95 % interval" in result.output
    assert "Checked at 8 of the 40 sites." in result.output
    page = out.read_text()
    headings = ["Explore helix", "Where does the wild type", "How often is the wild type", "Is it equivariant?"]
    places = [page.index(f"<h2>{heading}") for heading in headings]
    assert places == sorted(places), "the protein comes first"
    for words in ("keeps what it claims", "95 % interval"):
        assert page.count(words) == 1, "what the lead says is not said again"
    with pytest.raises(ModelError, match="reads no holograms of proteins"):
        tour_protein(out, path, "glassy-T044")

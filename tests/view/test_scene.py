"""Does a scene hold what it was given, survive a file, and draw shapes where the particles are?"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from equiviz.view import (
    Arrows,
    Atoms,
    Bonds,
    Camera,
    CellBox,
    ColourScale,
    Glyphs,
    Labels,
    Scene,
    SceneFileError,
    Slab,
    ViewError,
    geometry,
)
from equiviz.view.errors import MissingLibrary
from equiviz.view.packet import read_packet, write_packet
from equiviz.view.shared_ranges import with_shared_ranges
from equiviz.view.slices import Slices
from equiviz.view.wire import scene_packet
from tests.view.all_layers import moving_scene, whole_scene


def cloud(count: int) -> np.ndarray:
    return np.random.default_rng(count).uniform(0, 8, (count, 3))


def scene(count: int = 30, slab: Slab | None = None) -> Scene:
    positions = cloud(count)
    values = positions[:, 0] - 4
    values[0] = np.nan
    labels = tuple("AB"[k % 2] for k in range(count))
    scale = ColourScale("mobility", "σ", "diverging", -3.0, 3.0)
    atoms = Atoms(positions, np.full(count, 0.4), values, scale, labels, labels)
    layers = [
        atoms,
        Arrows(positions, positions - 4, scale=ColourScale("shift", "σ"), magnify=0.5),
        CellBox(8 * np.eye(3)),
    ]
    return Scene(layers, "glass", "σ", slab)


@pytest.mark.parametrize("refinements", [0, 1, 2])
def test_spheres_are_closed_round_and_look_outwards(refinements: int) -> None:
    vertices, faces = geometry.icosphere(refinements)
    assert np.allclose(np.linalg.norm(vertices, axis=1), 1)
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all(), "each edge belongs to two faces"
    assert (np.linalg.det(vertices[faces]) > 0).all()
    mesh = geometry.spheres(cloud(5), np.arange(1.0, 6.0), refinements)
    away = np.linalg.norm(mesh.vertices - cloud(5)[mesh.owner], axis=1)
    assert np.allclose(away, np.arange(1.0, 6.0)[mesh.owner], atol=1e-5)  # vertices are float32


def test_arrows_end_where_their_vectors_say() -> None:
    vectors = np.array([[0, 0, 2.0], [1, 1, 1], [0, 0, 0], [-3, 0, 0]])
    mesh = geometry.arrows(cloud(4), vectors, 0.1)
    assert np.isfinite(mesh.vertices).all(), "an arrow without length is a point"
    for k, vector in enumerate(vectors):
        own = mesh.vertices[mesh.owner == k]
        tip = own[-7:].mean(axis=0)  # the last ring is the tip
        assert np.allclose(tip, cloud(4)[k] + vector, atol=1e-5)


@pytest.mark.parametrize("make", [lambda: scene(slab=Slab("x", 2.0, 1.0)), whole_scene, moving_scene])
def test_scene_survives_its_file(tmp_path: Path, make) -> None:
    before = make()
    after = Scene.load(before.save(tmp_path / "glass.eqv"))
    assert (after.title, after.length_unit, after.slab) == (before.title, before.length_unit, before.slab)
    assert after.camera == before.camera
    assert after.describe() == before.describe()
    assert after.figure().to_json() == before.figure().to_json()
    assert scene_packet(after) == scene_packet(before)
    assert np.array_equal(after.layers[0].positions, before.layers[0].positions), "nothing is rounded"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=3), "expected version 2 of the scene format, got 3"),
        (lambda d: d.update(format="x"), "expected a file with the format 'equiviz-scene'"),
        (lambda d: d.update(scene=None), "the scene is missing"),
        (lambda d: d["scene"]["layers"][0].update(kind="__import__"), "the scene is damaged"),
        (lambda d: d["scene"]["layers"][0].update(positions=np.zeros((9, 2))), "the scene is damaged"),
        (lambda d: d["scene"]["layers"][0].update(positions=[[0.0, 0.0, 0.0]]), "an array for positions"),
        (lambda d: d["scene"]["layers"][0].update(radii=np.zeros(2)), "one number per object"),
        (lambda d: d["scene"]["layers"][0]["scale"].update(kind="rainbow"), "unknown kind of colour scale"),
        (lambda d: d["scene"].pop("layers"), "the scene is damaged"),
        (lambda d: d["scene"].update(slab={"axis": "z", "other": 1}), "the scene is damaged"),
        (lambda d: d["scene"].update(slab={"axis": "xy"}), "expected the axis 'x', 'y' or 'z', got 'xy'"),
        (lambda d: d["scene"]["camera"].update(up=[1.0]), "three numbers for each vector"),
        (lambda d: d["scene"]["camera"].update(up=[0.0, 0.0, 0.0]), "not zero"),
        (lambda d: d["scene"]["frames"].append({"label": "", "changes": {"7": {}}}), "layers that are not there"),
        (lambda d: d["scene"].update(slab={"axis": "z", "start": "<b>"}), "the scene is damaged"),
        (lambda d: d["scene"]["layers"][0].update(colour="</script><script>"), "expected a colour such as"),
        (lambda d: d["scene"]["frames"].append({"label": "", "changes": {"0": {"radii": np.ones(9)}}}), "in a frame"),
        (lambda d: d["scene"]["frames"].append({"label": "", "changes": {"0": {"positions": np.ones(9)}}}), "damaged"),
    ],
)
def test_damaged_file_is_refused_with_the_reason(tmp_path: Path, change, message: str) -> None:
    path = scene().save(tmp_path / "glass.eqv")
    document = read_packet(path.read_bytes())
    change(document)
    path.write_bytes(write_packet(document))
    with pytest.raises(SceneFileError, match=message) as caught:
        Scene.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2", b"[" * 100_000, b"3"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(SceneFileError, match="expected"):
        Scene.load(tmp_path / "other")


def test_a_missing_file_is_a_scene_file_error(tmp_path: Path) -> None:
    for place in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(SceneFileError, match="expected a scene file, there is none"):
            Scene.load(place)


def test_slices_hold_every_particle_once() -> None:
    sliced = scene(60, Slab("z", 2.0))
    slices = Slices.of([sliced])
    assert slices.count == np.ceil(2 * np.ptp(cloud(60)[:, 2]) / 2.0)
    assert (np.diff(slices.edges[slices.index(cloud(60))]) < 8).all()
    figure = sliced.figure()
    balls = [trace for trace in figure.data if trace.name in ("A", "B")]
    counted = np.concatenate([np.unique(trace.customdata) for trace in balls])
    assert sorted(counted.tolist()) == list(range(60))
    steps = figure.layout.sliders[0].steps
    assert all(steps[0].args[0]["visible"])
    assert 0 < sum(steps[1].args[0]["visible"]) < len(figure.data)


def test_many_particles_become_points() -> None:
    kinds = {
        trace.type for trace in Scene([Atoms(cloud(3_000), np.full(3_000, 0.1), cloud(3_000)[:, 0])]).figure().data
    }
    assert kinds == {"scatter3d"}


def test_equal_scales_share_a_colour_bar() -> None:
    figure = scene().beside(scene()).figure()
    bars = [name for name in figure.layout.to_plotly_json() if name.startswith("coloraxis")]
    assert len(bars) == 2  # mobility and shift, each once for both scenes
    space = figure.layout.scene2  # a unit of length is as long along every axis
    units = [space.aspectratio[axis] / np.ptp(space[f"{axis}axis"].range) for axis in "xyz"]
    assert np.allclose(units, units[0])


def test_colour_scale_is_centred_and_never_empty() -> None:
    low, high = ColourScale(kind="diverging").limits(np.array([-1.0, 5.0, np.nan]))
    assert low == -high
    low, high = ColourScale().limits(np.full(4, 2.0))
    assert low < 2 < high
    assert ColourScale(low=0.0, high=1.0).limits(np.array([5.0])) == (0, 1)
    assert ColourScale().limits(np.array([np.nan])) == (0, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Atoms(np.zeros((2, 2)), np.ones(2)), r"Atoms.positions: expected shape \[N, 3\], got \[2, 2\]"),
        (lambda: Atoms(np.full((2, 3), np.nan), np.ones(2)), "finite numbers, got NaN or infinity in row 0"),
        (lambda: Atoms(np.zeros((2, 3)), np.ones(3)), r"Atoms.radii: expected one number per object, shape \[2\]"),
        (lambda: Atoms(np.zeros((2, 3)), np.array([1, np.nan])), "Atoms.radii: expected finite lengths from 0 on"),
        (lambda: Atoms(np.zeros((2, 3)), np.array([1, -1])), "Atoms.radii: expected finite lengths from 0 on"),
        (lambda: Atoms(np.zeros((2, 3)), np.ones(2), labels=("a",)), "one per atom, 2 in all, got 1"),
        (lambda: Arrows(np.zeros((2, 3)), np.zeros((1, 3))), "as many vectors as origins, got 1 and 2"),
        (lambda: Slab("w"), "Slab: expected the axis 'x', 'y' or 'z', got 'w'"),
        (lambda: Slab(thickness=0.0), "Slab: expected a positive thickness, got 0.0"),
        (
            lambda: Glyphs(np.zeros((2, 3)), np.zeros((1, 4))),
            r"one row per origin, \[2, .*got shape \[1, 4\]",
        ),
        (lambda: Glyphs(np.zeros((2, 3)), np.zeros((2, 5))), r"\(L\+1\)\^2 columns for an L up to 12, got 5"),
        (lambda: Glyphs(np.zeros((1, 3)), np.full((1, 4), np.inf)), "Glyphs.coefficients: expected finite numbers"),
        (lambda: Bonds(np.array([[0.5, 1]])), "expected integers of shape"),
        (lambda: Bonds(np.array([[-1, 1]])), "from 0 on, got a negative one"),
        (lambda: Labels(np.zeros((2, 3)), ("a",)), "one per position, 2, got 1"),
        (lambda: Slab(start=np.nan), "Slab: expected a finite start, got nan"),
        (lambda: Camera(centre=(np.nan, 0.0, 0.0)), "Camera.centre: expected three finite numbers"),
        (lambda: Arrows(np.zeros((1, 3)), np.ones((1, 3)), magnify=np.nan), "Arrows.magnify: expected a finite number"),
        (lambda: Bonds(np.array([[0, 1]]), colour="red;}"), "Bonds.colour: expected a colour such as '#4477AA'"),
        (lambda: Camera(up=(1.5, 1.13, 0.77)), "not to be parallel"),
        (lambda: Camera(height=-1.0), "a positive length, got -1.0"),
        (lambda: CellBox(np.eye(3)[:2]), r"three lattice vectors, shape \[3, 3\], got shape \[2, 3\]"),
    ],
)
def test_layers_say_what_is_wrong(make, message: str) -> None:
    with pytest.raises(ViewError, match=message):
        make()


def test_words_are_plain_and_stable() -> None:
    assert scene().describe() == scene().describe()
    assert "30 particles coloured by mobility (σ) from" in scene().describe()
    assert "A periodic cell with sides 8 x 8 x 8 σ." in scene().describe()


@pytest.mark.parametrize("make", [scene, lambda: scene().beside(scene(), title="two")])
def test_notebook_receives_a_live_view_a_picture_and_words(make) -> None:
    bundle = make()._repr_mimebundle_()
    assert "30 particles" in bundle["text/plain"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert len(picture.convert("RGB").getcolors(2**24)) > 100, "something is drawn"
    assert make()._repr_mimebundle_()["image/png"] == bundle["image/png"], "the same scene, the same bytes"


def test_without_anywidget_a_notebook_has_picture_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    assert set(scene()._repr_mimebundle_()) == {"text/plain", "image/png"}
    with pytest.raises(MissingLibrary, match="notebook"):
        scene().widget()


def test_frames_are_of_one_kind() -> None:
    with pytest.raises(ViewError, match="the same layers in every scene, scene 1 has others"):
        Scene.of_frames([scene(), Scene([])])
    with pytest.raises(ViewError, match=r"expected positions of shape \[30, 3\] in every scene, scene 1 has \[31, 3\]"):
        Scene.of_frames([scene(30), scene(31)])
    with pytest.raises(ViewError, match="one label per scene, got 1 for 2"):
        Scene.of_frames([scene(), scene()], ["a"])
    assert Scene([]).describe() == "An empty scene."


def test_equal_scales_in_a_row_mean_equal_colours() -> None:
    one, other = scene(30), scene(40)
    both = with_shared_ranges((one, other))
    for left, right in zip(both[0].layers, both[1].layers, strict=True):
        if isinstance(left, (Atoms, Arrows)):
            assert left.scale == right.scale
            assert left.scale.limits(left.values) == right.scale.limits(right.values)
    assert isinstance(one.layers[1], Arrows)
    assert one.layers[1].scale.high is None, "the scenes themselves stay as they were"


def test_extents_of_glyphs_are_their_largest_values() -> None:
    from e3nn.o3 import spherical_harmonics

    rng = np.random.default_rng(0)
    glyphs = Glyphs(np.zeros((20, 3)), rng.normal(size=(20, 25)))
    directions = torch.randn(20_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis = spherical_harmonics([0, 1, 2, 3, 4], directions, normalize=True, normalization="norm").numpy()
    dense = np.abs(glyphs.coefficients @ basis.T).max(axis=1)
    assert glyphs.extents() == pytest.approx(dense, rel=0.03)  # edges of the icosphere are 0.14 radians long


def test_a_scene_has_one_live_view_however_often_it_is_displayed() -> None:
    shown = scene()
    first, second = (shown._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"] for _ in range(2))
    assert first == second


def test_what_was_changed_stays_for_views_that_are_opened_later() -> None:
    view = whole_scene().widget()
    view.change(0, values=np.zeros(12))
    view.change(2, vectors=np.ones((12, 3)))
    assert (view.current.layers[0].values == 0).all()
    assert (view.current.layers[2].vectors == 1).all()
    assert (view.scene.layers[2].vectors != 1).any(), "what was shown first is kept"
    sent = {update["layer"]: update for update in read_packet(view.update)["updates"]}
    assert set(sent) == {0, 2}
    with pytest.raises(ViewError, match=r"Glyphs\.coefficients: expected finite numbers"):
        view.change(3, coefficients=np.full((12, 9), np.nan))
    view.show(scene())
    assert view.update == b""
    before = view.packet
    with pytest.raises(ViewError, match="does not exist"):
        view.show(Scene([Atoms(np.zeros((1, 3)), np.ones(1)), Bonds(np.array([[0, 1]]))]))
    assert (view.packet, view.scene.title) == (before, "glass"), "a scene that cannot be drawn changes nothing"


def test_a_title_from_a_broken_file_name_is_drawn() -> None:
    assert scene_packet(Scene([], "broken \ud800 name"))


def test_a_trajectory_has_one_range_and_one_camera() -> None:
    def at(height: float, value: float) -> Scene:
        return Scene([Atoms(np.array([[0.0, 0, 0], [0, 0, height]]), np.ones(2), np.array([0.0, value]))])

    film = Scene.of_frames([at(1.0, 2.0), at(100.0, 300.0)])
    assert film.camera.height is not None
    assert film.camera.height > 50
    for frame in range(2):
        assert film.at(frame).layers[0].scale.limits(np.zeros(1))[1] > 250


@pytest.mark.parametrize(
    ("columns", "field"), [(2, "2x0e"), (4, "1x0e \\+ 1x1o"), (5, "1x2e"), (9, "1x0e \\+ 1x1o \\+ 1x2e")]
)
def test_an_array_that_does_not_say_how_it_turns_is_refused(columns: int, field: str) -> None:
    from ase.build import molecule

    import equiviz

    with pytest.raises(ViewError, match=rf"an array of {columns} columns .* equiviz\.Field\(torch.*'{field}'"):
        equiviz.show(molecule("H2O"), np.ones((3, columns)))
    scene = equiviz.show(molecule("H2O"), np.ones((3, columns)), style="colour")
    assert isinstance(scene, equiviz.Scene)


def test_plotly_begins_with_the_slice_that_the_slab_names() -> None:
    places = np.linspace(0, 10, 201)[:, None] * np.array([0.0, 0.0, 1.0])
    scene = Scene([Atoms(places, np.full(201, 0.01))], slab=Slab("z", thickness=2.0, start=4.0))
    slider = scene.figure().layout.sliders[0]
    middle = float(slider.steps[slider.active].label.split("=")[1])
    assert middle == pytest.approx(5.0, abs=0.5)  # half of the distance between two slices

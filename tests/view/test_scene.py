"""Does a scene hold what it was given, survive a file, and draw shapes where the particles are?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from equiviz.view import Arrows, Atoms, CellBox, ColourScale, Scene, SceneFileError, Slab, ViewError, geometry
from equiviz.view.slices import Slices


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


def test_scene_survives_its_file(tmp_path: Path) -> None:
    before = scene(slab=Slab("x", 2.0, 1.0))
    after = Scene.load(before.save(tmp_path / "glass.json"))
    assert (after.title, after.length_unit, after.slab) == ("glass", "σ", Slab("x", 2.0, 1.0))
    assert after.describe() == before.describe()
    assert after.figure().to_json() == before.figure().to_json()
    assert np.array_equal(after.layers[0].values, before.layers[0].values, equal_nan=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "expected version 1 of the scene format, got 2"),
        (lambda d: d.update(format="x"), "expected a file with the format 'equiviz-scene'"),
        (lambda d: d.update(scene=None), "the scene is missing"),
        (lambda d: d["scene"]["layers"][0].update(kind="__import__"), "the scene is damaged"),
        (lambda d: d["scene"]["layers"][0]["positions"].update(shape=[9, 3]), "expected 216 bytes"),
        (lambda d: d["scene"]["layers"][0]["positions"].update(shape=[-30, 3]), "the scene is damaged"),
        (lambda d: d["scene"]["layers"][0]["positions"].update(shape=[float("inf"), 3]), "the scene is damaged"),
        (lambda d: d["scene"]["layers"][0]["positions"].update(dtype="|O"), "'<f8'"),
        (lambda d: d["scene"]["layers"][0]["positions"].update(base64="*"), "not base64"),
        (lambda d: d["scene"]["layers"][0]["scale"].update(kind="rainbow"), "unknown kind of colour scale"),
        (lambda d: d["scene"].pop("layers"), "the scene is damaged"),
        (lambda d: d["scene"].update(slab={"axis": "z", "other": 1}), "the scene is damaged"),
        (lambda d: d["scene"].update(slab={"axis": "xy"}), "expected the axis 'x', 'y' or 'z', got 'xy'"),
    ],
)
def test_damaged_file_is_refused_with_the_reason(tmp_path: Path, change, message: str) -> None:
    path = scene().save(tmp_path / "glass.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
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
        (lambda: Atoms(np.zeros((2, 3)), np.ones(2), labels=("a",)), "one per atom, 2 in all, got 1"),
        (lambda: Arrows(np.zeros((2, 3)), np.zeros((1, 3))), "as many vectors as origins, got 1 and 2"),
        (lambda: Slab("w"), "Slab: expected the axis 'x', 'y' or 'z', got 'w'"),
        (lambda: Slab(thickness=0.0), "Slab: expected a positive thickness, got 0.0"),
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


def test_notebook_receives_picture_and_words() -> None:
    bundle = scene()._repr_mimebundle_()
    assert bundle["text/plain"].startswith("glass\n\n30 particles")
    assert len(bundle["application/vnd.plotly.v1+json"]["data"]) > 3
    assert Scene([]).describe() == "An empty scene."

"""Do the bytes that a page reads say what the scene holds, in few bytes?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from e3nn.o3 import spherical_harmonics

from equiviz.view import Arrows, Atoms, Bonds, Camera, ColourScale, Glyphs, Scene, Slab, ViewError, geometry
from equiviz.view.packet import read_packet
from equiviz.view.wire import LARGEST, camera_header, scene_packet, update_packet
from tests.view.all_layers import moving_scene, whole_scene


def header(scene: Scene) -> dict:
    return read_packet(scene_packet(scene))["scene"]


def test_every_layer_arrives() -> None:
    scene, told = whole_scene(), header(whole_scene())
    kinds = [layer["kind"] for layer in told["layers"]]
    assert kinds == ["atoms", "bonds", "arrows", "glyphs", "cell", "labels"]
    atoms, bonds, arrows, glyphs, cell, labels = told["layers"]
    assert np.allclose(atoms["positions"], scene.layers[0].positions, atol=1e-6)
    assert np.allclose(atoms["values"], scene.layers[0].values, atol=1e-6, equal_nan=True)
    styles = [atoms["styles"][k] for k in atoms["style"]]
    assert [style["label"] for style in styles] == list(scene.layers[0].labels)
    assert [style["radius"] for style in styles] == pytest.approx(scene.layers[0].radii)
    assert (atoms["scale"]["low"], atoms["scale"]["high"], atoms["scale"]["heading"]) == (-3, 3, "mobility (σ²)")
    assert bonds["pairs"].tolist() == [[0, 1], [1, 2]]
    assert bonds["of"] == arrows["of"] == glyphs["of"] == 0
    assert labels["of"] is None, "two labels are not on twelve atoms"
    assert arrows["axial"] is True
    assert cell["vectors"] == [[8, 0, 0], [0, 8, 0], [0, 0, 8]]
    assert told["words"] == scene.describe()
    assert told["slab"] == {"axis": "x", "thickness": 2.0, "start": 1.0}


def test_glyphs_keep_their_shape() -> None:
    scene = whole_scene()
    sent, own = header(scene)["layers"][3], scene.layers[3]
    found = sent["amplitudes"][:, None] * sent["coefficients"] / LARGEST
    largest = np.abs(own.coefficients).max(axis=1, keepdims=True)
    assert (np.abs(found - own.coefficients) <= 1.01 * largest / LARGEST / 2 + 1e-7).all(), "half a step of two bytes"
    assert sent["scale"]["low"] == -sent["scale"]["high"]


def test_bytes_per_atom_and_per_glyph() -> None:
    points = np.random.default_rng(0).uniform(0, 30, (4096, 3))
    atoms = Scene([Atoms(points, np.full(4096, 0.4), points[:, 0], ColourScale("x"), ("A", "B") * 2048)])
    glyphs = Scene([Glyphs(points, np.ones((4096, 25)), 0.2)])
    assert len(scene_packet(atoms)) / 4096 <= 20
    assert len(scene_packet(glyphs)) / 4096 <= 120
    update = update_packet(atoms.layers, {0: {"values": points[:, 1]}})
    assert len(update) / 4096 < 4.1


def test_frames_hold_only_what_changes() -> None:
    scene, told = moving_scene(), header(moving_scene())
    assert [frame["label"] for frame in told["frames"]] == ["t = 0 ps", "t = 1 ps", "t = 2 ps"]
    assert told["frames"][0]["updates"] == []
    moved = told["frames"][2]["updates"]
    assert [sorted(update) for update in moved] == [
        ["layer", "positions"],
        ["amplitudes", "coefficients", "layer", "origins"],
    ]
    assert np.allclose(scene.at(2).layers[0].positions, scene.layers[0].positions + 0.6)
    assert np.allclose(moved[0]["positions"], scene.at(2).layers[0].positions, atol=1e-6)


def test_vectors_bring_their_lengths_along() -> None:
    scene = whole_scene()
    update = read_packet(update_packet(scene.layers, {2: {"vectors": np.full((12, 3), 2.0)}}))["updates"][0]
    assert np.allclose(update["values"], 12**0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({9: {"values": [1.0]}}, "the number of a layer, 0 to 5, got 9"),
        ({0: {"radii": np.ones(12)}}, r"Layer 0 \(Atoms\) has no array 'radii' that could change"),
        ({0: {"labels": np.ones(12)}}, "has no array 'labels'"),
        ({0: {"values": np.ones(3)}}, r"Atoms.values: expected shape \[12\], got \[3\]"),
    ],
)
def test_updates_that_do_not_fit_are_refused(changes, message: str) -> None:
    with pytest.raises(ViewError, match=message):
        update_packet(whole_scene().layers, changes)


def test_bonds_to_atoms_that_are_not_there_are_refused() -> None:
    scene = Scene([Atoms(np.zeros((2, 3)), np.ones(2)), Bonds(np.array([[0, 2]]))])
    with pytest.raises(ViewError, match="atom 2 does not exist, there are 2"):
        scene_packet(scene)


@pytest.mark.parametrize("direction", [(1.0, 0.0, 0.0), (1.5, 1.1, 0.8), (0.0, 0.0, -1.0)])
def test_the_camera_sees_everything(direction: tuple[float, float, float]) -> None:
    camera = Camera(direction, (0.0, 1.0, 0.0))
    points = np.random.default_rng(3).uniform(-2, 9, (50, 3))
    told = camera_header(camera, [Atoms(points, np.full(50, 2.0))])
    along = np.array(direction) / np.linalg.norm(direction)
    right = np.cross((0, 1, 0), along)
    right /= np.linalg.norm(right)
    flat = (points - told["centre"]) @ np.stack([right, np.cross(along, right)], axis=1)
    assert np.abs(flat[:, 1]).max() + 2.0 <= told["height"] / 2
    assert np.abs(flat[:, 0]).max() + 2.0 <= 1.5 * told["height"] / 2


def test_glyph_meshes_are_the_function_that_they_stand_for() -> None:
    """In plotly's figure too: the distance from the origin is |f|, by e3nn's own harmonics."""
    rng = np.random.default_rng(0)
    origins, coefficients = rng.normal(size=(4, 3)), rng.normal(size=(4, 16))
    mesh, values = geometry.glyphs(origins, coefficients, 0.5, 2)
    arms = mesh.vertices - origins[mesh.owner]
    where = np.sign(values)[:, None] * arms * np.sign(values)[:, None]
    basis = spherical_harmonics([0, 1, 2, 3], torch.from_numpy(where), normalize=True, normalization="norm").numpy()
    assert np.allclose((basis * coefficients[mesh.owner]).sum(1), values, atol=1e-4)  # vertices are float32
    assert np.allclose(np.linalg.norm(arms, axis=1), 0.5 * np.abs(values), atol=1e-5)


def test_every_layer_is_drawn_by_plotly_too() -> None:
    kinds = [trace.type for trace in whole_scene().figure().data]
    assert kinds.count("mesh3d") >= 4
    assert kinds.count("scatter3d") >= 3


def test_arrows_without_values_are_coloured_by_length() -> None:
    arrows = header(Scene([Arrows(np.zeros((2, 3)), np.eye(3)[:2] * 3)]))["layers"][0]
    assert arrows["values"].tolist() == [3, 3]


def test_a_slab_without_thickness_is_a_fifth_of_the_scene() -> None:
    points = np.array([[0.0, 0.0, 0.0], [8.0, 1.0, 1.0]])
    scene = Scene([Atoms(points, np.ones(2))], slab=Slab("x"))
    assert header(scene)["slab"] == {"axis": "x", "thickness": 2.0, "start": None}

"""Do pictures made without a browser show what the scene says: places, depths, colours, senses, and nothing else?"""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.representations import O3Irreps
from equiviz.view import Arrows, Atoms, Bonds, Camera, CellBox, ColourScale, Glyphs, Labels, Scene, Slab, ViewError
from equiviz.view.colours import DIVERGING, SEQUENTIAL, SEQUENTIAL_ON_DARK
from equiviz.view.palette import label_colours
from equiviz.view.picture import png
from equiviz.view.picture.camera import axes_of, bounds_of
from equiviz.view.picture.colouring import UNKNOWN, rgb
from equiviz.view.picture.glyph_surfaces import FINEST, refinements, surfaces
from equiviz.view.picture.lettering import fitting, font, one_line, ticks
from equiviz.view.picture.shapes import arrow_shape
from equiviz.view.template import DARK, LIGHT
from tests.hostile_strings import ALL, HOSTILE

FRONT = Camera((0.0, 0.0, 1.0), (0.0, 1.0, 0.0))  # x to the right, y upwards, z to the reader
SMALL = 140  # pixels: too small for axes and legends, so that nothing but the scene is drawn
ORIGIN = np.zeros((1, 3))


def pixels(scene: Scene | list[Scene], side: int = SMALL, dark: bool = False, scale: float = 1.0) -> np.ndarray:
    """The picture as ``[H, W, 3]`` integers."""
    scenes = scene if isinstance(scene, list) else [scene]
    return np.asarray(Image.open(io.BytesIO(png(scenes, side * len(scenes), side, dark, scale)))).astype(int)


def drawn(image: np.ndarray, dark: bool = False) -> np.ndarray:
    """Which pixels are not the page's, ``[H, W]``."""
    return np.abs(image - rgb((DARK if dark else LIGHT).paper)).max(axis=2) > 8


def one_atom(**look: object) -> Scene:
    return Scene([Atoms(ORIGIN, np.ones(1), **look)], camera=FRONT)  # type: ignore[arg-type]


def lit(colour: str) -> np.ndarray:
    """A colour where the surface faces the reader: the formula of the page's shader with normal (0, 0, 1)."""
    wrapped = 0.5 + 0.5 * 0.7328
    sheen = 0.13 * wrapped**2 * (255 - rgb(colour) @ (0.3, 0.6, 0.1))
    return rgb(colour) * (0.36 + 0.70 * wrapped**2) + sheen + 51 * 0.9308**48


def everything(degree: int = 3, count: int = 12) -> Scene:
    random = np.random.default_rng(degree)
    positions = random.uniform(0, 6, (count, 3))
    values = positions[:, 0] - 3
    values[0] = np.nan
    labels = tuple("AB"[k % 2] for k in range(count))
    coefficients = random.normal(size=(count, (degree + 1) ** 2)) / 4
    layers = [
        Atoms(positions, np.full(count, 0.3), labels=labels),
        Bonds(np.array([[0, 1], [2, 3]])),
        Atoms(positions + 1, np.full(count, 0.2), values, ColourScale("mobility", "σ²", "diverging")),
        Arrows(positions, positions[::-1] - 3, scale=ColourScale("force", "ε/σ"), magnify=0.4),
        Arrows(positions, positions - 3, scale=ColourScale("spin"), magnify=0.3, axial=True),
        Glyphs(positions + 2, coefficients, 0.5, name="0e+1o+2e+3o"),
        CellBox(8 * np.eye(3)),
        Labels(positions, tuple(f"atom {k}" for k in range(count))),
    ]
    return Scene(layers, "everything", "σ")


# --- what is where -------------------------------------------------------------------------------------------------


def test_a_sphere_is_a_disc_of_its_size_in_the_middle() -> None:
    image = pixels(Scene([Atoms(ORIGIN, np.ones(1), colour="#4477AA")], camera=replace(FRONT, height=4.0)))
    rows, columns = np.nonzero(drawn(image))
    assert rows.mean() == pytest.approx(SMALL / 2 - 0.5, abs=0.05)
    assert columns.mean() == pytest.approx(SMALL / 2 - 0.5, abs=0.05)
    # the rim is soft: half of its pixels count, an error of a quarter pixel at most on the radius of 35
    assert np.sqrt(len(rows) / np.pi) == pytest.approx(SMALL / 4, abs=0.5)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_nearer_sphere_hides_the_farther_one(swapped: bool) -> None:
    near, far = (Atoms(np.array([[0.0, 0.0, z]]), np.ones(1), colour=c) for z, c in ((2, "#D64541"), (-2, "#3F6FD1")))
    layers = [far, near] if swapped else [near, far]
    red, _, blue = pixels(Scene(layers, camera=FRONT))[SMALL // 2, SMALL // 2]
    assert red > 2 * blue
    behind = Camera((0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
    red, _, blue = pixels(Scene(layers, camera=behind))[SMALL // 2, SMALL // 2]
    assert blue > 1.5 * red


def test_spheres_cut_each_other_where_they_meet() -> None:
    both = Atoms(np.array([[-0.5, 0, 0], [0.5, 0, 0]]), np.ones(2), np.array([0.0, 1.0]))
    image = pixels(Scene([both], camera=FRONT), scale=2.0)
    _, green, blue = image[SMALL].T  # the row through both centres
    yellow = np.flatnonzero(green > blue + 40)
    assert yellow[0] == pytest.approx(SMALL, abs=2)
    assert np.ptp(yellow) > SMALL / 2


def test_a_bond_is_a_stick_half_in_the_colour_of_each_atom() -> None:
    atoms = Atoms(np.array([[-2.0, 0, 0], [2.0, 0, 0]]), np.full(2, 0.1), labels=("N", "O"))
    scene = Scene([atoms, Bonds(np.array([[0, 1]]), radius=0.5)], camera=replace(FRONT, height=7.0))
    image = pixels(scene, scale=2.0)
    seen = drawn(image)
    assert seen[:, SMALL].sum() == pytest.approx(2 * SMALL / 7, abs=2), "the stick is 1 of 7 lengths thick"
    left, right = image[SMALL, SMALL - 6], image[SMALL, SMALL + 6]
    assert left[2] > 1.5 * left[0], "nitrogen is blue"
    assert right[0] > 1.5 * right[2], "oxygen is red"


def test_sticks_and_spheres_of_one_radius_are_lit_alike() -> None:
    atoms = Atoms(np.array([[-2.0, 0, 0], [2.0, 0, 0]]), np.full(2, 0.5), colour="#4477AA")
    scene = Scene([atoms, Bonds(np.array([[0, 1]]), radius=0.5)], camera=replace(FRONT, height=7.0))
    image = pixels(scene, scale=2.0)
    at_atom = round(SMALL - 2 * 2 * SMALL / 7)  # the column through the left atom, where both have the same normals
    # one pixel aside the sphere's normal leans by 1/20, which changes the light by up to 5 of 255, more at the rim
    assert np.abs(image[:, at_atom] - image[:, SMALL])[SMALL - 15 : SMALL + 15].max() <= 6


def test_a_cell_is_drawn_as_twelve_thin_lines() -> None:
    image = pixels(Scene([CellBox(np.diag([2.0, 2.0, 2.0]))], camera=FRONT), scale=2.0)
    rows, columns = np.nonzero(drawn(image))
    assert len(rows) < 0.1 * image.shape[0] ** 2
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=3)
    assert np.ptp(rows) == pytest.approx(2 * SMALL / 1.1, abs=4)


# --- arrows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axial", [False, True])
@pytest.mark.parametrize("vector", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)])
def test_an_arrow_begins_at_its_origin_and_its_head_shows_where_it_points(
    vector: tuple[int, int, int], axial: bool
) -> None:
    arrow = Arrows(ORIGIN, np.array([vector], dtype=float), width=0.08, axial=axial)
    image = pixels(Scene([arrow], camera=Camera(FRONT.direction, FRONT.up, (0, 0, 0), 2.4)), scale=2.0)
    rows, columns = np.nonzero(drawn(image))
    across = np.stack([columns - SMALL, SMALL - rows], axis=1) @ np.array([[-vector[1]], [vector[0]]])
    along = np.stack([columns - SMALL, SMALL - rows], axis=1) @ np.array(vector[:2]) / (2 * SMALL / 2.4)
    assert along.min() == pytest.approx(0, abs=0.03)
    assert along.max() == pytest.approx(1, abs=0.03)
    neck, tip = (np.ptp(across[(along > low) & (along < low + 0.05)]) for low in (0.75, 0.93))
    assert neck > 2 * tip, "the head is a cone that ends at the tip"


@pytest.mark.parametrize("axial", [False, True])
def test_shapes_look_outwards(axial: bool) -> None:
    shape = arrow_shape(axial, 12)
    points = shape.points[:, :3] * (1, 1, 0)
    points[:, 2] = 20 * shape.points[:, 2] + shape.points[:, 3]  # an arrow 20 widths long
    a, b, c = points[shape.faces].transpose(1, 0, 2)
    facing = np.cross(b - a, c - a)
    told = shape.normals[shape.faces].sum(axis=1)
    solid = np.linalg.norm(facing, axis=1) > 1e-9
    assert (np.einsum("fi,fi->f", facing, told)[solid] > 0).mean() > 0.95  # a ring's own head has the normals of a tube


def test_the_ring_of_a_pseudo_vector_curls_right_handed() -> None:
    points = arrow_shape(True, 12).points
    tip, base = points[-1], points[-12:-6].mean(axis=0)  # the ring comes last, in sections of six
    assert base[0] * tip[1] - base[1] * tip[0] > 0, "seen from the tip of the arrow, the ring runs anticlockwise"


def test_an_arrow_of_no_length_is_left_out() -> None:
    arrows = Arrows(np.array([[-1.0, 0, 0], [1.0, 0, 0]]), np.array([[0.0, 0, 0], [0.0, 0.5, 0]]))
    image = pixels(Scene([arrows], camera=Camera(FRONT.direction, FRONT.up, (0, 0, 0), 4.0)))
    assert not drawn(image)[:, : SMALL // 2].any()
    assert drawn(image)[:, SMALL // 2 :].any()


# --- colours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "colour"),
    [(-9.0, SEQUENTIAL[0][1]), (0.0, SEQUENTIAL[0][1]), (2.0, SEQUENTIAL[-1][1]), (9.0, SEQUENTIAL[-1][1])],
)
def test_values_have_the_colours_of_their_scale_up_to_both_ends(value: float, colour: str) -> None:
    scene = one_atom(values=np.array([value]), scale=ColourScale(low=0.0, high=2.0))
    # rounding to one of 256 colours, to bytes, and a normal half a pixel off the axis
    assert np.abs(pixels(scene)[SMALL // 2, SMALL // 2] - lit(colour)).max() <= 4


def test_zero_is_in_the_middle_of_a_signed_scale() -> None:
    scene = one_atom(values=np.zeros(1), scale=ColourScale(kind="diverging", low=-3.0, high=3.0))
    assert np.abs(pixels(scene)[SMALL // 2, SMALL // 2] - lit(DIVERGING[4][1])).max() <= 4


def test_what_has_no_value_is_grey() -> None:
    scene = one_atom(values=np.array([np.nan]), scale=ColourScale(low=0.0, high=1.0))
    assert np.abs(pixels(scene)[SMALL // 2, SMALL // 2] - lit(UNKNOWN)).max() <= 4


def test_species_have_the_colours_of_the_palette() -> None:
    for label in ("O", "C", "A"):
        seen = pixels(one_atom(labels=(label,)))[SMALL // 2, SMALL // 2]
        assert np.abs(seen - lit(label_colours([label])[label])).max() <= 4


def test_dark_pages_are_dark_and_draw_the_scales_for_dark_pages() -> None:
    scene = one_atom(values=np.zeros(1), scale=ColourScale(low=0.0, high=1.0))
    image = pixels(scene, dark=True)
    assert (image[0, 0] == rgb(DARK.paper)).all()
    assert (pixels(scene)[0, 0] == rgb(LIGHT.paper)).all()
    assert np.abs(image[SMALL // 2, SMALL // 2] - lit(SEQUENTIAL_ON_DARK[0][1])).max() <= 4


def test_equal_scales_beside_each_other_have_one_range() -> None:
    scale = ColourScale("mobility")
    many = Atoms(np.array([[0.0, 0, 0], [3.0, 0, 0]]), np.ones(2), np.array([0.0, 10.0]), scale)
    low, alone = Scene([many], camera=FRONT), one_atom(values=np.array([0.0]), scale=scale)
    image = pixels([alone, low], side=SMALL)
    assert np.abs(image[SMALL // 2, SMALL // 2] - lit(SEQUENTIAL[0][1])).max() <= 6


def test_scenes_of_one_cell_are_drawn_at_one_scale() -> None:
    cell = CellBox(4 * np.eye(3))
    inside = Atoms(np.full((1, 3), 2.0), np.full(1, 0.5), colour="#D64541")
    outside = Atoms(np.array([[2.0, 2.0, 2.0], [9.0, 9.0, 2.0]]), np.full(2, 0.5), colour="#D64541")
    image = pixels([Scene([atoms, cell], camera=FRONT) for atoms in (inside, outside)], side=SMALL)
    red = image[..., 0] > image[..., 2] + 40
    assert red[:, SMALL:].sum() == pytest.approx(2 * red[:, :SMALL].sum(), rel=0.1)  # two atoms of the same size


# --- glyphs and symmetry -------------------------------------------------------------------------------------------


def test_a_vector_glyph_is_positive_where_the_vector_points() -> None:
    glyph = Glyphs(ORIGIN, np.array([[0.0, 1.0, 0.0, 0.0]]))  # e3nn's order: x, y, z
    image = pixels(Scene([glyph], camera=FRONT))
    right, left = image[SMALL // 2, 3 * SMALL // 4], image[SMALL // 2, SMALL // 4]
    assert right[0] > right[2] + 20, "the positive end of the scale is red"
    assert left[2] > left[0] + 20, "the negative end is blue"
    assert not drawn(image)[: SMALL // 4, SMALL // 2].any(), "and nothing across"


def test_surfaces_have_their_radius_colour_and_normal_in_every_direction() -> None:
    random = np.random.default_rng(3)
    coefficients = random.normal(size=(2, 25))
    for part in surfaces(coefficients, 0.7, np.array([3, 3])):
        directions = torch.from_numpy(part.points / np.linalg.norm(part.points, axis=-1, keepdims=True))
        values = (spherical_harmonics(4, directions, normalization="norm").numpy() * coefficients[:, None]).sum(-1)
        assert np.allclose(values, part.values, atol=1e-9)
        assert np.allclose(np.linalg.norm(part.points, axis=-1), 0.7 * np.abs(values), atol=1e-12)
        a, b, c = part.points[:, part.faces].transpose(2, 0, 1, 3)
        flat = np.cross(b - a, c - a)
        smooth = part.normals[:, part.faces].mean(axis=2)
        turned = np.einsum("nfi,nfi->nf", flat, smooth)
        turned /= np.linalg.norm(flat, axis=-1) * np.linalg.norm(smooth, axis=-1)
        # all but the faces that straddle a node line, where the surface has a crease
        assert np.quantile(turned, 0.15) > 0.9


def turned_scene(scene: Scene, g: O3) -> Scene:
    """The scene and its camera, turned by g about the origin."""
    matrix = g.matrix.numpy().astype(float)
    layers = []
    for layer in scene.layers:
        if isinstance(layer, Atoms):
            layer = replace(layer, positions=layer.positions @ matrix.T)
        elif isinstance(layer, Arrows):
            layer = replace(layer, origins=layer.origins @ matrix.T, vectors=layer.vectors @ matrix.T)
        elif isinstance(layer, Glyphs):
            layer = replace(layer, origins=layer.origins @ matrix.T, coefficients=turned_coefficients(layer, g))
        layers.append(layer)
    direction, up = (tuple(matrix @ np.array(axis)) for axis in (scene.camera.direction, scene.camera.up))
    return replace(scene, layers=layers, camera=Camera(direction, up))


def turned_coefficients(glyphs: Glyphs, g: O3) -> np.ndarray:
    irreps = "+".join(f"{degree}{'eo'[degree % 2]}" for degree in range(glyphs.degree + 1))
    return O3Irreps(irreps).transform(g, torch.from_numpy(glyphs.coefficients)).numpy()


@pytest.mark.parametrize("axial", [False, True])
def test_a_scene_of_atoms_and_arrows_turned_with_its_camera_is_the_same_picture(axial: bool) -> None:
    random = np.random.default_rng(7)
    positions = random.normal(size=(20, 3))
    atoms = Atoms(positions, np.full(20, 0.3), labels=tuple("AB" * 10))
    scene = Scene([atoms, Arrows(positions, random.normal(size=(20, 3)), axial=axial)])
    before = pixels(scene, scale=2.0)
    for g in haar(3, 5, "SO(3)"):
        after = pixels(turned_scene(scene, g), scale=2.0)
        # spheres are exact and arrows are built in view axes: only samples on an edge may fall to the other side
        assert (np.abs(before - after).max(axis=2) > 2).mean() < 2e-4


def test_a_glyph_turned_by_its_wigner_matrix_looks_like_the_glyph_turned() -> None:
    random = np.random.default_rng(11)
    origins = np.array([[-1.0, 0, 0], [1.0, 0.3, 0], [0, 1.2, 0.5]])
    scene = Scene([Glyphs(origins, random.normal(size=(3, 25)), 0.4)])
    before = pixels(scene, scale=2.0)
    for g in haar(3, 13, "SO(3)"):
        turned = turned_scene(scene, g)
        # The icosphere does not turn along. Its edges are 9 samples long, so lobes and creases lie within a fraction of
        # a pixel: samples change along outlines and creases (measured: 1.0 % of the pixels by more than 16 of 255).
        assert share_that_differs(before, pixels(turned, scale=2.0)) < 0.02
        # the control: coefficients that are left behind while all else turns
        (glyphs,) = turned.layers
        left_behind = replace(turned, layers=[replace(glyphs, coefficients=scene.layers[0].coefficients)])
        assert share_that_differs(before, pixels(left_behind, scale=2.0)) > 0.1


def share_that_differs(first: np.ndarray, second: np.ndarray) -> float:
    """Of the pixels where something is drawn, the share whose colour differs by more than 16 of 255."""
    either = drawn(first) | drawn(second)
    return float((np.abs(first - second).max(axis=2) > 16)[either].mean())


def test_many_glyphs_have_coarser_surfaces() -> None:
    few, many = (refinements(np.full(count, 60.0), 4) for count in (3, 20_000))
    assert few.min() > many.max() >= 1
    assert refinements(np.array([1e9]), 12).max() == FINEST


# --- slabs, titles, legends ----------------------------------------------------------------------------------------


def test_a_slab_shows_its_slice_in_unchanged_colours_and_place() -> None:
    positions = np.array([[0.0, 0, 0], [3.0, 0, 0], [0.0, 3.0, 6.0]])
    atoms = Atoms(positions, np.full(3, 0.8), np.array([0.0, 1.0, 2.0]))
    layers = [atoms, Bonds(np.array([[0, 1], [1, 2]]))]
    whole = pixels(Scene(layers, slab=Slab("z", 2.0), camera=FRONT))
    cut = pixels(Scene(layers, slab=Slab("z", 2.0, start=-1.0), camera=FRONT))
    kept = drawn(cut)
    assert 0.3 < kept.sum() / drawn(whole).sum() < 0.9
    assert (np.abs(cut - whole).max(axis=2)[kept] <= 8).mean() > 0.97, "but where something was hidden"


def test_titles_bars_and_species_are_lettered() -> None:
    scene = everything()
    bare = replace(scene, title="")
    image, untitled = (pixels(one, side=400) for one in (scene, bare))
    assert drawn(image)[:30, :200].any()
    assert image.shape == untitled.shape
    wide = np.asarray(Image.open(io.BytesIO(png([scene], 720, 480, False, 1.0)))).astype(int)
    legend = wide[40:, 560:]
    for _, colour in SEQUENTIAL[1:-1]:
        assert (np.abs(legend - rgb(colour)).max(axis=2) <= 3).any(), "the bar has the colours of its scale"
    assert (np.abs(legend - rgb(UNKNOWN)).max(axis=2) <= 3).any(), "a grey dot says what grey is"


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (-2.33, 2.33, ("−2.33", "0", "2.33")),
        (0.0381, 3.18, ("0.04", "1.61", "3.18")),
        (1000.1, 1000.2, ("1000.1", "1000.15", "1000.2")),
        (1e-9, 3e-9, ("1·10⁻⁹", "2·10⁻⁹", "3·10⁻⁹")),
        (-1.7e308, 1.7e308, ("−1.7·10³⁰⁸", "0", "1.7·10³⁰⁸")),
        (0.0, 5e-324, ("0", "0", "0")),
    ],
)
def test_ticks_tell_three_digits(low: float, high: float, told: tuple[str, str, str]) -> None:
    assert ticks(low, high) == told


def test_the_font_has_the_signs_of_the_field() -> None:
    missing = bytes(font(20).getmask("\U0010fffe"))
    for sign in "Åσεταβµ²⁻¹³−±×→∞⟨⟩∑≤½°é…·":
        assert bytes(font(20).getmask(sign)) != missing, sign
        assert bytes(font(20, bold=True).getmask(sign)) != bytes(font(20, bold=True).getmask("\U0010fffe")), sign


def test_long_texts_are_cut() -> None:
    assert fitting("short", font(12), 100) == "short"
    cut = fitting("a long word " * 10_000, font(12), 100)
    assert cut.endswith("…")
    assert font(12).getlength(cut) <= 100
    assert fitting("anything", font(12), 1) == ""


@pytest.mark.parametrize(
    "text", [*HOSTILE, ALL, "a\nb\r\0\x1b[31m\u202e\u2028", "\ud800 lone", "漢字 🧪", " ", "x" * 1_000_000]
)
def test_odd_and_hostile_texts_only_become_pixels(text: str) -> None:
    scale = ColourScale(text, text)
    atoms = Atoms(np.eye(3), np.full(3, 0.3), labels=(text, "O", text), hover=(text,) * 3)
    coloured = Atoms(np.eye(3), np.full(3, 0.2), np.arange(3.0), scale)
    data = png([Scene([atoms, coloured, Labels(np.eye(3), (text,) * 3)], text, text)], 300, 200, False, 1.0)
    assert chunks(data) == {b"IHDR", b"IDAT", b"IEND"}, "no text beside the pixels"
    assert Image.open(io.BytesIO(data)).size == (300, 200)
    assert one_line(text).isprintable()


def chunks(data: bytes) -> set[bytes]:
    """The kinds of chunks in a PNG."""
    found, place = set(), 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        found.add(data[place + 4 : place + 8])
        place += 12 + length
    return found


def test_labels_are_lettered_where_they_are_and_never_over_each_other() -> None:
    apart = Labels(np.array([[-1.0, 0, 0], [1.0, 0, 0]]), ("left", "right"))
    image = pixels(Scene([apart], camera=replace(FRONT, height=4.0)), side=200)
    ink = drawn(image)
    assert ink[95:106, 30:70].any()
    assert ink[95:106, 130:170].any()
    together = Labels(np.zeros((50, 3)), ("here",) * 50)
    image = pixels(Scene([together], camera=replace(FRONT, height=4.0)), side=200)
    assert drawn(image)[180:, 40:].any(), "the picture says how many had no room"


def test_labels_of_hidden_atoms_are_hidden() -> None:
    near, far = np.array([[0.0, 0, 3]]), np.array([[0.0, 0, 0]])
    screen = Atoms(near, np.full(1, 2.0), colour="#4477AA")
    behind = Atoms(far, np.full(1, 0.5), colour="#4477AA")
    bare = pixels(Scene([screen, behind], camera=FRONT))
    assert (pixels(Scene([screen, behind, Labels(far, ("far",))], camera=FRONT)) == bare).all()
    assert (pixels(Scene([screen, behind, Labels(near, ("near",))], camera=FRONT)) != bare).any()


# --- all kinds, odd scenes, limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", [Atoms, Arrows, Glyphs, CellBox, Labels])
def test_each_kind_of_layer_is_drawn(kind: type, dark: bool) -> None:
    scene = everything()
    alone = replace(scene, title="", layers=[layer for layer in scene.layers if isinstance(layer, kind)])
    assert drawn(pixels(alone, dark=dark), dark).sum() > 100


def test_an_empty_scene_says_so() -> None:
    nothing = [Scene([]), Scene([Atoms(np.zeros((0, 3)), np.zeros(0)), Labels(np.zeros((0, 3)), ())])]
    for scene in nothing:
        image = pixels(scene, side=400)
        assert drawn(image)[180:220, 50:350].any()
        assert not drawn(image)[:150].any()


def test_the_same_scene_gives_the_same_bytes() -> None:
    assert png([everything()], 300, 200, False, 2.0) == png([everything()], 300, 200, False, 2.0)


def test_the_same_scene_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from tests.view.test_picture import everything; from equiviz.view.picture import png; "
        "print(hashlib.sha256(png([everything()], 300, 200, True, 1.0)).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert told.stdout.strip() == hashlib.sha256(png([everything()], 300, 200, True, 1.0)).hexdigest()


def test_the_picture_has_the_size_that_was_asked_for() -> None:
    assert Image.open(io.BytesIO(png([everything()], 301, 203, False, 1.5))).size == (452, 304)
    assert Image.open(io.BytesIO(png([everything()] * 3, 7, 3, False, 1.0))).size == (7, 3)


def test_extreme_cameras_draw_without_harm() -> None:
    for height in (1e-300, 1e-9, 1e9, 1e300):
        pixels(replace(everything(), camera=replace(FRONT, height=height)))
        pixels(replace(everything(), camera=replace(FRONT, centre=(1e300, 0.0, 0.0), height=height)))


@pytest.mark.parametrize("values", [[-1e308, 1e308, 0.0], [np.inf, -np.inf, 0.0], [np.nan] * 3])
def test_extreme_values_draw_without_harm(values: list[float]) -> None:
    pixels(Scene([Atoms(np.eye(3), np.ones(3), np.array(values))]), side=300)


@pytest.mark.parametrize(
    ("width", "height", "scale", "told"),
    [
        (0, 480, 2.0, "positive width, height and scale"),
        (720, -1, 2.0, "positive width, height and scale"),
        (720, 480, float("nan"), "positive width, height and scale"),
        (720, 480, float("inf"), "positive width, height and scale"),
        (100_000, 100_000, 1.0, "at most 64 megapixels"),
    ],
)
def test_sizes_out_of_range_are_refused(width: int, height: int, scale: float, told: str) -> None:
    with pytest.raises(ViewError, match=told):
        png([everything()], width, height, False, scale)


def test_no_scene_or_too_many_are_refused() -> None:
    for count in (0, 65):
        with pytest.raises(ViewError, match=f"1 to 64 scenes beside each other, got {count}"):
            png([Scene([])] * count, 100, 100, False, 1.0)


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        (Scene([Atoms(np.eye(3), np.ones(3)), Bonds(np.array([[0, 3]]))]), "atom 3 does not exist, there are 3"),
        (Scene([Bonds(np.array([[0, 1]])), CellBox(np.eye(3))]), "atom 1 does not exist, there are 0"),
        (Scene([Atoms(1e200 * np.eye(3), np.ones(3))]), "finite positions and radii below"),
    ],
)
def test_what_cannot_be_drawn_is_refused(scene: Scene, told: str) -> None:
    with pytest.raises(ViewError, match=told):
        pixels(scene)


def test_axes_are_right_handed_and_bounds_hold_everything() -> None:
    axes = axes_of(Camera())
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)
    found = bounds_of([Atoms(np.eye(3), np.full(3, 0.5))], np.eye(3))
    assert found is not None
    assert np.allclose([found.low, found.high], [[-0.5] * 3, [1.5] * 3])

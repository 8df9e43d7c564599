"""Does `show` draw a field as its representation asks, and refuse what is not on the structure?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from equiviz.structures import Structure
from equiviz.symmetry import Field
from equiviz.view import Arrows, Atoms, Bonds, CellBox, Glyphs, Slab, ViewError
from equiviz.view.show import show


def liquid(count: int = 20) -> Structure:
    generator = torch.Generator().manual_seed(count)
    positions = torch.rand(count, 3, generator=generator, dtype=torch.float64) * 12 - 3  # some lie outside the cell
    species = torch.arange(count) % 2
    features = torch.randn(count, 2 + 6 + 5, generator=generator, dtype=torch.float64)
    return Structure(
        positions,
        species,
        6 * torch.eye(3, dtype=torch.float64),
        (True, True, True),
        {"mobility": Field(positions[:, :1], "1x0e", "node"), "features": Field(features, "2x0e+2x1o+1x2e", "node")},
        length_unit="sigma",
        species_names=("A", "B"),
        name="liquid",
    )


def layers(scene) -> dict[type, object]:
    return {type(layer): layer for layer in scene.layers}


def test_plain_structure_shows_species_inside_the_cell() -> None:
    made = layers(show(liquid()))
    atoms = made[Atoms]
    assert atoms.values is None
    assert set(atoms.labels) == {"A", "B"}
    assert CellBox in made
    assert (atoms.positions >= 0).all()
    assert (atoms.positions <= 6).all()
    outside = layers(show(liquid(), wrap=False))[Atoms].positions
    assert np.allclose(outside, liquid().positions)
    assert np.allclose((outside - atoms.positions) / 6, np.round((outside - atoms.positions) / 6), atol=1e-9)


def test_scalar_attribute_becomes_a_colour_with_its_unit() -> None:
    atoms = layers(show(liquid(), "mobility", unit="sigma", limits=(0, 1)))[Atoms]
    assert np.allclose(atoms.values, liquid().positions[:, 0])
    assert atoms.scale.heading == "mobility (sigma)"
    assert (atoms.scale.low, atoms.scale.high) == (0, 1)
    assert atoms.scale.kind == "diverging", "the values have both signs"


def test_vector_block_becomes_arrows() -> None:
    structure = liquid()
    made = layers(show(structure, "features", colour="mobility", block="1o", channel=1))
    assert np.allclose(made[Arrows].vectors, structure.node["features"]["1o"][:, 1])
    assert np.allclose(made[Arrows].origins, made[Atoms].positions)
    assert made[Arrows].scale.title == "features 1o[1]"
    assert made[Atoms].scale.title == "mobility"


def test_higher_degree_becomes_a_glyph_of_its_coefficients() -> None:
    structure = liquid()
    made = layers(show(structure, "features", block="2e", unit="1"))
    glyphs, values = made[Glyphs], structure.node["features"]["2e"][:, 0]
    assert (glyphs.coefficients[:, :4] == 0).all()
    assert np.allclose(glyphs.coefficients[:, 4:], values)
    assert (glyphs.name, glyphs.scale.heading) == ("features 2e[0]", "features 2e[0] (1)")
    nearest = np.sort(np.linalg.norm(glyphs.origins[:, None] - glyphs.origins, axis=-1), axis=1)[:, 1]
    assert np.quantile(glyphs.size * glyphs.extents(), 0.9) < 0.6 * np.median(nearest), "neighbours do not overlap"
    atoms = layers(show(structure, "features", block="2e", style="colour"))[Atoms]
    assert np.allclose(atoms.values, values.norm(dim=-1))


def test_all_degrees_together_are_one_function_on_the_sphere() -> None:
    structure = liquid()
    glyphs = layers(show(structure, "features", block="all", channel=1))[Glyphs]
    field = structure.node["features"]
    assert np.allclose(glyphs.coefficients[:, 0], field["0e"][:, 1, 0])
    assert np.allclose(glyphs.coefficients[:, 1:4], field["1o"][:, 1])
    assert (glyphs.coefficients[:, 4:] == 0).all(), "2e has one copy only"


def test_pseudo_vectors_are_marked() -> None:
    spins = Field(torch.randn(20, 3), "1x1e", "node")
    made = layers(show(liquid(), spins))
    assert made[Arrows].axial
    assert "pseudo-vectors" in show(liquid(), spins).describe()
    assert not layers(show(liquid(), Field(torch.randn(20, 3), "1x1o", "node")))[Arrows].axial


def test_styles_that_do_not_suit_are_refused() -> None:
    with pytest.raises(ViewError, match="expected a vector to draw arrows, features 2e"):
        show(liquid(), "features", block="2e", style="arrows")
    with pytest.raises(ViewError, match="expected irreps to draw glyphs, value is none"):
        show(liquid(), np.zeros((20, 3)), style="glyphs")


def test_arrays_and_tensors_are_shown_too() -> None:
    structure = liquid()
    vectors = torch.randn(20, 3, requires_grad=True)
    assert Arrows in layers(show(structure, vectors))
    assert layers(show(structure, colour=np.arange(20)))[Atoms].values[3] == 3
    assert np.allclose(layers(show(structure, colour=vectors))[Atoms].values, vectors.detach().norm(dim=1), atol=1e-6)


def test_arrows_are_long_enough_to_see_and_say_how_much() -> None:
    tiny = layers(show(liquid(), torch.full((20, 3), 1e-6)))[Arrows]
    assert 0.3 < np.linalg.norm(tiny.vectors[0]) * tiny.magnify < 6
    assert "times as long" in show(liquid(), torch.full((20, 3), 1e-6)).describe()
    assert layers(show(liquid(), torch.zeros(20, 3)))[Arrows].magnify == 1


def test_scenes_in_one_cell_are_equally_large_whatever_their_arrows() -> None:
    short, long = (show(liquid(), torch.full((20, 3), size), magnify=1.0) for size in (0.1, 5.0))
    space, other = (short.beside(long).figure().layout[name] for name in ("scene", "scene2"))
    for axis in ("xaxis", "yaxis", "zaxis"):
        assert space[axis].range == other[axis].range
        assert other[axis].range[1] > 6 + 4, "the longest arrow is inside"
    assert space.aspectratio == other.aspectratio
    assert short.figure().layout.scene.xaxis.range[1] < 7


def test_slider_comes_where_it_is_needed() -> None:
    assert show(liquid()).slab is None
    assert show(liquid(500)).slab == Slab()
    assert show(liquid(), slab="x").slab == Slab("x")
    assert show(liquid(500), slab=False).slab is None


def test_molecule_has_covalent_radii() -> None:
    water = Structure(torch.tensor([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]), torch.tensor([8, 1, 1]))
    scene = show(water)
    whole = layers(show(water, bonds=False))[Atoms].radii
    assert whole == pytest.approx([0.66, 0.31, 0.31])  # Cordero et al. 2008, as tabled by ASE
    assert sorted(map(sorted, layers(scene)[Bonds].pairs.tolist())) == [[0, 1], [0, 2]]
    assert (layers(scene)[Atoms].radii < whole).all(), "balls between sticks are smaller"
    assert CellBox not in layers(scene)
    space = scene.figure().layout.scene
    sides = {axis: np.ptp(space[f"{axis}axis"].range) for axis in "xyz"}
    ratios = {axis: space.aspectratio[axis] / side for axis, side in sides.items()}
    assert ratios["x"] == pytest.approx(ratios["y"]) == pytest.approx(ratios["z"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"field": "speed"}, "no node attribute 'speed'; it has: features, mobility"),
        ({"field": "features", "block": "3o"}, "no block '3o'; it has: 0e, 1o, 2e"),
        ({"field": "features", "channel": 2}, "block 0e has the channels 0 to 1, got channel 2"),
        ({"field": torch.zeros(3)}, r"shape \[20\] or \[20, 3\], got shape \[3\]"),
        ({"field": 3.0}, r"shape \[20\] or \[20, 3\], got shape \[\]"),
        ({"field": torch.ones(20, dtype=torch.complex64)}, "Complex numbers cannot be drawn"),
        (
            {"field": Field(torch.zeros(1, 1), "1x0e", "graph")},
            "expected a field on 20 nodes, got one on graphs with 1",
        ),
        ({"field": "mobility", "colour": "mobility"}, "both drawn as colours"),
        ({"radii": {"A": 0.5}}, "none is given for B"),
    ],
)
def test_show_says_what_is_wrong(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ViewError, match=message):
        show(liquid(), **arguments)

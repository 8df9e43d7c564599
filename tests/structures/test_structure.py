"""Does a structure hold what it was given, move as a whole, and survive the way to other libraries and back?"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from equiviz.structures import Structure, StructureError
from equiviz.symmetry import CartesianTensor, Field, O3Irreps, Permutation, Translation, haar

CELL = torch.tensor([[4.0, 0, 0], [1, 5, 0], [0.5, 0.2, 6]], dtype=torch.float64)


def sample(**other: object) -> Structure:
    source = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    settings: dict[str, object] = {
        "positions": 3 * draw(4, 3),
        "species": torch.tensor([14, 8, 8, 1]),
        "cell": CELL,
        "pbc": (True, False, True),
        "node": {
            "forces": Field(draw(4, 3), "1o"),
            "spins": Field(draw(4, 3), "1e"),
            "density": Field(draw(4, 10), O3Irreps("4x0e+2x1o", "ir_mul")),
        },
        "graph": {"energy": Field(draw(1, 1), "0e", "graph"), "stress": Field(draw(1, 9), CartesianTensor(2), "graph")},
        "name": "sample",
    }
    return Structure(**{**settings, **other})


def assert_same(one: Structure, two: Structure) -> None:
    assert torch.equal(one.positions, two.positions)
    assert torch.equal(one.species, two.species)
    assert (one.pbc, one.length_unit, one.labels, one.name) == (two.pbc, two.length_unit, two.labels, two.name)
    assert (one.cell is None) == (two.cell is None)
    assert one.cell is None or torch.equal(one.cell, two.cell)
    for before, after in ((one.node, two.node), (one.graph, two.graph)):
        assert list(before) == list(after)
        for name in before:
            assert before[name].representation == after[name].representation
            assert torch.equal(before[name].values, after[name].values)


WAYS: dict[str, Callable[[Structure], Structure]] = {
    "ase": lambda one: Structure.from_ase(one.to_ase()),
    "pyg": lambda one: Structure.from_pyg(one.to_pyg()),
    "dict": lambda one: Structure.from_dict(one.to_dict()),
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),
}


@pytest.mark.filterwarnings("ignore")  # torch_geometric warns about itself on import
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "one",
    [
        sample(),
        sample(cell=None, pbc=(False,) * 3),
        sample(species=torch.tensor([0, 1, 1, 0]), species_names=("A", "B"), length_unit="sigma"),
        Structure(torch.zeros(0, 3, dtype=torch.float64), torch.zeros(0, dtype=torch.long)),
        Structure(torch.zeros(1, 3, dtype=torch.float64), torch.ones(1, dtype=torch.long)),
    ],
    ids=["crystal", "molecule", "liquid", "empty", "one atom"],
)
def test_the_way_out_and_back_changes_nothing(way: str, one: Structure) -> None:
    assert_same(WAYS[way](one), one)


def test_ase_results_and_arrays_get_their_types() -> None:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = Atoms("OH", positions=[[0, 0, 0], [0, 0, 1.0]], cell=[5, 5, 5], pbc=True, momenta=[[1, 2, 3], [4, 5, 6]])
    atoms.set_array("mystery", torch.ones(2, 4).numpy())
    forces = torch.tensor([[0, 0, 1.0], [0, 0, -1.0]], dtype=torch.float64).numpy()
    atoms.calc = SinglePointCalculator(atoms, energy=-2.5, forces=forces, stress=[1, 2, 3, 4, 5, 6.0])
    one = Structure.from_ase(atoms)
    assert {name: str(item.representation) for name, item in {**one.node, **one.graph}.items()} == {
        "momenta": "1x1o",
        "forces": "1x1o",
        "energy": "1x0e",
        "stress": "rank-2 polar",
    }
    assert one.graph["stress"].values.tolist() == [[1, 6, 5, 6, 2, 4, 5, 4, 3]]
    named = Structure.from_ase(atoms, {"mystery": "1x0e+1x1o"})
    assert str(named.node["mystery"].representation) == "1x0e+1x1o"


def test_a_handwritten_dict_is_enough() -> None:
    one = Structure.from_dict(
        {"positions": [[0.0, 0, 0], [0, 0, 1]], "species": [8, 1], "forces": [[0, 0, 1], [0, 0, 2]]}
    )
    assert one.labels == ["O", "H"]
    assert one.node["forces"]["1o"].shape == (2, 1, 3)
    with pytest.raises(
        StructureError, match=r"node attribute 'forces' as 1e\+0e must be numbers of shape \[2, 4\], got"
    ):
        Structure.from_dict(one.to_dict(), {"forces": "1e+0e"})
    with pytest.raises(StructureError, match=r"\['species'\] missing"):
        Structure.from_dict({"positions": [[0.0, 0, 0]]})


POINTS = [[0.0, 0, 0], [0, 0, 1]]
ELSEWHERE = {"device": "meta"}  # as good as a GPU: its numbers are not in main memory
REFUSED_ARRAYS: dict[str, dict[str, object]] = {
    r"'species' must have shape \[N\], one number per point, got shape \[\]; for a single point write \[8\]": {
        "species": 8
    },
    r"'species' must have shape \[N\], one number per point, got shape \[1, 2\]": {"species": [[8, 1]]},
    "expected numbers for 'species', got values of type <U1; write atomic numbers": {"species": ["O", "H"]},
    r"'pbc' must be one boolean, or three, .* got \[ True  True\] of shape \[2\]; write pbc=\[True, True, False\]": {
        "pbc": [True, True]
    },
    "'pbc' must be one boolean, or three, .* got TTF": {"pbc": "TTF"},
    r"expected arrays in main memory, but 'positions' is a tensor on meta; pass its .cpu\(\), .*to\('meta'\)": {
        "positions": torch.zeros(2, 3, **ELSEWHERE)
    },
    "expected arrays in main memory, but 'species' is a tensor on meta": {"species": torch.ones(2, **ELSEWHERE)},
    "expected arrays in main memory, but 'forces' is a tensor on meta": {"forces": torch.ones(2, 3, **ELSEWHERE)},
    "expected an array of numbers for 'positions', got list .*; give every row the same length": {
        "positions": [[0.0, 0], [0, 0, 1]]
    },
    "expected numbers for 'positions', got None": {"positions": None},
}


@pytest.mark.parametrize("message", REFUSED_ARRAYS)
def test_arrays_that_cannot_be_are_refused_in_words(message: str) -> None:
    arrays = {"positions": POINTS, "species": [8, 1], "cell": CELL.tolist(), **REFUSED_ARRAYS[message]}
    with pytest.raises(StructureError, match=message):
        Structure.from_dict(arrays)


def test_arrays_with_a_history_become_attributes() -> None:
    forces = torch.ones(2, 3, requires_grad=True)
    one = Structure.from_dict({"positions": POINTS, "species": [8, 1], "forces": forces, "energy": -1.5, "pbc": False})
    assert one.node["forces"].values.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert one.graph["energy"].values.tolist() == [[-1.5]]


def test_turning_turns_positions_cell_and_attributes() -> None:
    one, g = sample(), haar(1, seed=2)[0]
    turned = one.transform(g)
    for before, after in ((one.positions, turned.positions), (one.cell, turned.cell)):
        torch.testing.assert_close(after, before @ g.matrix.T, rtol=0, atol=1e-14)
    torch.testing.assert_close(turned.node["forces"].values, one.node["forces"].values @ g.matrix.T, rtol=0, atol=1e-14)
    spins = g.det * one.node["spins"].values @ g.matrix.T
    torch.testing.assert_close(turned.node["spins"].values, spins, rtol=0, atol=1e-14)
    assert torch.equal(turned.graph["energy"].values, one.graph["energy"].values)


def test_moving_and_permuting() -> None:
    one = sample()
    moved = one.transform(Translation(torch.tensor([1.0, 0.0, -1.0])))
    torch.testing.assert_close(moved.positions[:, 0], one.positions[:, 0] + 1)
    assert torch.equal(moved.cell, CELL)
    order = torch.tensor([2, 0, 3, 1])
    permuted = one.transform(Permutation(order))
    assert torch.equal(permuted.species, one.species[order])
    assert torch.equal(permuted.positions, one.positions[order])
    assert torch.equal(permuted.node["forces"].values, one.node["forces"].values[order])
    assert torch.equal(permuted.graph["stress"].values, one.graph["stress"].values)


def test_it_says_what_it_is() -> None:
    assert repr(sample()).startswith(
        "Structure 'sample': 4 points (H 1, O 2, Si 1), periodic along ac, typed attributes f"
    )
    liquid = sample(species=torch.tensor([0, 1, 1, 7]), species_names={0: "A", 1: "B"})
    assert liquid.labels == ["A", "B", "B", "7"]
    assert sample().to(torch.float32).node["forces"].values.dtype == torch.float32


REFUSED: dict[str, dict[str, object]] = {
    r"positions must have shape \[points, 3\], got \[4\]": {"positions": torch.zeros(4)},
    r"point 2 has a coordinate that is not finite: \[0.0, 0.0, nan\]": {
        "positions": torch.tensor([[0.0, 0, 0], [0, 0, 0], [0, 0, math.nan], [0, 0, 0]])
    },
    r"species must have shape \[4\], one number per point, got \[3\]": {"species": torch.ones(3, dtype=torch.long)},
    "species must be integers": {"species": torch.ones(4)},
    r"cell must have shape \[3, 3\]": {"cell": torch.ones(3)},
    "cell has an entry that is not finite": {"cell": CELL * math.inf},
    "span no volume.*give a cell with volume, or switch periodicity off": {"cell": torch.zeros(3, 3)},
    "span no volume": {"cell": CELL[[0, 1, 0]]},
    "there is no cell; give a cell, or pbc=": {"cell": None},
    "pbc must be three booleans": {"pbc": (True, True)},
    r"node attribute 'q' must have support 'node' and 4 rows, got support 'node' and shape \[3, 1\]": {
        "node": {"q": Field(torch.zeros(3, 1), "0e")}
    },
    r"graph attribute 'q' must have support 'graph' and shape \[1, d\]": {
        "graph": {"q": Field(torch.zeros(4, 1), "0e")}
    },
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused_in_words(message: str) -> None:
    with pytest.raises(StructureError, match=message):
        sample(**REFUSED[message])


def test_the_error_says_where() -> None:
    assert str(StructureError("a.xyz", 3, "why")) == "a.xyz, line 3: why"
    assert str(StructureError("a.xyz", None, "why")) == "a.xyz: why"
    assert str(StructureError(None, None, "why")) == "why"
    assert str(pickle.loads(pickle.dumps(StructureError("a.xyz", 3, "why")))) == "a.xyz, line 3: why"


def test_some_points_keep_what_they_carry() -> None:
    whole = sample(node={"q": Field(torch.arange(4.0)[:, None], "0e")})
    for rows in ([2, 0], torch.tensor([2, 0])):
        part = whole.select(rows)
        assert torch.equal(part.positions, whole.positions[[2, 0]])
        assert part.node["q"].values.flatten().tolist() == [2, 0]
        assert (part.cell is None, part.pbc) == (whole.cell is None, whole.pbc)
    assert len(whole.select(torch.tensor([True, False, False, True]))) == 2
    with pytest.raises(StructureError, match="from 0 to 3, got some from 0 to 4"):
        whole.select([0, 4])
    with pytest.raises(StructureError, match=r"or a mask \[4\], got shape \[2\]"):
        whole.select(torch.tensor([True, False]))

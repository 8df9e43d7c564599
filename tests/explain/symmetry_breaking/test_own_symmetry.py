"""Is the symmetry of a structure found: all of it, in any orientation, and no more?"""

from __future__ import annotations

import pytest
import torch
from ase.build import bulk, molecule

from equiviz.explain.errors import SymmetryBreakingError
from equiviz.explain.symmetry_breaking.own_symmetry import OwnSymmetry
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import Translation, haar
from tests.explain.symmetry_breaking.shapes import RECTANGLE, SQUARE, octahedron, points
from tests.toy_networks import molecule as random_molecule

# Point groups of the molecules: Cotton, Chemical Applications of Group Theory (3rd ed., 1990), chapter 3.
MOLECULES = {
    "H2O": ("C2v", 4), "NH3": ("C3v", 6), "CH4": ("Td", 24), "C6H6": ("D6h", 24), "C2H6": ("D3d", 12),
    "C2H4": ("D2h", 8), "C3H4_D2d": ("D2d", 8), "CH3OH": ("Cs", 2), "H2O2": ("C2", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", MOLECULES)
def test_point_groups_of_molecules_in_any_orientation(name: str) -> None:
    turned = Structure.from_ase(molecule(name)).transform(haar(1, 3)[0])
    found = OwnSymmetry.of(turned, tolerance=1e-2)
    assert (found.name, len(found)) == MOLECULES[name]


def test_a_square_and_a_rectangle() -> None:
    assert OwnSymmetry.of(SQUARE).describe() == "D4h (16 elements)"
    assert OwnSymmetry.of(RECTANGLE).describe() == "D2h (8 elements)"
    assert OwnSymmetry.of(octahedron()).describe() == "Oh (48 elements)"
    assert OwnSymmetry.of(octahedron(1.3)).describe() == "D4h (16 elements)"


def test_rotations_alone() -> None:
    assert OwnSymmetry.of(SQUARE, proper=True).describe() == "D4 (8 elements)"


def test_lines_and_points_have_infinitely_many() -> None:
    assert OwnSymmetry.of(points([[0, 0, 0]])).name == "O(3)"
    assert OwnSymmetry.of(points([[0, 0, -1.0], [0, 0, 1.0]])).name == "D∞h"
    assert OwnSymmetry.of(points([[0, 0, -1.0], [0, 0, 1.0]], [1, 2])).name == "C∞v"


def test_random_points_have_none() -> None:
    bare = random_molecule(7)
    assert OwnSymmetry.of(points(bare.positions.tolist())).describe() == "C1 (1 element)"


@pytest.mark.parametrize(("crystal", "name", "count"), [("Cu", "Oh", 48), ("Si", "Oh", 48), ("Mg", "D6h", 24)])
def test_crystals(crystal: str, name: str, count: int) -> None:
    moved = Structure.from_ase(bulk(crystal)).transform(haar(1, 4)[0]).transform(Translation(torch.tensor([0.3, 1, 2])))
    found = OwnSymmetry.of(moved)
    assert (found.name, len(found)) == (name, count)


def test_a_large_cell_has_shifts_too() -> None:
    assert len(OwnSymmetry.of(Structure.from_ase(bulk("Cu", cubic=True)))) == 4 * 48


def test_attributes_count() -> None:
    along = Field(torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64), "1o", "graph")
    assert OwnSymmetry.of(octahedron().with_graph("field", along)).name == "C4v"
    marked = Field(torch.tensor([[1.0], [0], [0], [0]], dtype=torch.float64), "0e", "node")
    assert OwnSymmetry.of(SQUARE.with_node("mark", marked)).name == "C2v"


def test_elements_are_a_group_that_maps_points_onto_points() -> None:
    found = OwnSymmetry.of(SQUARE.transform(haar(1, 5)[0]))
    for matrix in found.matrices:
        for other in found.matrices:
            product = matrix @ other
            assert min(float((product - known).abs().max()) for known in found.matrices) < 1e-10


def test_periods_along_one_axis_are_refused() -> None:
    chain = Structure(torch.zeros(1, 3), torch.ones(1, dtype=torch.long), torch.eye(3), (True, False, False))
    with pytest.raises(SymmetryBreakingError, match=r"periods along all axes or none"):
        OwnSymmetry.of(chain)

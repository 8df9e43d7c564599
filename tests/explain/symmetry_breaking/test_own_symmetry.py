"""Is the symmetry of a structure found: all of it, in any orientation, and no more?"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from ase.build import bulk, fcc111, graphene, molecule, nanotube

from equiviz.explain.rigid_motions import rigid_basis
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


def _slab(layers: int) -> Structure:
    return Structure.from_ase(fcc111("Cu", (1, 1, layers), vacuum=5.0))


def test_slabs() -> None:
    """A single layer of triangles has a six-fold axis; three layers, stacked as in the crystal, a three-fold one."""
    g = haar(1, 6)[0]
    assert OwnSymmetry.of(_slab(1).transform(g)).describe() == "D6h (24 elements)"
    assert OwnSymmetry.of(_slab(3).transform(g)).describe() == "D3d (12 elements)"
    assert OwnSymmetry.of(Structure.from_ase(graphene(vacuum=5.0)).transform(g)).name == "D6h"
    two = Structure.from_ase(graphene("BN", thickness=0.0, vacuum=5.0)).transform(g)
    assert OwnSymmetry.of(two).name == "D3h"


# Isogonal point groups: Damnjanovic et al., Phys. Rev. B 60, 2728 (1999), section II: D_2nh of tubes (n, 0) and (n, n),
# D_q of chiral ones, q = 2 (n^2 + nm + m^2) / gcd(2n + m, 2m + n).
@pytest.mark.parametrize(("n", "m", "name"), [(4, 0, "D8h"), (3, 3, "D6h"), (4, 2, "D28"), (4, 1, "D14")])
def test_rods(n: int, m: int, name: str) -> None:
    tube = Structure.from_ase(nanotube(n, m)).transform(haar(1, 7)[0]).transform(Translation(torch.tensor([0.3, 1, 2])))
    assert OwnSymmetry.of(tube, tolerance=1e-2).name == name


def test_a_rod_that_is_bent_out_of_shape_has_less() -> None:
    tube = Structure.from_ase(nanotube(4, 0))
    shifts = 0.1 * torch.randn(tube.positions.shape, generator=torch.Generator().manual_seed(1))
    assert OwnSymmetry.of(replace(tube, positions=tube.positions + shifts)).describe() == "C1 (1 element)"


@pytest.mark.parametrize(("species", "name"), [([1], "D∞h"), ([1, 2], "D∞h"), ([1, 2, 3], "C∞v")])
def test_chains_have_infinitely_many(species: list[int], name: str) -> None:
    rows = torch.tensor([[0.0, 0.0, 1.0]]) * torch.arange(len(species))[:, None]
    cell = torch.diag(torch.tensor([9.0, 9.0, float(len(species))]))
    chain = Structure(rows, torch.tensor(species), cell, (False, False, True)).transform(haar(1, 8)[0])
    assert OwnSymmetry.of(chain).name == name


def test_what_a_slab_cannot_have_is_missing() -> None:
    """A vector along the normal of a flat layer is out of reach; along the normal of one that is polar it is not."""
    flat = Structure.from_ase(graphene(vacuum=5.0))
    polar = flat.with_graph("field", Field(torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64), "1o", "graph"))
    normal = Field(torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64), "1o", "graph")
    assert float(OwnSymmetry.of(flat).average(normal).norm()) < 1e-12
    assert float((OwnSymmetry.of(polar).average(normal) - normal.values).norm()) < 1e-12


def test_motions_of_the_whole_keep_the_periods() -> None:
    tube, layer = Structure.from_ase(nanotube(3, 3)), _slab(3)
    assert [len(rigid_basis(one)) for one in (tube, layer, Structure.from_ase(bulk("Cu")))] == [4, 3, 3]
    axis = tube.cell[2] / tube.cell[2].norm()  # type: ignore[index]
    turn = torch.linalg.cross(axis.expand_as(tube.positions), tube.positions).flatten().double()
    assert float((turn - rigid_basis(tube).T @ (rigid_basis(tube) @ turn)).norm() / turn.norm()) < 1e-9

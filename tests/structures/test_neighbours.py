"""Are all pairs within the cutoff found, and no others?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ase.neighborlist import primitive_neighbor_list
from torch import Tensor

from equiviz.structures import StructureError, neighbours
from equiviz.symmetry import haar_matrices

CUTOFF = 3.0
Key = list[tuple[int, ...]]


def triclinic(seed: int) -> tuple[Tensor, Tensor, tuple[bool, bool, bool]]:
    """Points partly outside of a random cell of either hand, whose heights go down to less than cutoff / 2."""
    rng = np.random.default_rng(seed)
    while True:
        cell = rng.normal(size=(3, 3)) * rng.uniform(0.8, 4.0)
        heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        if heights.min() > 0.4 * CUTOFF:
            break
    points = rng.uniform(-1.5, 1.5, size=(rng.integers(1, 7), 3)) @ cell
    pbc = tuple(bool(flag) for flag in rng.random(3) < 0.75)
    return torch.tensor(points), torch.tensor(cell), pbc


def ours(points: Tensor, cell: Tensor | None, pbc: tuple[bool, ...], cutoff: float = CUTOFF) -> Key:
    found = neighbours(points, cutoff, cell, pbc)
    return list(map(tuple, torch.cat([found.edge_index.flip(0).T, found.shifts], dim=1).tolist()))


def ases(points: Tensor, cell: Tensor, pbc: tuple[bool, ...], cutoff: float = CUTOFF) -> Key:
    i, j, shifts = primitive_neighbor_list("ijS", pbc, cell.numpy(), points.numpy(), cutoff, self_interaction=False)
    return sorted(map(tuple, np.column_stack([i, j, shifts]).tolist()))


def same_as_ase(seeds: range) -> float:
    smallest = math.inf
    for seed in seeds:
        points, cell, pbc = triclinic(seed)
        assert ours(points, cell, pbc) == ases(points, cell, pbc), f"seed {seed}"
        smallest = min(smallest, float(torch.linalg.inv(cell).norm(dim=0).reciprocal().min()))
    return smallest


def test_equal_to_ase_on_triclinic_cells_of_both_hands_and_any_periodicity() -> None:
    assert same_as_ase(range(200)) < CUTOFF / 2, "the cells must reach below half of the cutoff"


@pytest.mark.slow
def test_equal_to_ase_on_a_thousand_triclinic_cells() -> None:
    assert same_as_ase(range(1000)) < CUTOFF / 2


def test_own_images_are_neighbours() -> None:
    found = neighbours(torch.zeros(1, 3), 5.0, 2 * torch.eye(3))
    assert found.edge_index.shape == (2, 80)
    assert (found.vectors.norm(dim=1) < 5).all()


@pytest.mark.parametrize("pbc", [False, True])
def test_coincident_points_are_neighbours_at_distance_zero(pbc: bool) -> None:
    found = neighbours(torch.zeros(2, 3), 1.0, 20 * torch.eye(3), pbc)
    assert found.edge_index.tolist() == [[1, 0], [0, 1]]
    assert (found.vectors == 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_has_no_neighbours(count: int) -> None:
    found = neighbours(torch.zeros(count, 3), 5.0)
    assert (found.edge_index.shape, found.shifts.shape, found.vectors.shape) == ((2, 0), (0, 3), (0, 3))


def test_a_pair_at_the_cutoff_is_not_counted() -> None:
    points = torch.tensor([[0.0, 0, 0], [3.0, 0, 0]], dtype=torch.float64)
    assert neighbours(points, 3.0).edge_index.shape[1] == 0
    assert neighbours(points, math.nextafter(3.0, 4.0)).edge_index.shape[1] == 2


def test_edges_are_sorted_by_receiver_sender_and_shift() -> None:
    points, cell, _ = triclinic(3)
    found = ours(points, cell, (True, True, True))
    assert found == sorted(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("matrix", haar_matrices(6, seed=5))
def test_turning_points_and_cell_turns_the_vectors(matrix: Tensor) -> None:
    points, cell, pbc = triclinic(11)
    before, after = neighbours(points, CUTOFF, cell, pbc), neighbours(points @ matrix.T, CUTOFF, cell @ matrix.T, pbc)
    assert torch.equal(before.edge_index, after.edge_index)
    assert torch.equal(before.shifts, after.shifts)
    torch.testing.assert_close(after.vectors, before.vectors @ matrix.T, rtol=1e-13, atol=1e-13)


def test_moving_points_by_lattice_vectors_changes_shifts_but_not_vectors() -> None:
    points, cell, _ = triclinic(11)
    hops = torch.tensor([[3, -2, 7]] + [[0, 0, 0]] * (len(points) - 1))
    before, after = neighbours(points, CUTOFF, cell), neighbours(points + hops.double() @ cell, CUTOFF, cell)
    keys = [np.round(found.vectors.numpy(), 9) + 0.0 for found in (before, after)]  # hops of 7 cells cost digits
    rows = [
        sorted(map(tuple, np.column_stack([f.edge_index.T, k]).tolist()))
        for f, k in zip((before, after), keys, strict=True)
    ]
    assert rows[0] == rows[1]


def test_vectors_carry_gradients_of_positions_and_cell() -> None:
    points, cell, pbc = triclinic(2)

    def energy(positions: Tensor, lattice: Tensor) -> Tensor:
        return neighbours(positions, CUTOFF, lattice, pbc).vectors.square().sum(dim=1).div(9).neg().exp().sum()

    assert torch.autograd.gradcheck(energy, (points.requires_grad_(), cell.requires_grad_()))


def test_float32_finds_what_float64_finds() -> None:
    points, cell, pbc = triclinic(4)
    single = neighbours(points.float(), CUTOFF, cell.float(), pbc)
    assert single.vectors.dtype == torch.float32
    assert torch.equal(single.edge_index, neighbours(points, CUTOFF, cell, pbc).edge_index)


def test_rows_of_directions_without_periodicity_do_not_matter() -> None:
    points, cell, _ = triclinic(8)
    flat = cell.clone()
    flat[1] = 0
    pbc = (True, False, True)
    assert ours(points, flat, pbc) == ours(points, cell, pbc) == ases(points, cell, pbc)


# vesin 0.6 divides by zero, or overflows, and takes the process with it in the last four of these.
REFUSED = {
    "cutoff": (torch.zeros(2, 3), 0.0, None, "the cutoff must be positive and finite, got 0.0"),
    "nan": (torch.full((2, 3), math.nan), 1.0, None, "positions: row 0 is not finite"),
    "shape": (torch.zeros(2, 2), 1.0, None, r"positions must have shape \[n, 3\], got \[2, 2\]"),
    "nan cell": (torch.zeros(2, 3), 1.0, math.nan * torch.eye(3), "cell: row 0 is not finite"),
    "flat cell": (torch.zeros(2, 3), 1.0, torch.diag(torch.tensor([1.0, 0, 1])), "span no volume"),
    "stray": (torch.tensor([[0.0, 0, 0], [1e12, 0, 0]]), 1.0, None, "spread over 1e.12, more than 1e.08 cutoffs"),
    "tiny cell": (torch.zeros(1, 3), 5.0, 1e-3 * torch.eye(3), "would have about 5.2e.11 edges"),
    "crowd": (
        torch.zeros(20_000, 3),
        5.0,
        None,
        "would have about 4e.08 edges, more than 1e.08; take a smaller cutoff",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_crash_or_flood_is_refused_in_words(name: str) -> None:
    points, cutoff, cell, message = REFUSED[name]
    with pytest.raises(StructureError, match=message):
        neighbours(points, cutoff, cell)


def test_periodicity_without_a_cell_is_refused() -> None:
    with pytest.raises(StructureError, match="there is no cell; give a cell or pbc=False"):
        neighbours(torch.zeros(2, 3), 1.0, None, True)

"""Is a crystal never told apart from itself, however it is written down, and are others told apart?"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from equiviz.explain.blind_spots.crystals_apart import crystals_apart
from equiviz.explain.blind_spots.found_report import FoundReport
from equiviz.explain.blind_spots.search import find_blind_spot
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from tests.explain.blind_spots.known import Known, radial

FCC = 4.0 * torch.tensor([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]], dtype=torch.float64)
"""The primitive cell: skew, so that rounding fractional coordinates does not find the nearest image."""
ROUNDING = 1e-12
"""Of distances of a few angstrom in float64, after a rotation and a dozen sums."""
OPERATIONS = [
    torch.tensor(rows, dtype=torch.float64)
    for rows in (
        [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
        [[-1, 0, 0], [0, -1, 0], [0, 0, -1]],
        [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    )
]
"""Of the cube's group: each takes the lattice to itself."""


def crystal(seed: int = 0, points: int = 5) -> Structure:
    generator = torch.Generator().manual_seed(seed)
    fractional = torch.rand(points, 3, generator=generator, dtype=torch.float64)
    species = torch.tensor([1, 1, 1, 8, 8])[:points]
    return Structure(fractional @ FCC, species, FCC, (True, True, True))


def moved_by(structure: Structure, operation: Tensor) -> Structure:
    """The same crystal, turned about a point that is none of its own, and brought back into the cell."""
    turned = (structure.positions @ operation.T + 0.37) @ torch.linalg.inv(FCC)
    return replace(structure, positions=(turned - turned.floor()) @ FCC)


@pytest.mark.parametrize("centre", [None, 0, 4])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lattice_operation_leaves_the_same_crystal(operation: Tensor, centre: int | None) -> None:
    for seed in range(4):
        first = crystal(seed)
        second = moved_by(first, operation)
        assert crystals_apart(first, second, centre).at_least < ROUNDING
        assert not report(first, second, centre).found
        assert "it is not proved that the two differ" in report(first, second, centre).describe()
        assert "No blind spot of stage_read" in report(first, second, centre).describe()


@pytest.mark.parametrize("centre", [None, 0])
def test_control_other_crystals_are_told_apart(centre: int | None) -> None:
    first, second = crystal(0), crystal(1)
    found = crystals_apart(first, second, centre)
    assert math.isnan(found.rms)
    assert found.at_least > 0.1
    assert report(first, second, centre).found
    assert "In a cell no superposition is tried; sorted distances prove" in report(first, second, centre).describe()


@pytest.mark.parametrize("centre", [None, 0])
@pytest.mark.parametrize("size", [0.01, 0.1, 0.5])
def test_the_bound_stays_below_what_was_done(centre: int | None, size: float) -> None:
    """No point was moved farther than `size` from its partner, the centre not at all: the bound must not say more."""
    for seed in range(5):
        first, generator = crystal(seed), torch.Generator().manual_seed(seed)
        shift = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        shift = size * shift / shift.norm(dim=1, keepdim=True)
        shift[0] = 0
        second = moved_by(replace(first, positions=first.positions + shift), OPERATIONS[1])
        assert 0 < crystals_apart(first, second, centre).at_least <= size + ROUNDING


def _turned_neighbours(angle: float) -> Structure:
    """Three neighbours at 1.5, 1.7 and 1.9 from the first point; the angle between the first two of them is given."""
    rows = [[0.0, 0, 0], [1.5, 0, 0], [1.7 * math.cos(angle), 1.7 * math.sin(angle), 0], [0, 0, 1.9]]
    positions = torch.tensor(rows, dtype=torch.float64) + 0.2
    return Structure(positions, torch.ones(4).long(), 9.0 * torch.eye(3).double(), (True, True, True))


def test_surroundings_with_equal_radii_are_told_apart_by_their_angles() -> None:
    first, second = _turned_neighbours(1.2), _turned_neighbours(2.0)
    found = crystals_apart(first, second, 0).at_least
    # Half the change of the distance between the two neighbours, but no more than half the gap between shells.
    chord = [math.sqrt(1.5**2 + 1.7**2 - 2 * 1.5 * 1.7 * math.cos(angle)) for angle in (1.2, 2.0)]
    assert 0.05 < found <= (chord[1] - chord[0]) / 2
    assert report(first, second, 0).found
    assert not report(first, _turned_neighbours(-1.2), 0).found  # the control: a mirror image


def test_a_radial_stage_is_proved_blind_in_a_cell() -> None:
    """It sees only how far neighbours are; the search keeps that, and the angles that differ are the proof."""
    found = find_blind_spot(
        Known(radial, "8x0e"), _turned_neighbours(1.2), "stage_read", at=0, attempts=3, progress=False
    )
    assert found.found
    assert found.ratio < 1e-9


def test_one_point_in_a_cell_is_the_same_wherever_it_lies() -> None:
    one, other = crystal(0, 1), crystal(1, 1)
    assert crystals_apart(one, other).at_least == 0


def test_the_search_in_a_skew_cell_says_what_is_proved() -> None:
    positions = torch.tensor([[0.0, 0, 0], [2.2, 0.3, 0.1], [0.2, 1.9, 2.1]], dtype=torch.float64)
    structure = Structure(positions, torch.ones(3, dtype=torch.long), FCC, (True, True, True))
    found = find_blind_spot(Known(radial, "8x0e"), structure, "stage_read", at=0, attempts=2, progress=False)
    assert math.isnan(found.apart.rms)
    assert found.found == (found.ratio < 1e-9 and found.apart.at_least > 0.1 * found.wanted)
    assert "In a cell no superposition is tried" in found.describe()


def report(first: Structure, second: Structure, centre: int | None) -> FoundReport:
    """As of a search that found equal features."""
    apart = crystals_apart(first, second, centre)
    shift = Field(second.positions - first.positions, "1o", "node")
    return FoundReport("model", "stage_read", centre, first, second, shift, 0.0, apart, 0.3, (1, 1))

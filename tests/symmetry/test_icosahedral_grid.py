"""Is the grid a sphere: are neighbours neighbours, does going round tell curvature, do charts see what points see?"""

from __future__ import annotations

import pytest
import torch

from equiviz.symmetry.errors import GroupError
from equiviz.symmetry.icosahedral_grid import DIRECTIONS, STEPS, IcosahedralGrid, grid, icosahedral_rotations

LEVELS = (1, 2, 3)


@pytest.mark.parametrize("level", range(5))
def test_there_are_as_many_points_as_the_paper_says(level: int) -> None:
    at = grid(level)
    assert len(at) == len(at.positions) == 10 * 4**level + 2
    torch.testing.assert_close(at.positions.norm(dim=1), torch.ones(len(at), dtype=torch.float64), rtol=1e-14, atol=0)
    distances = torch.cdist(at.positions, at.positions) + 9 * torch.eye(len(at), dtype=torch.float64)
    assert float(distances.min()) > 0.8 * 2.0**-level


@pytest.mark.parametrize("level", LEVELS)
def test_neighbours_are_nearest_and_mutual(level: int) -> None:
    at = grid(level)
    distances = torch.cdist(at.positions, at.positions)
    for point in at.regular.nonzero()[:, 0].tolist():
        nearest = set(distances[point].argsort()[1:7].tolist())
        assert set(at.neighbours[point].tolist()) == nearest
    assert bool((at.neighbours[at.neighbours] == torch.arange(len(at))[:, None, None]).any(-1).all())
    assert int((~at.regular).sum()) == 12


@pytest.mark.parametrize("level", LEVELS)
def test_directions_go_round_anticlockwise_seen_from_outside(level: int) -> None:
    at = grid(level)
    here = at.positions[:, None]
    first, second = at.positions[at.neighbours], at.positions[at.neighbours.roll(-1, 1)]
    sense = (torch.linalg.cross(first - here, second - here) * here).sum(-1)
    assert bool((sense[at.regular] > 0).all())


def around(at: IcosahedralGrid, loop: list[int]) -> int:
    """By how many sixths a direction has turned that was carried along a loop of points."""
    turn = 0
    for here, there in zip(loop, [*loop[1:], loop[0]], strict=True):
        back = at.neighbours[there].tolist().index(here)
        turn += int(at.transport[there, back])
    return turn % DIRECTIONS


@pytest.mark.parametrize("level", LEVELS[1:])
def test_a_direction_carried_round_a_point_comes_back_unless_it_is_a_corner(level: int) -> None:
    at = grid(level)
    for point in range(0, len(at), 7):
        if bool(at.regular[point]) and bool(at.regular[at.neighbours[point]].all()):
            assert around(at, at.neighbours[point].tolist()) == 0
    for corner in at.corners.tolist():
        # A sixth of the plane is missing at each corner: that is the curvature there.
        assert around(at, list(dict.fromkeys(at.neighbours[corner].tolist()))) in (1, DIRECTIONS - 1)


@pytest.mark.parametrize("level", LEVELS)
def test_charts_with_their_margin_show_each_point_its_neighbours(level: int) -> None:
    at = grid(level)
    points, turns = at.padding
    owned = at.charted(torch.arange(len(at)))
    chart, i, j = at.charted(at.regular).nonzero(as_tuple=True)
    here = owned[chart, i, j]
    for direction, (down, along) in enumerate(STEPS):
        place = chart, i + 1 + down, j + 1 + along
        assert torch.equal(points[place], at.neighbours[here, direction])
        known = at.regular[points[place]]
        assert torch.equal(turns[place][known], at.transport[here, direction][known])


def test_the_sixty_rotations_are_a_group() -> None:
    found = icosahedral_rotations()
    assert found.shape == (60, 3, 3)
    torch.testing.assert_close(found[0], torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-14)
    products = (found[:, None] @ found[None]).flatten(0, 1)
    nearest = (products[:, None] - found).flatten(2).norm(dim=-1).min(1).values
    assert float(nearest.max()) < 1e-14
    assert float((torch.cdist(found.flatten(1), found.flatten(1)) + 9 * torch.eye(60)).min()) > 0.5
    # Five-fold, three-fold and two-fold axes: 24, 20 and 15 turns.
    traces = found.diagonal(dim1=1, dim2=2).sum(-1)
    assert [int(((traces - trace).abs() < 1e-9).sum()) for trace in (3, 0, -1)] == [1, 20, 15]


@pytest.mark.parametrize("level", LEVELS)
def test_symmetries_take_neighbours_to_neighbours(level: int) -> None:
    at = grid(level)
    for rotation in icosahedral_rotations():
        found = at.turned(rotation)
        assert found is not None
        target, turns = found
        assert torch.equal(target.sort().values, torch.arange(len(at)))
        shifted = (torch.arange(DIRECTIONS) + turns[:, None]) % DIRECTIONS
        theirs = at.neighbours[target].gather(1, shifted)
        assert torch.equal(theirs[at.regular], target[at.neighbours][at.regular])


def test_other_rotations_and_mirrors_are_no_symmetries() -> None:
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, 0.1, 0], [-0.1, 0, 0.2], [0, -0.2, 0]], dtype=torch.float64))
    assert grid(2).turned(turn) is None
    assert grid(2).turned(-torch.eye(3, dtype=torch.float64)) is None


@pytest.mark.parametrize("level", [-1, 9, 2.0, True])
def test_a_level_out_of_range_is_refused(level: object) -> None:
    with pytest.raises(GroupError, match="from 0 to 8"):
        IcosahedralGrid(level)  # type: ignore[arg-type]

"""Do signals on the sphere move as they should: exactly where the grid allows, nearly elsewhere?"""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.groups import O3, Translation, haar
from equiviz.symmetry.icosahedral_grid import grid, icosahedral_rotations
from equiviz.symmetry.sphere_signals import Fibre, SphereSignals

SYMMETRIES = [O3(matrix) for matrix in icosahedral_rotations()]


def some_values(kind: SphereSignals, seed: int = 0) -> Tensor:
    """[2, dim]; regular features have nothing at corners."""
    drawn = torch.randn(2, kind.dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn if kind.fibre == "scalar" else (kind.spread(drawn) * kind.grid.regular).flatten(1)


@pytest.mark.parametrize("fibre", get_args(Fibre))
@pytest.mark.parametrize(("one", "other"), [(3, 5), (17, 22), (40, 59), (8, 8)])
def test_one_after_the_other_is_their_product(fibre: Fibre, one: int, other: int) -> None:
    kind = SphereSignals(2, 3, fibre)
    x, g, h = some_values(kind), SYMMETRIES[one], SYMMETRIES[other]
    assert torch.equal(kind.transform(g, kind.transform(h, x)), kind.transform(g @ h, x))
    assert not torch.equal(kind.transform(g, x), x)


@pytest.mark.parametrize("fibre", get_args(Fibre))
def test_the_matrix_says_the_same(fibre: Fibre) -> None:
    kind = SphereSignals(1, 2, fibre)
    x = some_values(kind)
    for g in (SYMMETRIES[0], SYMMETRIES[11], haar(1, 0, "SO(3)")[0]):
        torch.testing.assert_close(x @ kind.matrix(g).T, kind.transform(g, x), rtol=0, atol=1e-13)
    exact = kind.matrix(SYMMETRIES[11])
    assert set(exact.unique().tolist()) == {0.0, 1.0}


def test_blocks_hold_each_number_once() -> None:
    kind = SphereSignals(1, 2, "regular")
    (block,) = kind.blocks
    assert (block.label, block.multiplicity, block.size) == ("regular", 2, 6 * 42)
    assert torch.equal(block.indices.flatten().sort().values, torch.arange(kind.dim))


def polynomial(points: Tensor) -> Tensor:
    return 3 * points[:, 0] * points[:, 1] + points[:, 2] ** 3


def components(level: int, vectors: Tensor) -> Tensor:
    """[6 V] components of tangent vectors along the six directions of each point."""
    at = grid(level)
    first = at.first_directions
    second = torch.linalg.cross(at.positions, first)
    turns = [k * math.pi / 3 for k in range(6)]
    return torch.stack([((math.cos(t) * first + math.sin(t) * second) * vectors).sum(-1) for t in turns]).flatten()


def swirl(points: Tensor) -> Tensor:
    return torch.stack([points[:, 1], -points[:, 2], points[:, 0] * points[:, 1]], -1)


def errors(g: O3, level: int) -> tuple[float, float]:
    """Of a scalar and of a tangent field moved by g, against the same fields evaluated in turned places; largest."""
    at = grid(level)
    before = at.positions @ g.matrix
    scalar = SphereSignals(level).transform(g, polynomial(at.positions)[None])[0] - polynomial(before)
    moved = SphereSignals(level, 1, "regular").transform(g, components(level, swirl(at.positions))[None])[0]
    vector = (moved - components(level, swirl(before) @ g.matrix.T)).reshape(6, -1)[:, at.regular]
    return float(scalar.abs().max()), float(vector.abs().max())


def test_symmetries_of_the_grid_are_exact() -> None:
    # The fields are evaluated at rounded places.
    assert max(max(errors(g, 2)) for g in SYMMETRIES[::7]) < 1e-14


def test_other_rotations_miss_by_the_square_of_the_spacing() -> None:
    g = haar(1, 3, "SO(3)")[0]
    coarse, fine = errors(g, 3), errors(g, 5)
    for wide, narrow in zip(coarse, fine, strict=True):
        assert 8 < wide / narrow < 32  # two halvings: 16, where the worst point may be another one
    assert max(fine) < 2e-3


def test_reflections_are_refused_and_translations_do_nothing() -> None:
    kind = SphereSignals(1)
    with pytest.raises(RepresentationError, match="use rotations"):
        kind.transform(O3.inversion(), torch.zeros(1, kind.dim))
    x = torch.randn(1, kind.dim)
    assert torch.equal(kind.transform(Translation(torch.ones(3)), x), x)


def test_impossible_kinds_are_refused() -> None:
    with pytest.raises(RepresentationError, match="at least one channel"):
        SphereSignals(1, 0)
    with pytest.raises(RepresentationError, match="'scalar' or 'regular', got 'vector'"):
        SphereSignals(1, 1, "vector")  # type: ignore[arg-type]
    with pytest.raises(RepresentationError, match="84"):
        SphereSignals(1, 2).transform(SYMMETRIES[1], torch.zeros(1, 42))

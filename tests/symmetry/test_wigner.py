"""Are the Wigner D matrices exact, everywhere?

Tolerance 1e-13: with components of size sqrt(2l+1) = 5 and sums of 25 terms at l = 12, float64 round-off is about 4e-14
(measured); a wrong sign or an ill-conditioned angle would be 1e-8 or more.
"""

from __future__ import annotations

import math

import pytest
import torch
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from equiviz.symmetry import (
    O3,
    BandLimitError,
    GroupError,
    Irreps,
    haar,
    haar_matrices,
    irreps_matrices,
    irreps_matrix,
    rotations,
    spherical_harmonics,
    wigner_blocks,
    wigner_d,
)

PROPERTY = settings(max_examples=25, deadline=None)  # no deadline: a busy machine is not a failure
EXACT = 1e-13
DEGREES = range(13)


def points(count: int = 40) -> Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.usefixtures("default_dtype")
@pytest.mark.parametrize(
    "kind", ["random", "near the pole", "near the other pole", "identity", "half-turns", "axis swaps", "tiny"]
)
def test_harmonics_of_rotated_points(hard_rotations: dict[str, Tensor], kind: str) -> None:
    turns, x = hard_rotations[kind], points()
    rotated = spherical_harmonics(12, torch.einsum("nij,pj->npi", turns, x))
    plain = spherical_harmonics(12, x)
    for l, matrices in zip(DEGREES, wigner_blocks(DEGREES, turns), strict=True):  # noqa: E741
        part = slice(l * l, (l + 1) ** 2)
        expected = torch.einsum("nab,pb->npa", matrices, plain[:, part])
        assert matrices.dtype == torch.float64
        torch.testing.assert_close(rotated[..., part], expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize("l", DEGREES)
def test_orthogonal(hard_rotations: dict[str, Tensor], l: int) -> None:  # noqa: E741
    matrices = wigner_d(l, torch.cat(list(hard_rotations.values())))
    torch.testing.assert_close(
        matrices @ matrices.mT, torch.eye(2 * l + 1).double().expand_as(matrices), rtol=0, atol=EXACT
    )


@pytest.mark.parametrize("l", [0, 1, 2, 5, 11])
def test_vs_e3nn(l: int) -> None:  # noqa: E741
    """Random rotations only, away from the poles where e3nn itself loses digits; 1e-11 is e3nn's accuracy there."""
    turns = haar_matrices(50, seed=3, group="SO(3)")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # under float32 e3nn is only accurate to 1e-6
    try:
        e3nn = o3.Irrep(l, 1).D_from_matrix(turns)
    finally:
        torch.set_default_dtype(before)
    torch.testing.assert_close(wigner_d(l, turns), e3nn, rtol=0, atol=1e-11)


def test_e3nn_fails_near_the_pole_where_this_holds() -> None:
    """The control: the harmonics test sees e3nn's loss of digits at beta = 1e-8, so it can fail."""
    turn = rotations.from_euler(*torch.tensor([0.3, 1e-8, 1.2], dtype=torch.float64))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        e3nn = o3.Irrep(6, 1).D_from_matrix(turn)
    finally:
        torch.set_default_dtype(before)
    x = points()
    truth = spherical_harmonics(6, x @ turn.T)[:, 36:]
    ours, theirs = (((spherical_harmonics(6, x)[:, 36:] @ d.T) - truth).abs().max() for d in (wigner_d(6, turn), e3nn))
    assert ours < EXACT
    assert theirs > 1e-10


@PROPERTY
@given(first=st.integers(0, 10**6), second=st.integers(0, 10**6), l=st.integers(0, 12))
def test_homomorphism(first: int, second: int, l: int) -> None:  # noqa: E741
    (g,), (h,) = haar(1, first, "SO(3)"), haar(1, second, "SO(3)")
    product = wigner_d(l, g.matrix) @ wigner_d(l, h.matrix)
    torch.testing.assert_close(wigner_d(l, (g @ h).matrix), product, rtol=0, atol=EXACT)


def test_high_degree() -> None:
    """Nothing degrades at once above 12: l = 40 is orthogonal and a homomorphism to 1e-12."""
    g, h = haar_matrices(2, seed=4, group="SO(3)")
    torch.testing.assert_close(wigner_d(40, g @ h), wigner_d(40, g) @ wigner_d(40, h), rtol=0, atol=1e-12)


def test_parity_of_irreps() -> None:
    matrix = irreps_matrix("0e+0o+1o+1e+2o", O3.inversion())
    signs = torch.tensor([1.0, -1, -1, -1, -1, 1, 1, 1, -1, -1, -1, -1, -1], dtype=torch.float64)
    torch.testing.assert_close(matrix, torch.diag(signs), rtol=0, atol=1e-15)


def test_polar_and_axial_vector_are_the_matrix_itself() -> None:
    for g in haar(10, seed=5):
        torch.testing.assert_close(irreps_matrix("1o", g), g.matrix, rtol=0, atol=1e-15)
        torch.testing.assert_close(irreps_matrix("1e", g), g.det * g.matrix, rtol=0, atol=1e-15)


@pytest.mark.parametrize("count", [0, 1, 1030])
def test_many_matrices_are_those_of_each(count: int) -> None:
    matrices = haar_matrices(count, seed=3)
    irreps = Irreps("2x1o+0o+1x2e+3o")
    together = irreps_matrices(irreps, matrices)
    assert together.shape == (count, irreps.dim, irreps.dim)
    for one, matrix in list(zip(together, matrices, strict=True))[-6:]:
        torch.testing.assert_close(one, irreps_matrix(irreps, O3(matrix)), rtol=0, atol=1e-15)


def test_blocks_lie_on_the_diagonal() -> None:
    g = haar(1, seed=6)[0]
    matrix = irreps_matrix("2x1o+0o+1x2e", g)
    expected = o3.Irreps("2x1o+0o+1x2e").dim
    assert matrix.shape == (expected, expected)
    torch.testing.assert_close(matrix[3:6, 3:6], g.matrix)
    assert matrix[:3, 3:].abs().max() == 0


def test_irreps_matrix_without_irreps() -> None:
    assert irreps_matrix(Irreps(""), O3.identity()).shape == (0, 0)


def test_batch_shapes() -> None:
    turns = haar_matrices(6, seed=7).reshape(2, 3, 3, 3)
    assert wigner_d(2, turns).shape == (2, 3, 5, 5)
    assert wigner_d(2, turns[0, 0]).shape == (5, 5)
    assert wigner_d(2, turns[:, :0]).shape == (2, 0, 5, 5)


def test_chunks_do_not_show() -> None:
    turns = haar_matrices(2500, seed=8)
    torch.testing.assert_close(wigner_d(3, turns)[2400], wigner_d(3, turns[2400]), rtol=0, atol=1e-15)


def test_float32_matrices_are_polished() -> None:
    """A float32 rotation is 1e-7 from orthogonal; its D must be orthogonal to round-off all the same."""
    turns = haar_matrices(20, seed=9, group="SO(3)")
    matrices = wigner_d(6, turns.float())
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(13).double().expand_as(matrices), rtol=0, atol=EXACT)
    torch.testing.assert_close(matrices, wigner_d(6, turns), rtol=0, atol=1e-5)


def test_differentiable_away_from_the_poles() -> None:
    angles = torch.tensor([0.4, 1.0, -0.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: wigner_d(3, rotations.from_euler(*a.unbind())), angles)


@pytest.mark.parametrize("l", [-1, 65])
def test_degree_out_of_range(l: int) -> None:  # noqa: E741
    with pytest.raises(BandLimitError, match=f"Expected a degree l from 0 to 64, got l={l}"):
        wigner_d(l, torch.eye(3))


def test_not_orthogonal() -> None:
    with pytest.raises(GroupError, match=r"Expected orthogonal matrices.*got a deviation of 3"):
        wigner_d(1, 2 * torch.eye(3))


def test_nan_in_one_of_many() -> None:
    turns = haar_matrices(5, seed=0)
    turns[3, 1, 1] = math.nan
    with pytest.raises(GroupError, match="NaN or infinite"):
        wigner_d(1, turns)


def test_wrong_shape() -> None:
    with pytest.raises(GroupError, match=r"shape \[\.\.\., 3, 3\], got shape \[3\]"):
        wigner_d(1, torch.zeros(3))

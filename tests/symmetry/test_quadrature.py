"""Do the quadratures average exactly what they promise, and not more?"""

from __future__ import annotations

import pytest
import torch

from equiviz.symmetry import O3, BandLimitError, GroupError, irreps_matrix, quadrature, wigner_blocks
from equiviz.symmetry.quadrature import LEBEDEV_DEGREES


@pytest.mark.usefixtures("default_dtype")
@pytest.mark.parametrize("band_limit", [1, 2, 3, 4, 6, 10, 12])
def test_every_wigner_d_averages_to_zero(band_limit: int) -> None:
    rule = quadrature(band_limit)
    for matrices in wigner_blocks(range(1, band_limit + 1), rule.matrices):
        assert rule.average(matrices).abs().max() < 1e-13
    assert abs(rule.weights.sum() - 1) < 1e-14


def test_products_of_matrix_elements() -> None:
    """Schur: <D_ab D_cd> = delta delta / (2l+1), which needs band limit 2l."""
    rule = quadrature(6)
    (d,) = wigner_blocks([3], rule.matrices)
    products = rule.average(torch.einsum("qab,qcd->qabcd", d, d))
    eye = torch.eye(7, dtype=torch.float64)
    torch.testing.assert_close(products, torch.einsum("ac,bd->abcd", eye, eye) / 7, rtol=0, atol=1e-13)


def test_not_exact_above_the_band_limit() -> None:
    """The control: one degree more than promised must show, at the in-plane angles if nowhere else."""
    rule = quadrature(4)
    assert max(rule.average(d).abs().max() for d in wigner_blocks([5, 6], rule.matrices)) > 1e-3


def test_node_counts() -> None:
    assert [len(quadrature(band)) for band in (2, 3, 4, 5, 6, 8, 10)] == [18, 24, 70, 84, 182, 342, 550]
    assert len(quadrature(2, "O(3)")) == 36


def test_full_group_kills_odd_irreps() -> None:
    rule = quadrature(2, "O(3)")
    matrices = torch.stack([irreps_matrix("0e+0o+1o+2e", O3(m)) for m in rule.matrices])
    expected = torch.zeros(10, 10, dtype=torch.float64)
    expected[0, 0] = 1
    torch.testing.assert_close(rule.average(matrices), expected, rtol=0, atol=1e-14)


def test_weights_are_positive() -> None:
    assert all((quadrature(band).weights > 0).all() for band in (*LEBEDEV_DEGREES[:12], 13, 24, 26))


def test_largest_rule() -> None:
    with pytest.raises(BandLimitError, match=r"from 0 to 131 \(the largest Lebedev rule\), got 132"):
        quadrature(132)
    with pytest.raises(BandLimitError, match="got -1"):
        quadrature(-1)


def test_unknown_group() -> None:
    with pytest.raises(GroupError, match=r"Expected group 'SO\(3\)' or 'O\(3\)', got 'SU\(2\)'"):
        quadrature(2, "SU(2)")  # type: ignore[arg-type]


def test_repr() -> None:
    assert repr(quadrature(2)) == "Quadrature(18 nodes on SO(3), exact to degree 2)"

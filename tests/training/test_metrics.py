"""Are the scores what their names say?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from equiviz.symmetry.groups import haar
from equiviz.training.metrics import estimate, pearson, vector_correlation


def test_pearson_vs_numpy() -> None:
    x, y = torch.randn(3, 200), torch.randn(3, 200)
    for row in range(3):
        # both work in float64 on 200 numbers of order one: round-off stays below 1e-14
        assert float(pearson(x, y)[row]) == pytest.approx(
            np.corrcoef(x[row].double(), y[row].double())[0, 1], abs=1e-13
        )


@pytest.mark.parametrize(("factor", "shift", "expected"), [(3.0, 5.0, 1.0), (-0.1, 2.0, -1.0)])
def test_pearson_knows_no_scale_and_no_shift(factor: float, shift: float, expected: float) -> None:
    x = torch.randn(50, dtype=torch.float64)
    assert float(pearson(x, factor * x + shift)) == pytest.approx(expected, abs=1e-12)


def test_pearson_of_a_constant_is_no_number() -> None:
    assert math.isnan(pearson(torch.ones(5), torch.randn(5)))
    assert math.isnan(pearson(torch.ones(1), torch.ones(1)))


def test_pearson_survives_a_large_offset() -> None:
    x = torch.randn(1000, dtype=torch.float64)
    # an offset of 1e6 leaves 10 of 16 digits
    assert float(pearson(x + 1e6, x)) == pytest.approx(1.0, abs=1e-9)


def test_vector_correlation_does_not_see_a_common_rotation() -> None:
    x, y = torch.randn(100, 3, dtype=torch.float64), torch.randn(100, 3, dtype=torch.float64)
    for g in haar(5, seed=1):
        turned = vector_correlation(x @ g.matrix.T, y @ g.matrix.T)
        assert float(turned) == pytest.approx(float(vector_correlation(x, y)), abs=1e-13)
    assert float(vector_correlation(x, 2 * x)) == pytest.approx(1.0)
    assert math.isnan(vector_correlation(x, torch.zeros_like(x)))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """95 % intervals of 12 normal draws; the percentile bootstrap is known to be short for few: 88-93 % is expected."""
    generator = np.random.default_rng(0)
    hits = 0
    for trial in range(300):
        found = estimate(generator.normal(0.7, 0.05, size=12).tolist(), resamples=400, seed=trial)
        hits += found.low <= 0.7 <= found.high
    assert 0.85 <= hits / 300 <= 0.97


def test_estimate_leaves_out_what_is_no_number() -> None:
    found = estimate([0.5, math.nan, 0.7])
    assert (found.mean, found.count) == (pytest.approx(0.6), 2)
    assert found.standard_error == pytest.approx(0.1)
    assert estimate([math.nan]).count == 0
    assert math.isnan(estimate([0.5]).standard_error)


def test_one_configuration_gives_no_interval() -> None:
    found = estimate([0.5])
    assert (found.mean, found.count) == (0.5, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert str(found) == "0.500 (n=1: no interval)"
    assert str(estimate([0.5, 0.5])) == "0.500 ± 0.000 [0.500, 0.500] (n=2)"

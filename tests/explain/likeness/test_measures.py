"""Have the measures of likeness the invariances that they claim, and are they about 0 where nothing is common?"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from equiviz.explain.errors import LikenessError
from equiviz.explain.likeness.cca import canonical
from equiviz.explain.likeness.centred_columns import columns_of_stage, leading
from equiviz.explain.likeness.cka import alignment
from equiviz.explain.likeness.dependence import correlations, mutual_information
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar

FOLDS = torch.arange(300) % 5
SPREADS = 4
"""Of the value over other seeds, in standard deviations: how far a value by chance may lie from what is expected."""
CONFIRMED = 0.999
"""Of a correlation that is 1 but for rounding and the small ridge of CCA (1 - 1e-10 was measured)."""


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(size: int, seed: int = 9) -> Tensor:
    return torch.linalg.qr(random(size, size, seed=seed))[0]


# --- CKA --------------------------------------------------------------------------------------------------------------


def test_cka_is_one_for_a_rotated_scaled_and_shifted_basis() -> None:
    x = random(200, 6)
    assert alignment(x, 3.7 * x @ rotation(6) + random(6, seed=2)) == pytest.approx(1, abs=1e-12)


def test_cka_of_independent_columns_is_zero_however_many_there_are() -> None:
    # The plain estimate would be about 0.5 here: as many columns as environments. Means of ten spread by 0.005.
    values = [alignment(random(100, 100, seed=2 * k), random(100, 100, seed=2 * k + 1)) for k in range(10)]
    assert abs(sum(values) / 10) < SPREADS * 0.005


def test_cka_is_the_published_estimate() -> None:
    # Song et al. (2012), equation 5, written out.
    x, y = random(30, 4), random(30, 3, seed=1) + random(30, 4)[:, :3]

    def hsic(a: Tensor, b: Tensor) -> float:
        k, l = (one @ one.T for one in (a, b))  # noqa: E741
        k, l, n = k - torch.diag(k.diag()), l - torch.diag(l.diag()), len(a)  # noqa: E741
        trace, sums = (k @ l).trace(), k.sum() * l.sum() / ((n - 1) * (n - 2))
        return float((trace + sums - 2 / (n - 2) * (k @ l).sum()) / (n * (n - 3)))

    expected = hsic(x, y) / math.sqrt(hsic(x, x) * hsic(y, y))
    assert alignment(x, y) == pytest.approx(expected, abs=1e-12)


def test_cka_of_a_constant_is_not_a_number() -> None:
    assert math.isnan(alignment(random(20, 3), torch.zeros(20, 2, dtype=torch.float64)))


def test_a_linear_map_that_stretches_lowers_cka_but_not_cca() -> None:
    x = random(300, 5)
    stretched = x @ torch.diag(torch.tensor([30.0, 1, 1, 1, 1], dtype=torch.float64))
    # One column in five rules the stretched ones: 1 / sqrt(5) = 0.45 for it alone, with a spread of 0.02.
    assert alignment(x, stretched) == pytest.approx(1 / math.sqrt(5), abs=SPREADS * 0.02)
    assert canonical(x, stretched, FOLDS) > CONFIRMED


# --- CCA --------------------------------------------------------------------------------------------------------------


def test_cca_is_one_for_any_invertible_map() -> None:
    x = random(300, 6)
    assert canonical(x, x @ random(6, 6, seed=3) + 4, FOLDS) > CONFIRMED


def test_cca_of_independent_columns_is_about_zero_where_the_training_environments_would_say_otherwise() -> None:
    x, y = random(300, 10), random(300, 10, seed=1)
    assert abs(canonical(x, y, FOLDS)) < SPREADS * 0.025  # the spread over seeds
    whitened = [torch.linalg.qr(one - one.mean(0))[0] for one in (x, y)]
    assert (
        float(torch.linalg.svdvals(whitened[0].T @ whitened[1]).mean()) > 0.1
    )  # the control, not held out: 0.153, spread 0.012


def test_cca_of_half_of_the_directions_is_about_a_half() -> None:
    x = random(300, 4)
    y = torch.cat([x[:, :2] @ rotation(2), random(300, 2, seed=5)], 1)
    assert canonical(x, y, FOLDS) == pytest.approx(0.5, abs=SPREADS * 0.025)  # the spread over seeds


# --- one number and another -------------------------------------------------------------------------------------------


def test_mutual_information_of_correlated_normal_numbers() -> None:
    # -1/2 log(1 - r^2) nats for correlation r.
    x, noise = random(1500, 1), random(1500, 1, seed=1)
    y = 0.8 * x + 0.6 * noise
    exact = -0.5 * math.log(1 - 0.64)
    assert mutual_information(x, y, seed=0) == pytest.approx(exact, abs=SPREADS * 0.03)  # the spread over seeds


def test_mutual_information_sees_a_curve_that_correlation_does_not() -> None:
    x = random(800, 1)
    y = x.square()
    # The correlation of x and x^2 is 0, and of 800 numbers sqrt(15 - 6 + 1) / sqrt(2 * 800) = 0.08 or so (moments of
    # the normal distribution). A noiseless curve has no finite information: 4.1 nats were measured, 1 is a correlation
    # of 0.93.
    assert abs(float(correlations(x, y))) < SPREADS * 0.08
    assert mutual_information(x, y, seed=0) > 1


def test_mutual_information_of_independent_numbers_is_about_zero() -> None:
    assert mutual_information(random(800, 1), random(800, 1, seed=1), seed=0) < SPREADS * 0.02  # the spread over seeds


def test_correlations_of_columns() -> None:
    x = random(100, 3)
    found = correlations(x, torch.stack([2 * x[:, 0], -x[:, 1], torch.ones(100, dtype=torch.float64)], 1))
    assert found[0, 0].item() == pytest.approx(1)
    assert found[1, 1].item() == pytest.approx(-1)
    assert found[:, 2].tolist() == [0, 0, 0]


# --- stages as columns ------------------------------------------------------------------------------------------------


def mixed(field: Field, scale: float) -> Field:
    """Channels of each irrep turned among themselves, each irrep with a scale of its own."""
    scalars, vectors = field["0e"], field["1o"]
    turned = torch.einsum("nms,mc->ncs", vectors, rotation(vectors.shape[1])) * scale
    values = torch.cat([(scalars.squeeze(-1) @ rotation(scalars.shape[1])), turned.flatten(1)], 1)
    return field.with_values(values)


def test_the_choice_of_channels_and_scales_changes_nothing() -> None:
    field = Field(random(100, 4 + 5 * 3), "4x0e+5x1o", "node")
    (first, names), (second, _) = columns_of_stage(field), columns_of_stage(mixed(field, 7.0))
    assert first.shape == (100, 4 + 15)
    assert names[0] == "0e[0]"
    assert names[-1] == "<1o[4],1o[4]>"
    assert alignment(first, second) == pytest.approx(1, abs=1e-12)


def test_a_rotation_of_the_structure_changes_nothing() -> None:
    field = Field(random(50, 4 + 5 * 3), "4x0e+5x1o", "node")
    turned = field.transform(haar(1, seed=0)[0])
    torch.testing.assert_close(columns_of_stage(turned)[0], columns_of_stage(field)[0], atol=1e-10, rtol=1e-10)


def test_other_features_are_less_alike() -> None:
    one, other = (Field(random(200, 19, seed=seed), "4x0e+5x1o", "node") for seed in (0, 1))
    assert abs(alignment(columns_of_stage(one)[0], columns_of_stage(other)[0])) < SPREADS * 0.009  # spread over seeds


def test_what_does_not_vary_is_left_out() -> None:
    values = torch.cat([torch.ones(50, 4, dtype=torch.float64), random(50, 15)], 1)
    columns, names = columns_of_stage(Field(values, "4x0e+5x1o", "node"))
    assert columns.shape == (50, 15)
    assert len(names) == 15
    assert columns_of_stage(Field(torch.ones(50, 4), "4x0e", "node"))[0].shape == (50, 0)


def test_values_that_are_not_finite_are_refused() -> None:
    values = random(10, 3)
    values[4] = torch.nan
    with pytest.raises(LikenessError, match="1 of 10 environments have values that are not finite"):
        columns_of_stage(Field(values, "1x1o", "node"))


def test_leading_components_leave_out_rounding() -> None:
    x = random(60, 3)
    assert leading(torch.cat([x, x @ random(3, 4, seed=1)], 1), 6).shape == (60, 3)

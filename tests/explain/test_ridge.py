"""Is the closed-form nested ridge the ridge that scikit-learn fits, and does it never see what it predicts?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.folds import folds_of, groups
from equiviz.explain.probing.ridge import Fit, Moments, nested_predictions

PENALTIES = torch.tensor([1e-4, 1e-2, 1.0], dtype=torch.float64)


def data(rows: int = 120, features: int = 7, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, features, generator=generator, dtype=torch.float64) * torch.logspace(-2, 2, features) + 5
    y = x[:, :2] * torch.tensor([30.0, 1.0]) + torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    return x, y, torch.arange(rows) * 4 // rows


def test_nested_predictions_vs_scikit_learn() -> None:
    x, y, folds = data()
    found = nested_predictions(x, y, folds, PENALTIES)
    variance = float(x.var(0, correction=0).sum())
    for k in range(4):
        train, test = (folds != k).numpy(), (folds == k).numpy()
        for target in range(2):
            pipeline = Ridge()
            # scikit-learn's penalty is not relative to the number of rows, and the split sets that number; nor to the
            # total variance of the features.
            scores = []
            for penalty in PENALTIES.tolist():
                errors = 0.0
                for j in sorted(set(folds.tolist()) - {k}):
                    inner = train & (folds != j).numpy()
                    pipeline.set_params(alpha=penalty * variance * inner.sum()).fit(x[inner], y[inner, target])
                    held = (folds == j).numpy()
                    errors += float(np.square(pipeline.predict(x[held]) - y[held, target].numpy()).sum())
                scores.append(errors)
            best = PENALTIES[int(np.argmin(scores))].item()
            pipeline.set_params(alpha=best * variance * train.sum()).fit(x[train], y[train, target])
            np.testing.assert_allclose(found[test, target], pipeline.predict(x[test]), rtol=1e-8)


def test_a_grid_search_agrees_on_the_best_penalty_of_plain_data() -> None:
    x, y, folds = data(seed=3)
    parts = [Moments.of(x[folds == k], y[folds == k]) for k in range(4)]
    whole = Moments.of(x, y)
    errors = sum(Fit.of(whole - part).squared_errors(part, PENALTIES) for part in parts)
    grid = {"alpha": (PENALTIES * 90).tolist()}
    model = Ridge()
    split = PredefinedSplit(folds.numpy())
    search = GridSearchCV(model, grid, scoring="neg_mean_squared_error", cv=split).fit(x.numpy(), y[:, 0].numpy())
    assert search.best_index_ == int(errors[:, 0].argmin())
    assert -search.best_score_ == pytest.approx(float(errors[:, 0].min()) / len(x), rel=1e-8)


def test_the_errors_from_moments_are_the_errors_of_the_predictions() -> None:
    x, y, folds = data()
    train, held = folds != 0, folds == 0
    fit = Fit.of(Moments.of(x[train], y[train]))
    from_moments = fit.squared_errors(Moments.of(x[held], y[held]), PENALTIES)
    for a, penalty in enumerate(PENALTIES):
        direct = (fit.predict(x[held], penalty.expand(2)) - y[held]).square().sum(0)
        torch.testing.assert_close(from_moments[a], direct, rtol=1e-9, atol=0)


def test_a_fold_is_predicted_without_its_own_targets() -> None:
    x, y, folds = data()
    changed = torch.where((folds == 2)[:, None], 1000 * y, y)
    before, after = nested_predictions(x, y, folds), nested_predictions(x, changed, folds)
    torch.testing.assert_close(before[folds == 2], after[folds == 2], rtol=1e-6, atol=1e-6)
    assert float((before[folds == 0] - after[folds == 0]).abs().max()) > 1


def test_more_features_than_rows_and_repeated_features_are_no_trouble() -> None:
    x, y, folds = data(rows=40, features=30)
    wide = torch.cat([x, x, torch.ones(40, 1, dtype=torch.float64)], 1)
    assert bool(nested_predictions(wide, y, folds).isfinite().all())


def test_whole_structures_are_held_out_when_there_are_enough() -> None:
    group = groups([torch.randn(n, 3) for n in (10, 20, 10, 15, 12, 9)], folds=5)
    assert group.bincount().tolist() == [10, 20, 10, 15, 12, 9]
    assert set(folds_of(group, 5).tolist()) == set(range(5))


def test_one_structure_is_cut_into_slabs_of_space() -> None:
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 1.0])
    group = groups([points], folds=5)
    assert group.bincount().tolist() == [20] * 10
    fold = folds_of(group, 5)
    upper = [float(points[fold == k, 1].max()) for k in range(5)]
    lower = [float(points[fold == k, 1].min()) for k in range(5)]
    assert all(high <= low for high, low in zip(upper[:-1], lower[1:], strict=True))


@pytest.mark.parametrize(
    ("counts", "folds", "message"),
    [
        ([40, 40], 2, "at least 3 folds, got folds=2"),
        ([7, 7], 5, "14 environments are too few for 5 folds: give at least 50"),
    ],
)
def test_too_little_to_hold_out_is_refused(counts: list[int], folds: int, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        groups([torch.randn(n, 3) for n in counts], folds)


def test_features_of_little_variance_do_no_harm() -> None:
    """Ninety features of noise beside three that tell: their size says that they are small, and the ridge heeds it."""
    x, y, folds = data(features=3)
    x = (x - x.mean(0)) / x.std(0)
    y = x[:, :2] + 0.1 * torch.randn(len(x), 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    noise = torch.randn(len(x), 90, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def r2(features: Tensor) -> float:
        errors = (nested_predictions(features, y, folds) - y).square().sum()
        return 1 - float(errors / (y - y.mean(0)).square().sum())

    assert r2(torch.cat([x, 1e-3 * noise], 1)) > r2(x) - 0.01
    assert r2(torch.cat([x, noise], 1)) < r2(x) - 0.1  # the control: the same noise at full size does harm

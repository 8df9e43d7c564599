"""Ridge regression with nested cross-validation in closed form, for many penalties and many targets at once.

All that a fold contributes are its moments (sums over rows of x, y, xx, xy, yy); a training set is a sum of moments.
One eigen-decomposition per training set serves every penalty and every target; K folds need K (K-1)/2 + K of them.

The penalty is on coefficients of the features as they are given: a feature that varies little is held back more. So
principal components may be added without end; at unit variance, a thousand of rounding size would drown the rest.

Shapes: N rows, F features, T targets, A penalties, K folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

# Relative to the number of rows and to the total variance of the features: from none to all but the mean.
PENALTIES = torch.logspace(-10, 3, 14, dtype=torch.float64)  # [A]
# Directions with less of the variance than this are rounding: the Gram matrix squares the condition number.
NEGLIGIBLE = 1e-13


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over rows."""

    count: int
    x: Tensor  # [F]
    y: Tensor  # [T]
    xx: Tensor  # [F, F]
    xy: Tensor  # [F, T]
    yy: Tensor  # [T]

    @classmethod
    def of(cls, x: Tensor, y: Tensor) -> Moments:
        """Moments of features [n, F] and targets [n, T]."""
        return cls(len(x), x.sum(0), y.sum(0), x.T @ x, x.T @ y, y.square().sum(0))

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            self.count - other.count,
            self.x - other.x,
            self.y - other.y,
            self.xx - other.xx,
            self.xy - other.xy,
            self.yy - other.yy,
        )

    def about(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sums of squares and products about given means: xx [F, F], xy [F, T], yy [T]."""
        xx = self.xx - torch.outer(self.x, x) - torch.outer(x, self.x) + self.count * torch.outer(x, x)
        xy = self.xy - torch.outer(self.x, y) - torch.outer(x, self.y) + self.count * torch.outer(x, y)
        return xx, xy, self.yy - 2 * self.y * y + self.count * y.square()


@dataclass(frozen=True, eq=False)
class Fit:
    """Every ridge solution of one training set: penalty a, target t has ``basis @ (z_t / (spectrum + a))``."""

    mean_x: Tensor  # [F]
    mean_y: Tensor  # [T]
    basis: Tensor  # [F, R]
    spectrum: Tensor  # [R], relative to the number of rows
    z: Tensor  # [R, T]

    @classmethod
    def of(cls, train: Moments, intercept: bool = True) -> Fit:
        """Centre on the training rows, and diagonalise; without an intercept, about zero."""
        share = 1 / train.count if intercept else 0.0
        mean_x, mean_y = train.x * share, train.y * share
        xx, xy, _ = train.about(mean_x, mean_y)
        values, vectors = torch.linalg.eigh(xx / train.count)
        kept = values > NEGLIGIBLE * values[-1].clamp(min=1e-300)
        basis = vectors[:, kept]
        return cls(mean_x, mean_y, basis, values[kept], basis.T @ xy / train.count)

    def squared_errors(self, validation: Moments, penalties: Tensor) -> Tensor:
        """Summed squared errors on other rows, [A, T], from their moments alone."""
        xx, xy, yy = validation.about(self.mean_x, self.mean_y)
        gram, cross = self.basis.T @ xx @ self.basis, self.basis.T @ xy  # [R, R], [R, T]
        b = self.z / (self.spectrum[:, None] + penalties[:, None, None])  # [A, R, T]
        return yy - 2 * (b * cross).sum(1) + (b * (gram @ b)).sum(1)

    def predict(self, x: Tensor, penalties: Tensor) -> Tensor:
        """Predictions [n, T] for features [n, F], with one penalty per target [T]."""
        b = self.z / (self.spectrum[:, None] + penalties)  # [R, T]
        return (x - self.mean_x) @ (self.basis @ b) + self.mean_y


def nested_predictions(
    x: Tensor, y: Tensor, folds: Tensor, penalties: Tensor = PENALTIES, intercept: bool = True
) -> Tensor:
    """Predict every row by a ridge that never saw its fold, with a penalty chosen without its fold.

    For each outer fold, the penalty of each target is the one with the least squared error over inner folds: the other
    folds, each predicted from what is left.

    Args:
        x: features [N, F], float64; what varies more is penalised less.
        y: targets [N, T], float64.
        folds: fold of each row [N], 0 ... K-1 with K >= 3, none empty.
        penalties: [A], relative to the number of rows and to the total variance of the features.
        intercept: whether the fit may add a constant. Components of vectors and tensors must have none, for a constant
            vector does not turn.

    Returns:
        predictions [N, T].
    """
    # A shift of features and targets changes nothing but the rounding.
    centre_y = y.mean(0) if intercept else torch.zeros_like(y[0])
    x, y = (x - x.mean(0) if intercept else x), y - centre_y
    x = x / _size(x)
    count = int(folds.max()) + 1
    parts = [Moments.of(x[folds == k], y[folds == k]) for k in range(count)]
    whole = Moments.of(x, y)
    inner = _inner_errors(whole, parts, penalties, intercept)  # [K, A, T]
    out = torch.empty_like(y)
    for k in range(count):
        best = penalties[inner[k].argmin(0)]  # [T]
        out[folds == k] = Fit.of(whole - parts[k], intercept).predict(x[folds == k], best)
    return out + centre_y


def whole_weights(
    x: Tensor, y: Tensor, folds: Tensor, penalties: Tensor = PENALTIES, intercept: bool = True
) -> tuple[Tensor, Tensor]:
    """The one map of all rows, weights [F, T] and constant [T], with the penalties that serve held-out folds best.

    Args:
        x, y, folds, penalties, intercept: as `nested_predictions`.
    """
    size = _size(x - x.mean(0) if intercept else x)
    whole = Moments.of(x / size, y)
    errors = torch.zeros(len(penalties), y.shape[1], dtype=y.dtype)
    for k in range(int(folds.max()) + 1):
        part = Moments.of(x[folds == k] / size, y[folds == k])
        errors += Fit.of(whole - part, intercept).squared_errors(part, penalties)
    fit, best = Fit.of(whole, intercept), penalties[errors.argmin(0)]
    weights = fit.basis @ (fit.z / (fit.spectrum[:, None] + best))
    return weights / size, fit.mean_y - fit.mean_x @ weights


def _size(x: Tensor) -> Tensor:
    return x.square().sum(1).mean().sqrt().clamp(min=1e-300)


def _inner_errors(whole: Moments, parts: list[Moments], penalties: Tensor, intercept: bool) -> Tensor:
    """[K, A, T]: for each outer fold, the errors on its inner folds. Either fold of a pair can be the outer one."""
    total = torch.zeros(len(parts), len(penalties), len(whole.y), dtype=whole.y.dtype)
    for i, j in combinations(range(len(parts)), 2):
        fit = Fit.of(whole - parts[i] - parts[j], intercept)
        total[i] += fit.squared_errors(parts[j], penalties)
        total[j] += fit.squared_errors(parts[i], penalties)
    return total

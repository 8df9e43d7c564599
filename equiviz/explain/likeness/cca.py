r"""Canonical correlations, held out: how well the best pairs of directions agree on environments that they never saw.

On the training environments, directions a_k, b_k maximise the correlation of X a_k and Y b_k, one pair after the other,
each uncorrelated with those before; a share of the variance is added to the covariances (regularised CCA). The mean
over pairs of the correlation on the held-out environments is the score: 1 where Y is any invertible linear map of X,
about 0 for independent columns.

Sources: Hotelling, Biometrika 28, 321 (1936); regularisation: Vinod, J. Econometrics 4, 147 (1976); mean correlation of
representations: Raghu et al., arXiv 1706.05806, and Morcos et al., arXiv 1806.05759.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

RIDGE = 1e-4
"""Added to each covariance, in units of its mean variance."""


def canonical(x: Tensor, y: Tensor, folds: Tensor) -> float:
    """Mean held-out canonical correlation of columns [N, D] and [N, E]; NaN where one has none.

    Args:
        x, y: few columns, such as leading principal components.
        folds: fold of each environment [N], 0 ... K-1.
    """
    if not x.shape[1] or not y.shape[1]:
        return math.nan
    count = int(folds.max()) + 1
    held = torch.stack([_held_out(x, y, folds == fold) for fold in range(count)])  # [K, pairs]
    return float(held.mean())


def _held_out(x: Tensor, y: Tensor, test: Tensor) -> Tensor:
    means = x[~test].mean(0), y[~test].mean(0)
    a, b = _directions(x[~test] - means[0], y[~test] - means[1])
    left, right = (x[test] - means[0]) @ a, (y[test] - means[1]) @ b
    left, right = left - left.mean(0), right - right.mean(0)
    sizes = left.norm(dim=0) * right.norm(dim=0)
    return (left * right).sum(0) / sizes.clamp(min=1e-300)


def _directions(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """[D, pairs], [E, pairs]."""
    white_x, white_y = _whitening(x), _whitening(y)
    left, _, right = torch.linalg.svd(white_x.T @ (x.T @ y / len(x)) @ white_y, full_matrices=False)
    return white_x @ left, white_y @ right.T


def _whitening(columns: Tensor) -> Tensor:
    """A matrix W with W^T (C + ridge) W = 1, each column in its own unit first."""
    scale = columns.square().mean(0).sqrt().clamp(min=1e-300)
    covariance = (columns / scale).T @ (columns / scale) / len(columns)
    values, vectors = torch.linalg.eigh(covariance + RIDGE * torch.eye(len(scale), dtype=columns.dtype))
    return vectors / values.sqrt() / scale[:, None]

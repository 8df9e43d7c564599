r"""Linear centred kernel alignment, debiased: 1 for columns that are the same up to a rotation and a scale.

    CKA(X, Y) = HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)),    HSIC = <U(X X^T), U(Y Y^T)> / (N (N - 3))

Symbols: X, Y [N, F] centred columns; U centres a matrix of the same N environments without its diagonal, which makes
HSIC an unbiased estimate: independent columns give 0 in the mean, however many they are (the plain estimate grows with
F / N).

Sources: Kornblith, Norouzi, Lee and Hinton, arXiv 1905.00414, equations 3 and 4; the unbiased HSIC of Song et al., J.
Mach. Learn. Res. 13, 1393 (2012), equation 5, written as inner product of U-centred matrices as in Szekely and Rizzo,
Ann. Statist. 42, 2382 (2014), equation 2.5.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

FEWEST = 4
"""Environments of a debiased estimate."""


def alignment(x: Tensor, y: Tensor) -> float:
    """Debiased linear CKA of columns [N, F] and [N, G]; NaN where one is the same everywhere."""
    return aligned(centred_gram(x), centred_gram(y))


def centred_gram(columns: Tensor) -> Tensor:
    """U(X X^T) [N, N], of unit norm; zeros where nothing varies.

    Args:
        columns: [N, F], N of 4 or more.
    """
    count = len(columns)
    gram = columns @ columns.T
    gram.fill_diagonal_(0)
    sums = gram.sum(1) / (count - 2)
    gram = gram - sums[:, None] - sums + sums.sum() / (count - 1)
    gram.fill_diagonal_(0)
    size = gram.norm()
    return gram / size if float(size) > 0 else gram


def aligned(k: Tensor, l: Tensor) -> float:  # noqa: E741 - K and L of the source
    """Of two centred Gram matrices."""
    return float((k * l).sum()) if float(k.abs().sum()) > 0 and float(l.abs().sum()) > 0 else math.nan


def aligned_by_chance(k: Tensor, l: Tensor, orders: Tensor) -> Tensor:  # noqa: E741
    """The same with the environments of the second in other orders [S, N]: values [S]."""
    return torch.tensor([aligned(k, l[order][:, order]) for order in orders])

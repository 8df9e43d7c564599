"""Ridge regression in closed form on groups of rows, with predictions for each group from all the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Shapes: G groups of n rows, F features, T targets.


def held_out_ridge(rows: Sequence[Tensor], wanted: Sequence[Tensor], penalty: float) -> tuple[Tensor, list[Tensor]]:
    """Minimise the sum of squared errors plus `penalty` times the squared coefficients; no intercept.

    The normal equations of each group are formed once, so leaving one out costs one more solution only.

    Args:
        rows: G tensors [n, F] (float64), centred.
        wanted: G tensors [n, T], centred.
        penalty: Above zero.

    Returns:
        The coefficients [F, T] of the fit on all groups; for each group, predictions [n, T] of the fit on the others (zeros
        where there are no others).
    """
    squares = [own.T @ own for own in rows]  # [F, F]
    products = [own.T @ target for own, target in zip(rows, wanted, strict=True)]  # [F, T]
    total, product = torch.stack(squares).sum(0), torch.stack(products).sum(0)
    everything = _solution(total, product, penalty)
    if len(rows) == 1:
        return everything, [torch.zeros_like(wanted[0])]
    outside = [
        own @ _solution(total - square, product - part, penalty)
        for own, square, part in zip(rows, squares, products, strict=True)
    ]
    return everything, outside


def _solution(square: Tensor, product: Tensor, penalty: float) -> Tensor:
    regular = square + penalty * torch.eye(len(square), dtype=square.dtype, device=square.device)
    return torch.cholesky_solve(product, torch.linalg.cholesky(regular))

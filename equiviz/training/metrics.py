"""Scores: Pearson's rho per configuration, its mean and what that mean is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


def pearson(first: Tensor, second: Tensor) -> Tensor:
    """Pearson's correlation along the last axis, computed in float64.

    Args:
        first, second: [..., N]; the leading axes broadcast.

    Returns:
        [...], in [-1, 1]; NaN where one of the two does not vary, or where N < 2: no number is better than a wrong one.
    """
    x = first.double() - first.double().mean(-1, keepdim=True)
    y = second.double() - second.double().mean(-1, keepdim=True)
    product = (x * y).sum(-1)
    scale = x.square().sum(-1).sqrt() * y.square().sum(-1).sqrt()
    return torch.where(scale > 0, product / scale.clamp_min(torch.finfo(torch.float64).tiny), torch.nan).clamp(-1, 1)


def spearman(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's rank correlation along the last axis: `pearson` of the ranks, those of equal values being shared."""
    from scipy.stats import rankdata

    ranks = [torch.from_numpy(rankdata(values.detach().cpu().numpy(), axis=-1)) for values in (first, second)]
    return pearson(*ranks)


def vector_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Correlation of two sets of vectors: sum of dot products over the root of both sums of squares.

    Not centred: the mean of a vector field is not invariant, and centring would let a constant drift score.

    Args:
        first, second: [..., N, 3].

    Returns:
        [...], in [-1, 1], the same for any common rotation; NaN where one of the two is zero.
    """
    x, y = first.double(), second.double()
    product = (x * y).sum((-1, -2))
    scale = x.square().sum((-1, -2)).sqrt() * y.square().sum((-1, -2)).sqrt()
    return torch.where(scale > 0, product / scale.clamp_min(torch.finfo(torch.float64).tiny), torch.nan).clamp(-1, 1)


@dataclass(frozen=True)
class Estimate:
    """A mean over configurations with its uncertainty.

    Attributes:
        mean: Of the finite values.
        standard_error: Standard deviation over sqrt(count); NaN for one configuration.
        low, high: The 95 % percentile-bootstrap interval of the mean over configurations; NaN for one configuration,
            which gives no interval.
        count: Number of configurations.
    """

    mean: float
    standard_error: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """``0.774 ± 0.008 [0.758, 0.789] (n=10)``, or ``0.774 (n=1: no interval)``."""
        if self.count < 2:
            return f"{self.mean:.3f} (n={self.count}: no interval)"
        return f"{self.mean:.3f} ± {self.standard_error:.3f} [{self.low:.3f}, {self.high:.3f}] (n={self.count})"


def estimate(values: Sequence[float], resamples: int = 2000, seed: int = 0) -> Estimate:
    """Mean, standard error and bootstrap interval of one number per configuration.

    Configurations are resampled, not particles: particles of one configuration are correlated, so their number says
    nothing about the uncertainty.

    Args:
        values: One per configuration; NaN entries are left out.
        resamples: Bootstrap samples.
        seed: Of the bootstrap.
    """
    sample = torch.tensor([value for value in values if value == value], dtype=torch.float64)
    count = len(sample)
    if count < 2:
        unknown = float("nan")
        return Estimate(float(sample.mean()), unknown, unknown, unknown, count)
    generator = torch.Generator().manual_seed(seed)
    drawn = sample[torch.randint(count, (resamples, count), generator=generator)].mean(1)
    low, high = torch.quantile(drawn, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Estimate(float(sample.mean()), float(sample.std() / count**0.5), low, high, count)

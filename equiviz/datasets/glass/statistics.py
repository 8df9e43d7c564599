"""What replicas say about the quality of the data: the noise ceiling of rho."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import SPECIES_A, SPECIES_B, GlassConfiguration

# Shapes: T times, n particles of one type.


def noise_ceiling(configuration: GlassConfiguration) -> Tensor:
    """The Pearson rho with the measured propensity that a perfect prediction would have.

    Two halves of the replicas measure the same propensity with independent noise; their correlation r gives the
    reliability of the mean of both, 2 r / (1 + r) (Spearman 1910, Brown 1910), and a perfect predictor correlates with
    that mean as the square root of its reliability.

    Returns:
        [2, T]: of A and of B at each time; 0 where the halves do not agree at all (r <= 0).

    Raises:
        DatasetError: the configuration has no half-replica propensities.
    """
    halves = configuration.half_propensities
    if halves is None:
        why = "the noise ceiling needs half_propensities, and this file gives no replicas; score without a ceiling"
        raise DatasetError(None, f"{configuration.name}: {why}")
    rows: list[Tensor] = []
    for species in (SPECIES_A, SPECIES_B):
        first, second = halves[:, :, configuration.of_type(species)]  # [T, n] each
        agreement = _pearson(first, second).clamp(min=0.0)  # [T]
        rows.append((2 * agreement / (1 + agreement)).sqrt())
    return torch.stack(rows)


def _pearson(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation along the last axis; 0 where one of them is constant."""
    a = first - first.mean(-1, keepdim=True)
    b = second - second.mean(-1, keepdim=True)
    norm = a.norm(dim=-1) * b.norm(dim=-1)
    return torch.where(norm > 0, (a * b).sum(-1) / norm.clamp(min=torch.finfo(norm.dtype).tiny), torch.zeros_like(norm))

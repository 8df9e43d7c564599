"""Radial functions on edges: Gaussians, or sine waves, under a smooth cutoff."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Square of the distance below which points count as coincident.
CLOSEST = 1e-12


def cosine_cutoff(distances: Tensor, cutoff: float) -> Tensor:
    """(1 + cos(pi r / cutoff)) / 2 below the cutoff, zero beyond; same shape. Behler, JCP 134, 074106 (2011), eq. 5."""
    inside = distances.clamp(max=cutoff)
    return 0.5 * (1.0 + torch.cos(math.pi * inside / cutoff))


def gaussians(distances: Tensor, start: float, stop: float, count: int, cutoff: float) -> Tensor:
    """Gaussians centred evenly on [start, stop], as wide as their spacing, times `cosine_cutoff`: [E] -> [E, count]."""
    centres = torch.linspace(start, stop, count, dtype=distances.dtype, device=distances.device)
    width = (stop - start) / max(count - 1, 1)
    bumps = torch.exp(-0.5 * ((distances[:, None] - centres) / width) ** 2)  # [E, count]
    return bumps * cosine_cutoff(distances, cutoff)[:, None]


def sine_waves(vectors: Tensor, count: int, cutoff: float) -> tuple[Tensor, Tensor]:
    """sin(n pi r / cutoff) / r times `cosine_cutoff`, n = 1 ... count, the cutoff's weight last; and directions.

    Finite, with finite derivatives, where points coincide. Source: Gasteiger et al., arXiv 2003.03123, eq. 7.

    Args:
        vectors: [E, 3].
        count: of the waves.
        cutoff: in the unit of the vectors.

    Returns:
        [E, count + 1] and [E, 3].
    """
    lengths = vectors.square().sum(1, keepdim=True).clamp(min=CLOSEST).sqrt()  # [E, 1]
    frequencies = torch.arange(1, count + 1, dtype=vectors.dtype, device=vectors.device) * (math.pi / cutoff)
    weight = cosine_cutoff(lengths, cutoff)
    waves = torch.sin(frequencies * lengths) * (weight / lengths)
    return torch.cat([waves, weight], 1), vectors / lengths

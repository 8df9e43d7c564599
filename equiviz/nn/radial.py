"""Radial functions on edges: Gaussians under a smooth cutoff."""

from __future__ import annotations

import math

import torch
from torch import Tensor


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

"""Coupling coefficients of real spherical harmonics whose degrees add up to an even number, made in float64.

For l1 + l2 + l3 even the Wigner 3j tensor is proportional to the integral of three harmonics over the sphere (Gaunt,
1929; Varshalovich et al., Quantum Theory of Angular Momentum, section 5.9), which a product quadrature gives exactly.
These are all the couplings among true tensors (0e, 1o, 2e, ...); products with an odd sum make pseudotensors.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from equiviz.nn.errors import ModelError
from equiviz.symmetry.harmonics import spherical_harmonics


def couples(l1: int, l2: int, l3: int) -> bool:
    """Whether degrees l1 and l2 couple to a true tensor of degree l3: triangle rule, and an even sum."""
    return abs(l1 - l2) <= l3 <= l1 + l2 and (l1 + l2 + l3) % 2 == 0


@functools.lru_cache(maxsize=64)
def coupling(l1: int, l2: int, l3: int) -> Tensor:
    """The tensor C [2 l1 + 1, 2 l2 + 1, 2 l3 + 1] (float64, unit Frobenius norm) that couples l1 and l2 to l3.

    Equal to ``e3nn.o3.wigner_3j`` up to the sign of the whole; the sign here makes the integral of Y_l1 Y_l2 Y_l3
    positive. Treat it as read-only: it is shared.

    Raises:
        ModelError: degrees that do not couple.
    """
    if not couples(l1, l2, l3):
        raise ModelError(
            f"Degrees {l1}, {l2} and {l3} do not couple: expected |l1 - l2| <= l3 <= l1 + l2 with an even sum. "
            "An odd sum makes a pseudotensor, which these networks do not carry."
        )
    points, weights = _sphere(l1 + l2 + l3)
    harmonics = spherical_harmonics(max(l1, l2, l3), points, normalize=False)
    blocks = [harmonics[:, degree**2 : (degree + 1) ** 2] for degree in (l1, l2, l3)]
    integral = torch.einsum("q,qa,qb,qc->abc", weights, *blocks)
    return integral / integral.norm()


def _sphere(band_limit: int) -> tuple[Tensor, Tensor]:
    """Points [Q, 3] and weights [Q] that integrate polynomials up to the band limit: Gauss-Legendre times circle."""
    heights, shares = np.polynomial.legendre.leggauss(band_limit // 2 + 1)
    angles = 2 * math.pi * np.arange(band_limit + 1) / (band_limit + 1)
    radius = np.sqrt(1 - heights**2)[:, None]
    x, z = radius * np.cos(angles), radius * np.sin(angles)
    points = np.stack([x, np.broadcast_to(heights[:, None], x.shape), z], -1).reshape(-1, 3)
    weights = np.repeat(shares / (2 * (band_limit + 1)), band_limit + 1)
    return torch.from_numpy(points), torch.from_numpy(weights)

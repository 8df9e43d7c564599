r"""Densities around a point, projected on spherical harmonics: the one sum that most angular descriptors start from.

    c_{c l m}(i) = sum over bonds (i, j) of w_c(j) Y_lm(r_ij / r_ij)

Y_lm are the real harmonics of the kernel (e3nn's basis and order) in the normalisation sum_m Y_lm^2 = 1, so that
sum_m Y_lm(u) Y_lm(v) = P_l(u . v) (addition theorem). A bond of length zero has no direction: it counts for l = 0 only.

Two evaluations give equal numbers: torch, differentiable to any order; and a compiled kernel, several times faster,
taken on the CPU when no gradient is required, where numba is installed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.descriptors.compiled_density import can_compile, compiled_density
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.symmetry.harmonics import spherical_harmonics

Degrees = tuple[int, ...]


def density(
    around: Neighbourhood, weights: Tensor, degrees: Degrees, compiled: bool | None = None
) -> dict[int, Tensor]:
    """Return c_{c l m} for each degree asked.

    Args:
        around: the bonds, N points and E bonds.
        weights: [E, C] w_c, one column per channel.
        degrees: the l asked, each 0 or more.
        compiled: use the compiled kernel; None: where possible and no gradient is required.

    Returns:
        l -> [N, C, 2l+1].
    """
    if compiled is None:
        compiled = can_compile() and not _needs_torch(around.vectors, weights)
    whole = compiled_density(around, weights, degrees) if compiled else _torch_density(around, weights, degrees)
    widths = [2 * degree + 1 for degree in degrees]
    return dict(zip(degrees, whole.split(widths, dim=-1), strict=True))


def _needs_torch(vectors: Tensor, weights: Tensor) -> bool:
    tracked = torch.is_grad_enabled() and (vectors.requires_grad or weights.requires_grad)
    return tracked or vectors.device.type != "cpu" or vectors.dtype not in (torch.float32, torch.float64)


def _torch_density(around: Neighbourhood, weights: Tensor, degrees: Degrees) -> Tensor:
    harmonics = harmonics_of(around.vectors, degrees)  # [E, M]
    return around.sum_products(weights, harmonics)  # [N, C, M]


def harmonics_of(vectors: Tensor, degrees: Degrees) -> Tensor:
    """Return Y_lm(vectors [E, 3]) with sum_m Y_lm^2 = 1, the degrees side by side: [E, sum of 2l+1]."""
    every = spherical_harmonics(max(degrees), vectors, normalize=True, normalization="norm")  # [E, (lmax+1)^2]
    return torch.cat([every[:, degree**2 : (degree + 1) ** 2] for degree in degrees], dim=-1)

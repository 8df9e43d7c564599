r"""From coefficients back to a density: what a hologram still knows of a neighbourhood.

Among all functions that the basis can make, the one with the given coefficients: for radial functions R_k that need not
be orthogonal, with G_kj = integral of R_k R_j r^2 dr,

    rho_c(r) = sum over k, j, l, m of  Z_cklm (1/G)_kj R_j(|r|) Y_lm(r)

Letters: P points, K radial functions, C channels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from equiviz.holograms.errors import HologramError
from equiviz.holograms.hologram import Basis, Hologram
from equiviz.holograms.shells import Shells
from equiviz.symmetry.harmonics import spherical_harmonics

if TYPE_CHECKING:
    from numpy.typing import NDArray

NODES = 400
"""Of the integrals, by Gauss-Legendre."""
SMALLEST = 1e-9
"""Combinations of radial functions below this share of the largest are rounding."""


def density(hologram: Hologram, offsets: Tensor) -> Tensor:
    """The density of each channel that the coefficients describe: the projection of atoms as points on the basis.

    Args:
        hologram: S sites.
        offsets: ``[P, 3]``, where, relative to the site, in Å.

    Returns:
        ``[S, C, P]``, zero outside the ball; in atoms (or the unit of a dense channel) per unit of volume: the cube of
        `basis.radius`, of Zernike's functions the radius of the ball, of shells 1 Å.

    Raises:
        HologramError: offsets of another shape.
    """
    if offsets.ndim != 2 or offsets.shape[1] != 3:
        raise HologramError(f"Expected offsets [points, 3] in Å, got shape {list(offsets.shape)}.")
    basis, kind = hologram.basis, hologram.coefficients.dtype
    places = offsets.detach().to("cpu", torch.float64)
    harmonics = spherical_harmonics(basis.l_max, places, normalization="integral")  # [P, (L+1)^2]
    distances = places.norm(dim=1).numpy()
    total = torch.zeros(len(hologram), len(hologram.channels), len(places), dtype=kind)
    for degree in range(basis.l_max + 1):
        radial = torch.from_numpy(basis.values(degree, distances) @ _inverse_overlaps(basis, degree))  # [P, K]
        waves = radial[:, :, None] * harmonics[:, None, degree**2 : (degree + 1) ** 2]  # [P, K, 2l+1]
        block = hologram.degree(degree).to("cpu")
        total += torch.einsum("sckm,pkm->scp", block, waves.to(kind))
    return total


@lru_cache(maxsize=64)
def _inverse_overlaps(basis: Basis, degree: int) -> NDArray[np.float64]:
    """1/G ``[K, K]``, of lengths in units of `basis.radius`."""
    end = basis.end if isinstance(basis, Shells) else basis.radius
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    r = end * (nodes + 1) / 2
    sampled = basis.values(degree, r)  # [n, K]
    volume = weights * end / 2 * r**2 / basis.radius**3
    return np.linalg.pinv(sampled.T @ (sampled * volume[:, None]), rcond=SMALLEST, hermitian=True)

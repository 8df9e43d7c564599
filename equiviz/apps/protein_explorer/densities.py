r"""The density of a channel as a cloud of points: what a hologram still knows of a neighbourhood.

Among all functions that the basis can make, the one with the given coefficients: for radial functions R_k that need not
be orthogonal, with G_kj = integral of R_k R_j r^2 dr over the ball,

    rho_c(r) = sum over k, j, l, m of  Z_cklm (1/G)_kj R_j(|r|) Y_lm(r)

For orthonormal functions that is `equiviz.holograms.density`. A hologram tells directions apart, not places: far from
the site the same atom is spread over more space. So what is drawn is r^2 rho, atoms per Å of distance and steradian,
which is alike near and far. Letters: P points, K radial functions, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.shells import Shells
from equiviz.symmetry.harmonics import spherical_harmonics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.hologram import Basis, Hologram

SPACING = 0.7
"""Å between two points of the grid."""
MOST_POINTS = 1_500
_NODES = 400


@dataclass(frozen=True, eq=False)
class Cloud:
    """The points at which a density is high.

    Attributes:
        positions: ``[P, 3]``, Å from the site.
        values: ``[P]``, r^2 rho, per Å and steradian.
        peak: the largest size of a value on the grid.
    """

    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    peak: float


def cloud(hologram: Hologram, channel: int, radius: float, share: float = 0.4, signed: bool = False) -> Cloud:
    """Where r^2 rho of a channel exceeds a share of its peak.

    Args:
        hologram: of one site.
        channel: its number.
        radius: of the neighbourhood, in Å.
        share: 0 to 1; at most `MOST_POINTS` points, the densest.
        signed: whether the channel weighs atoms by negative numbers too; else what is negative is an artefact.
    """
    points, functions = _functions(hologram.basis, float(radius))
    blocks = [hologram.degree(degree)[0, channel].double() for degree in range(hologram.basis.l_max + 1)]
    coefficients = np.concatenate([block.flatten().numpy() for block in blocks]).astype(np.float32)
    values = np.asarray(functions @ coefficients, dtype=np.float64)
    sizes = np.abs(values) if signed else values
    peak = float(sizes.max(initial=0.0))
    order = np.argsort(-sizes)[:MOST_POINTS]
    kept = order[(sizes[order] > share * peak) & (sizes[order] > 0)]
    return Cloud(points[kept], values[kept], peak)


@lru_cache(maxsize=4)
def _functions(basis: Basis, radius: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """A grid in the ball ``[P, 3]``, and what each coefficient of one channel adds to r^2 rho there ``[P, width]``."""
    steps = np.arange(-int(radius / SPACING), int(radius / SPACING) + 1) * SPACING
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    points = cube[np.linalg.norm(cube, axis=1) <= radius]
    harmonics = spherical_harmonics(basis.l_max, torch.from_numpy(points), normalization="integral").numpy()
    distances = np.linalg.norm(points, axis=1)
    columns: list[NDArray[np.float64]] = []
    for degree in range(basis.l_max + 1):
        radial = _duals(basis, degree, radius, distances)  # [P, K]
        angular = harmonics[:, degree**2 : (degree + 1) ** 2]  # [P, 2l+1]
        columns.append((radial[:, :, None] * angular[:, None]).reshape(len(points), -1))
    functions = np.concatenate(columns, 1) * distances[:, None] ** 2
    return np.asarray(points, dtype=np.float64), functions.astype(np.float32)


def _duals(basis: Basis, degree: int, radius: float, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The functions that make a density of coefficients, ``[P, K]``, per Å^3."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    end = basis.end if isinstance(basis, Shells) else radius
    r = end * (nodes + 1) / 2
    sampled = basis.values(degree, r)  # [n, K]
    gram = sampled.T @ (sampled * (weights * end / 2 * r**2)[:, None])
    return basis.values(degree, distances) @ np.linalg.pinv(gram, rcond=1e-9, hermitian=True)

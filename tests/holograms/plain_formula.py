"""The projection as the papers write it: 2F1 and spherical harmonics, neighbour by neighbour, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import binom, hyp2f1, sph_harm_y

from equiviz.holograms import Neighbourhoods
from equiviz.holograms.zernike import Norm


def radial(n: int, l: int, x: NDArray[np.float64], norm: Norm) -> NDArray[np.float64]:  # noqa: E741
    """R_nl(x) as in the authors' papers and, for "reference", codes (StatPhysBio/zernikegrams)."""
    k = (n - l) // 2
    scale = binom((n + l + 1) / 2, k) if norm == "orthonormal" else binom((n + l + 3) // 2 - 1, k)
    series = hyp2f1(-k, (n + l + 3) / 2, l + 1.5, x**2)
    return (-1) ** k * np.sqrt(2 * n + 3) * scale * x**l * series


def plain(
    around: Neighbourhoods, weights: NDArray[np.float64], n_max: int, l_max: int, norm: Norm
) -> dict[int, NDArray[np.complex128]]:
    """By degree ``[S, C, n_max + 1, 2l+1]``: sum of w R_nl conj(Y_lm); ``weights``: ``[A, C]``."""
    offsets = around.offsets()
    r = np.linalg.norm(offsets, axis=1)
    polar, azimuth = np.arccos(offsets[:, 2] / r), np.arctan2(offsets[:, 1], offsets[:, 0])
    found: dict[int, NDArray[np.complex128]] = {}
    for degree in range(l_max + 1):
        waves = np.stack([np.conj(sph_harm_y(degree, m, polar, azimuth)) for m in range(-degree, degree + 1)], axis=1)
        shells = np.zeros((len(r), n_max + 1))
        for n in range(degree, n_max + 1, 2):
            shells[:, n] = radial(n, degree, r / around.radius, norm)
        total = np.zeros((len(around), weights.shape[1], n_max + 1, 2 * degree + 1), dtype=np.complex128)
        for site in range(len(around)):
            rows = slice(around.first[site], around.first[site + 1])
            heavy = weights[around.neighbours[rows]]
            each = (heavy[:, :, None] * shells[rows, None]).reshape(len(heavy), -1)  # [E, C x (n_max + 1)]
            total[site] = (each.T @ waves[rows]).reshape(total.shape[1:])
        found[degree] = total
    return found

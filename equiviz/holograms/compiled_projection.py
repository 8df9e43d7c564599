"""The Zernike-Fourier projection of neighbourhoods: compiled where it is only evaluated.

`torch_projection.py` is its twin for gradients and for a GPU.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.channels import HEAVY, AtomWeights
from equiviz.holograms.hologram import Basis, Hologram
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.zernike import Zernike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_SITES = 1_024
"""Sites whose moments are held at a time: about 10 MB with four channels."""


def project_neighbourhoods(
    around: Neighbourhoods,
    channels: Sequence[str] = HEAVY,
    basis: Basis | None = None,
    *,
    weights: NDArray[np.float64] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Hologram:
    """Coefficients of all sites.

    Args:
        around: the sites and their neighbours.
        channels: what is projected of each atom.
        basis: the radial functions; by default those of H-CNN, orthonormal, in a ball of the neighbourhoods' radius.
        weights: ``[E]``, of each neighbour, beside those of the channels; by default ones.
        dtype: of the sums and the result, float32 or float64.

    Raises:
        HologramError: a channel that is unknown or that the file cannot give.
    """
    basis = Zernike(radius=around.radius) if basis is None else basis
    atoms = AtomWeights.of(around.protein, channels)
    kind = np.float64 if dtype == torch.float64 else np.float32
    each = np.ones(len(around.neighbours), kind) if weights is None else weights.astype(kind)
    found = np.empty((len(around), len(channels) * basis.width), kind)
    for start in range(0, len(around), MOST_SITES):
        stop = min(start + MOST_SITES, len(around))
        sums = _moments(around, slice(start, stop), atoms, each, basis, len(channels))
        _combine(sums, basis, found[start:stop])
    names = [around.protein.label(int(residue)) for residue in around.residues]
    classes = torch.from_numpy(around.classes)
    return Hologram.of(torch.from_numpy(found), channels, basis, classes, names, around.protein.name)


def _moments(
    around: Neighbourhoods,
    rows: slice,
    atoms: AtomWeights,
    weights: NDArray[np.floating],
    basis: Basis,
    channels: int,
) -> NDArray[np.floating]:
    """The sums of S_lm p_j over the neighbours of some sites, ``[S, C, M, J]``."""
    from equiviz.holograms.moments_kernel import accumulate

    kind = weights.dtype
    sums = np.zeros((rows.stop - rows.start, channels, (basis.l_max + 1) ** 2, basis.polynomials), kind)
    accumulate(
        around.protein.positions / basis.radius,
        around.centres[rows] / basis.radius,
        around.first[rows.start : rows.stop + 1],
        around.neighbours,
        weights,
        atoms.own,
        atoms.dense.astype(kind),
        legendre(basis.l_max).astype(kind),
        basis.table().astype(kind),
        basis.shells,
        sums,
    )
    return sums


def _combine(sums: NDArray[np.floating], basis: Basis, found: NDArray[np.floating]) -> None:
    """From moments ``[S, C, M, J]`` to coefficients ``[S, C x width]``: one small matrix per degree."""
    start = 0
    for degree in range(basis.l_max + 1):
        matrix = (basis.matrix(degree) * math.sqrt((2 * degree + 1) / (4 * math.pi))).astype(sums.dtype)  # [K, J]
        block = sums[:, :, degree**2 : (degree + 1) ** 2]  # [S, C, 2l+1, J]
        stop = start + block.shape[1] * block.shape[2] * len(matrix)
        target = found[:, start:stop].reshape(len(sums), block.shape[1], len(matrix), block.shape[2])
        np.matmul(matrix, block.swapaxes(2, 3), out=target)
        found[:, start:stop] = target.reshape(len(sums), -1)
        start = stop


@cache
def legendre(l_max: int) -> NDArray[np.float64]:
    """``[3, L+1, L+1]``: A_mm on the diagonal of the first, a_lm and b_lm, for `moments_kernel.accumulate`."""
    found = np.zeros((3, l_max + 1, l_max + 1))
    for m in range(l_max + 1):
        found[0, m, m] = math.sqrt((2 if m else 1) / math.factorial(2 * m)) * math.prod(range(2 * m - 1, 0, -2))
        for degree in range(m + 1, l_max + 1):
            root = math.sqrt(degree**2 - m**2)
            found[1, degree, m] = (2 * degree - 1) / root
            found[2, degree, m] = math.sqrt((degree - 1) ** 2 - m**2) / root
    return found

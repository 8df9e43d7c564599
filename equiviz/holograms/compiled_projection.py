"""The Zernike-Fourier projection of neighbourhoods: compiled where it is only evaluated.

`torch_projection.py` is its twin for gradients and for a GPU.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.channels import HEAVY, channel_of_atoms, dense_weights
from equiviz.holograms.hologram import Basis, Hologram
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.zernike import Zernike
from equiviz.symmetry.legendre import legendre_recurrence

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
    from equiviz.holograms.moments_kernel import accumulate

    own = channel_of_atoms(around.protein, channels)
    kind = np.float64 if dtype == torch.float64 else np.float32
    each = np.ones(len(around.neighbours), kind) if weights is None else weights.astype(kind)
    weighed = dense_weights(around.protein, channels).items()
    dense = {place: (weight[around.neighbours] * each).astype(kind) for place, weight in weighed}
    points, centres = around.protein.positions / basis.radius, around.centres / basis.radius
    tables = legendre_recurrence(basis.l_max).astype(kind), basis.table().astype(kind)
    shape = (len(channels), (basis.l_max + 1) ** 2, basis.polynomials)
    found = np.empty((len(around), len(channels) * basis.width), kind)
    for start in range(0, len(around), MOST_SITES):
        stop = min(start + MOST_SITES, len(around))
        sums = np.zeros((stop - start, *shape), kind)  # of S_lm p_j over the neighbours, [S, C, M, J]
        near = (points, centres[start:stop], around.first[start : stop + 1], around.neighbours)
        accumulate(*near, each, own, *tables, basis.shells, sums)
        for place, heavy in dense.items():  # all atoms in one channel; a pass of its own, so that others cost no more
            alone = np.zeros((stop - start, 1, *shape[1:]), kind)
            accumulate(*near, heavy, np.zeros_like(own), *tables, basis.shells, alone)
            sums[:, place] = alone[:, 0]
        found[start:stop] = _combined(sums, basis)
    names = [around.protein.label(int(residue)) for residue in around.residues]
    classes = torch.from_numpy(around.classes)
    return Hologram.of(torch.from_numpy(found), channels, basis, classes, names, around.protein.name)


def _combined(sums: NDArray[np.floating], basis: Basis) -> NDArray[np.floating]:
    """From moments ``[S, C, M, J]`` to coefficients ``[S, C x width]``: one small matrix per degree."""
    parts = []
    for degree in range(basis.l_max + 1):
        matrix = (basis.matrix(degree) * math.sqrt((2 * degree + 1) / (4 * math.pi))).astype(sums.dtype)  # [K, J]
        block = sums[:, :, degree**2 : (degree + 1) ** 2]  # [S, C, 2l+1, J]
        parts.append(np.matmul(matrix, block.swapaxes(2, 3)).reshape(len(sums), -1))
    return np.concatenate(parts, axis=1)

"""The Zernike-Fourier projection of neighbourhoods: compiled where it is only evaluated.

`torch_projection.py` is its twin for gradients and for a GPU.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.channels import HEAVY, channel_of_atoms, dense_weights
from equiviz.holograms.hologram import Basis, Counting, Hologram, Origin
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.zernike import Zernike
from equiviz.symmetry.legendre import legendre_recurrence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein


def project_neighbourhoods(
    around: Neighbourhoods,
    channels: Sequence[str] = HEAVY,
    basis: Basis | None = None,
    *,
    weights: NDArray[np.float64] | None = None,
    counting: Counting = "atoms",
    dtype: torch.dtype = torch.float32,
) -> Hologram:
    """Coefficients of all sites.

    Args:
        around: the sites and their neighbours.
        channels: what is projected of each atom.
        basis: the radial functions; by default those of H-CNN, orthonormal, in a ball of the neighbourhoods' radius.
        counting: what `weights` make of the atoms; it is only noted.
        weights: ``[E]``, of each neighbour, beside those of the channels; by default ones.
        dtype: of the sums and the result, float32 or float64.

    Raises:
        HologramError: a channel that is unknown or that the file cannot give.
    """
    basis = Zernike(radius=around.radius) if basis is None else basis
    from equiviz.holograms.moments_kernel import project_sites

    kind = np.float64 if dtype == torch.float64 else np.float32
    each = np.ones(len(around.neighbours), kind) if weights is None else weights.astype(kind)
    points, centres = around.protein.positions / basis.radius, around.centres / basis.radius
    near = around.first, around.neighbours, each
    atoms = len(channels), channel_of_atoms(around.protein, channels), _dense(around.protein, channels, kind)
    functions = legendre_recurrence(basis.l_max).astype(kind), basis.table().astype(kind)
    matrices, orders, more = _combinations(basis, kind)
    count, width = len(around), len(channels) * basis.width
    found = np.empty(count * width + more, kind)
    project_sites(points, centres, near, *atoms, functions, basis.shells, matrices, orders, found)
    made = torch.from_numpy(found[: count * width].reshape(count, width))
    classes = torch.from_numpy(around.classes)
    origin = Origin(around.centre, around.radius, counting)
    return Hologram.of(made, channels, basis, classes, around.names, around.protein.name, origin)


def _dense(
    protein: Protein, channels: Sequence[str], kind: type[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """What all atoms weigh ``[A, D]``, and the numbers ``[D]`` of the channels where they do."""
    dense = dense_weights(protein, channels)
    table = np.empty((len(protein), len(dense)), kind)
    for k, heavy in enumerate(dense.values()):
        table[:, k] = heavy
    return table, np.array(list(dense), dtype=np.int64)


def _combinations(basis: Basis, kind: type[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.int64], int]:
    """For each degree the matrix from polynomials to orders, ``[L+1, K, K]``, and how many orders it has.

    The matrices are filled up with zeros as the kernel wants them. And by how many numbers it writes too far.
    """
    from equiviz.holograms.vectors import LANES, ROWS

    rows = math.ceil(basis.polynomials / ROWS) * ROWS
    matrices = np.zeros((basis.l_max + 1, rows, rows), kind)
    for degree, padded in enumerate(matrices):
        matrix = basis.matrix(degree) * math.sqrt((2 * degree + 1) / (4 * math.pi))  # [orders, J]
        padded[: matrix.shape[1], : matrix.shape[0]] = matrix.T
    orders = np.array([len(basis.orders(degree)) for degree in range(basis.l_max + 1)])
    return matrices, orders, rows * (2 * basis.l_max + 1) + LANES

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
from equiviz.holograms.neighbourhoods import SINGLE, Neighbourhoods
from equiviz.holograms.two_centres import beside
from equiviz.holograms.zernike import Zernike
from equiviz.symmetry.legendre import legendre_recurrence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from equiviz.holograms.protein import Protein


def project_neighbourhoods(
    around: Neighbourhoods,
    channels: Sequence[str] = HEAVY,
    basis: Basis | None = None,
    *,
    counting: Counting = "atoms",
    dtype: torch.dtype = torch.float32,
) -> Hologram:
    """Coefficients of all sites.

    Args:
        around: the sites and their neighbours.
        channels: what is projected of each atom.
        basis: the radial functions; by default those of H-CNN, orthonormal, in a ball of the neighbourhoods' radius.
        counting: "square" divides what each atom adds by its own power, see `powers`.
        dtype: of the sums and the result, float32 or float64.

    Raises:
        HologramError: a channel that is unknown or that the file cannot give.
    """
    basis = Zernike(radius=around.radius) if basis is None else basis
    if around.centre == "both":
        views = [around.seen_from(one) for one in SINGLE["both"]]
        return beside([project_neighbourhoods(view, channels, basis, counting=counting, dtype=dtype) for view in views])
    made = torch.from_numpy(projection_of(around, channels, basis, counting, dtype)(slice(None)))
    classes = torch.from_numpy(around.classes)
    origin = Origin(around.centre, around.radius, counting)
    return Hologram.of(made, channels, basis, classes, around.names, around.protein.name, origin)


def projection_of(
    around: Neighbourhoods,
    channels: Sequence[str],
    basis: Basis,
    counting: Counting,
    dtype: torch.dtype,
    axes: tuple[int, int, int] = (0, 1, 2),
) -> Callable[[slice], NDArray[np.floating]]:
    """A function that gives the coefficients of one centre for a stretch of sites, ``[S, channels x basis.width]``.

    `axes` are the coordinates that count as x, y and z: the polar axis of the harmonics is the second.
    """
    from equiviz.holograms.moments_kernel import project_sites

    kind = np.float64 if dtype == torch.float64 else np.float32
    each = _weights(around, basis, counting).astype(kind, copy=False)
    points, centres = (x[:, axes] / basis.radius for x in (around.protein.positions, around.centres))
    atoms = len(channels), channel_of_atoms(around.protein, channels), _dense(around.protein, channels, kind)
    functions = legendre_recurrence(basis.l_max).astype(kind), basis.table().astype(kind)
    matrices, orders, more = _combinations(basis, kind)
    width = len(channels) * basis.width

    def project_stretch(sites: slice) -> NDArray[np.floating]:
        start, stop, _ = sites.indices(len(around))
        near = around.first[start : stop + 1], around.neighbours, each
        found = np.empty((stop - start) * width + more, kind)
        project_sites(points, centres[start:stop], near, *atoms, functions, basis.shells, matrices, orders, found)
        return found[: (stop - start) * width].reshape(-1, width)

    return project_stretch


def powers(around: Neighbourhoods, basis: Basis) -> NDArray[np.float64]:
    """``[E]``: the sum over (n, l, m) of (R_nl Y_lm)^2 of each neighbour, which its distance alone decides."""
    distances = np.linalg.norm(around.offsets(), axis=1)
    total = np.zeros(len(distances))
    for degree in range(basis.l_max + 1):
        total += np.square(basis.values(degree, distances)).sum(1) * (2 * degree + 1) / (4 * np.pi)
    return total


def _weights(around: Neighbourhoods, basis: Basis, counting: Counting) -> NDArray[np.floating]:
    """``[E]``: one, or one over the power of each neighbour; zero for those that were moved out of the ball since."""
    if counting == "atoms":
        return np.ones(len(around.neighbours), np.float32)
    power = powers(around, basis)
    return np.divide(1.0, power, out=np.zeros_like(power), where=power > 0)


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

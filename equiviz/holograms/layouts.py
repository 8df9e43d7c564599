"""Holograms in the arrangements of other codes, for comparison and for their weights.

- ``"hcnn"`` (StatPhysBio/protein_holography): complex, by degree; Z = sum of w R_nl conj(Y_lm), with the orthonormal
  complex harmonics of polar axis z and Condon-Shortley phase; n = 0 ... n_max, zero where n - l is odd or negative;
  rows are channel x (n_max + 1) + n.
- ``"hermes"`` (StatPhysBio/zernikegrams): real, by degree; rows are channel x (k_max + 1) + k, with n = 2k + l up to
  k = n_max / 2, of real harmonics of polar axis z, and all of it divided by sqrt(4 pi).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import torch

from equiviz.holograms.errors import HologramError
from equiviz.symmetry.wigner import wigner_d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.hologram import Hologram

Layout: TypeAlias = Literal["hcnn", "hermes"]
_TO_POLAR_Z = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
"""(x, y, z) -> (y, z, x): harmonics about y, of this, are harmonics about z of what was turned."""


def arranged(hologram: Hologram, layout: Layout) -> dict[int, NDArray[np.generic]]:
    """The coefficients by degree: ``[S, rows, 2l+1]``, m from -l to l; complex64 or complex128 for "hcnn".

    Raises:
        HologramError: an unknown layout.
    """
    if layout not in get_args(Layout):
        raise HologramError(f"Expected layout {' or '.join(map(repr, get_args(Layout)))}, got {layout!r}.")
    make = _hcnn if layout == "hcnn" else _hermes
    return {degree: make(hologram, degree) for degree in range(hologram.basis.l_max + 1)}


def _hcnn(hologram: Hologram, degree: int) -> NDArray[np.generic]:
    block = hologram.degree(degree).numpy(force=True)  # [S, C, K, 2l+1]
    kind = np.complex128 if block.dtype == np.float64 else np.complex64
    found = np.zeros((*block.shape[:2], hologram.basis.n_max + 1, block.shape[3]), kind)
    pairs = np.ascontiguousarray(_complex_matrix(degree).T.astype(kind)).view(block.dtype)  # real and imaginary parts
    flat = np.ascontiguousarray(block).reshape(-1, block.shape[3]) @ pairs  # one product for all sites
    found[:, :, degree::2] = flat.view(kind).reshape(block.shape)
    return found.reshape(len(found), -1, block.shape[3])


def _hermes(hologram: Hologram, degree: int) -> NDArray[np.generic]:
    block = hologram.degree(degree).numpy(force=True)
    rows = hologram.basis.n_max // 2 + 1
    found = np.zeros((*block.shape[:2], rows, block.shape[3]), block.dtype)
    found[:, :, : block.shape[2]] = block @ (_polar_z(degree).T / math.sqrt(4 * math.pi)).astype(block.dtype)
    return found.reshape(len(found), -1, block.shape[3])


@cache
def _polar_z(degree: int) -> NDArray[np.float64]:
    """From real harmonics of polar axis y to those of polar axis z, ``[2l+1, 2l+1]``."""
    return wigner_d(degree, _TO_POLAR_Z).numpy()


@cache
def _complex_matrix(degree: int) -> NDArray[np.complex128]:
    """From real coefficients about y to those of conj(Y_lm) about z, ``[2l+1, 2l+1]``.

    For m > 0, Y_lm = (-1)^m (C_m + i S_m) / sqrt(2) and Y_l,-m = (C_m - i S_m) / sqrt(2), with the real harmonics C_m
    (cosine, at +m) and S_m (sine, at -m).
    """
    real = np.zeros((2 * degree + 1, 2 * degree + 1), dtype=np.complex128)
    real[degree, degree] = 1
    for m in range(1, degree + 1):
        real[degree + m, [degree + m, degree - m]] = (-1) ** m * np.array([1, -1j]) / math.sqrt(2)
        real[degree - m, [degree + m, degree - m]] = np.array([1, 1j]) / math.sqrt(2)
    return real @ _polar_z(degree)

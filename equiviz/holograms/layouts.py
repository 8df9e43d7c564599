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
from equiviz.holograms.zernike import Zernike
from equiviz.symmetry.wigner import wigner_d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.hologram import Hologram

Layout: TypeAlias = Literal["hcnn", "hermes"]
POLAR_Z = (1, 2, 0)
"""(x, y, z) -> (y, z, x): harmonics about y, of this, are harmonics about z of what was turned."""


def arranged(hologram: Hologram, layout: Layout) -> dict[int, NDArray[np.generic]]:
    """The coefficients by degree: ``[S, rows, 2l+1]``, m from -l to l; complex64 or complex128 for "hcnn".

    Raises:
        HologramError: an unknown layout, or coefficients of other functions than Zernike's.
    """
    check(layout)
    if not isinstance(hologram.basis, Zernike):
        raise HologramError(f"Layouts are made of Zernike's functions, got {hologram.basis}.")
    about_z = [_turned(hologram.degree(degree), degree) for degree in range(hologram.basis.l_max + 1)]
    return arrays(torch.cat(about_z, 1).numpy(force=True), len(hologram.channels), hologram.basis, layout)


def arrays(
    about_z: NDArray[np.floating], channels: int, basis: Zernike, layout: Layout
) -> dict[int, NDArray[np.generic]]:
    """The same of coefficients ``[S, W]`` as a `Hologram` has them, but of harmonics with polar axis z."""
    found: dict[int, NDArray[np.generic]] = {}
    end = 0
    for degree in range(basis.l_max + 1):
        shape = channels, len(basis.orders(degree)), 2 * degree + 1
        start, end = end, end + math.prod(shape)
        block = about_z[:, start:end].reshape(-1, *shape)  # [S, C, K, 2l+1]
        rows = _hcnn(block, basis.n_max) if layout == "hcnn" else _hermes(block, basis.n_max)
        found[degree] = rows.reshape(len(rows), -1, shape[-1])
    return found


def check(layout: str) -> None:
    """Refuse unknown ones."""
    if layout not in get_args(Layout):
        raise HologramError(f"Expected layout {' or '.join(map(repr, get_args(Layout)))}, got {layout!r}.")


def _hcnn(block: NDArray[np.floating], n_max: int) -> NDArray[np.generic]:
    from equiviz.holograms.complex_kernel import spread

    kind = np.complex128 if block.dtype == np.float64 else np.complex64
    found = np.empty((*block.shape[:2], n_max + 1, block.shape[3]), kind)
    spread(block, found)
    return found


def _hermes(block: NDArray[np.floating], n_max: int) -> NDArray[np.generic]:
    found = np.zeros((*block.shape[:2], n_max // 2 + 1, block.shape[3]), block.dtype)
    found[:, :, : block.shape[2]] = block * block.dtype.type(1 / math.sqrt(4 * math.pi))
    return found


def _turned(block: torch.Tensor, degree: int) -> torch.Tensor:
    """``[S, C, K, 2l+1]`` of polar axis y -> ``[S, C K (2l+1)]`` of polar axis z."""
    return (block.reshape(-1, block.shape[3]) @ _polar_z(degree).to(block).T).reshape(len(block), -1)


@cache
def _polar_z(degree: int) -> torch.Tensor:
    """From real harmonics of polar axis y to those of polar axis z, ``[2l+1, 2l+1]``."""
    return wigner_d(degree, torch.eye(3, dtype=torch.float64)[list(POLAR_Z)])

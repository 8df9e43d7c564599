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
    from collections.abc import Callable

    from numpy.typing import NDArray

    from equiviz.holograms.hologram import Hologram

Layout: TypeAlias = Literal["hcnn", "hermes"]
POLAR_Z = (1, 2, 0)
"""(x, y, z) -> (y, z, x): harmonics about y, of this, are harmonics about z of what was turned."""
STRETCH = 64
"""Sites that are projected and arranged together: their coefficients fit the second cache."""


def arranged(hologram: Hologram, layout: Layout) -> dict[int, NDArray[np.generic]]:
    """The coefficients by degree: ``[S, rows, 2l+1]``, m from -l to l; complex64 or complex128 for "hcnn".

    Raises:
        HologramError: an unknown layout, or coefficients of other functions than Zernike's.
    """
    check(layout)
    if not isinstance(hologram.basis, Zernike):
        raise HologramError(f"Layouts are made of Zernike's functions, got {hologram.basis}.")
    about_z = [_turned(hologram.degree(degree), degree) for degree in range(hologram.basis.l_max + 1)]
    turned = torch.cat(about_z, 1).detach().cpu()
    given = turned.numpy()
    return arrays(given.__getitem__, len(given), len(hologram.channels), hologram.basis, layout, turned.dtype)


def arrays(
    about_z: Callable[[slice], NDArray[np.floating]],
    count: int,
    channels: int,
    basis: Zernike,
    layout: Layout,
    dtype: torch.dtype,
) -> dict[int, NDArray[np.generic]]:
    """The same of coefficients as a `Hologram` has them, but of harmonics with polar axis z.

    One stretch of sites after the other: what `about_z` makes of it is arranged while it is still in the processor's
    cache.

    Args:
        about_z: the coefficients ``[S, W]`` of a stretch of sites.
        count: how many sites there are.
        channels: how many.
        basis: the radial functions.
        layout: see `arranged`.
        dtype: of the coefficients, float32 or float64.
    """
    found = _room(count, channels, basis, layout, dtype)
    write = _hcnn if layout == "hcnn" else _hermes

    for site in range(0, count, STRETCH):
        sites = slice(site, min(site + STRETCH, count))
        given, end = about_z(sites), 0  # [S, W]
        for degree, block in found.items():
            shape = channels, len(basis.orders(degree)), 2 * degree + 1
            start, end = end, end + math.prod(shape)
            write(given[:, start:end].reshape(-1, *shape), block[sites])
    return {degree: block.reshape(count, -1, 2 * degree + 1) for degree, block in found.items()}


def _room(
    count: int, channels: int, basis: Zernike, layout: Layout, dtype: torch.dtype
) -> dict[int, NDArray[np.generic]]:
    """By degree ``[S, C, rows, 2l+1]``, not yet written.

    All of it is one piece of memory: as several, the system would hand it out in many more pages, and that took twice
    as long as writing it.
    """
    rows = basis.n_max + 1 if layout == "hcnn" else basis.n_max // 2 + 1
    real, imaginary = (np.float64, np.complex128) if dtype == torch.float64 else (np.float32, np.complex64)
    shapes = [(count, channels, rows, 2 * degree + 1) for degree in range(basis.l_max + 1)]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    whole = np.empty(ends[-1], imaginary if layout == "hcnn" else real)
    parts = np.split(whole, ends[:-1])
    return {degree: part.reshape(shape) for degree, (part, shape) in enumerate(zip(parts, shapes, strict=True))}


def check(layout: str) -> None:
    """Refuse unknown ones."""
    if layout not in get_args(Layout):
        raise HologramError(f"Expected layout {' or '.join(map(repr, get_args(Layout)))}, got {layout!r}.")


def _hcnn(block: NDArray[np.floating], found: NDArray[np.generic]) -> None:
    from equiviz.holograms.complex_kernel import spread

    spread(block, found)


def _hermes(block: NDArray[np.floating], found: NDArray[np.generic]) -> None:
    orders = block.shape[2]
    found[:, :, :orders] = block * block.dtype.type(1 / math.sqrt(4 * math.pi))
    found[:, :, orders:] = 0


def _turned(block: torch.Tensor, degree: int) -> torch.Tensor:
    """``[S, C, K, 2l+1]`` of polar axis y -> ``[S, C K (2l+1)]`` of polar axis z."""
    return (block.reshape(-1, block.shape[3]) @ _polar_z(degree).to(block).T).reshape(len(block), -1)


@cache
def _polar_z(degree: int) -> torch.Tensor:
    """From real harmonics of polar axis y to those of polar axis z, ``[2l+1, 2l+1]``."""
    return wigner_d(degree, torch.eye(3, dtype=torch.float64)[list(POLAR_Z)])

"""From coefficients back to a density: what a hologram still knows of a neighbourhood."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.holograms.errors import HologramError
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.zernike import Zernike
from equiviz.symmetry.harmonics import spherical_harmonics


def density(hologram: Hologram, offsets: Tensor) -> Tensor:
    """The density of each channel that the coefficients describe: the projection of atoms as points on the basis.

    With the orthonormal functions, rho_c(r) = sum of Z_cnlm R_nl(|r|) Y_lm(r), in units of the channel per cubic
    radius; reference coefficients are brought to that norm first.

    Args:
        hologram: S sites.
        offsets: ``[P, 3]``, where, relative to the site, in Å.

    Returns:
        ``[S, C, P]``, zero outside the ball; in atoms (or the unit of a dense channel) per radius^3.

    Raises:
        HologramError: offsets of another shape, or a hologram on shells.
    """
    if offsets.ndim != 2 or offsets.shape[1] != 3:
        raise HologramError(f"Expected offsets [points, 3] in Å, got shape {list(offsets.shape)}.")
    basis, kind = hologram.basis, hologram.coefficients.dtype
    if not isinstance(basis, Zernike):
        raise HologramError(f"Expected a hologram on Zernike's functions; {basis} are not orthogonal to each other.")
    places = offsets.detach().to("cpu", torch.float64)
    harmonics = spherical_harmonics(basis.l_max, places, normalization="integral")  # [P, (L+1)^2]
    distances = places.norm(dim=1).numpy()
    total = torch.zeros(len(hologram), len(hologram.channels), len(places), dtype=kind)
    for degree in range(basis.l_max + 1):
        radial = basis.values(degree, distances)  # [P, K]
        if basis.norm == "reference":
            radial = radial / basis.shrinking(degree) ** 2  # both the coefficients and the functions are shorter
        waves = torch.as_tensor(radial)[:, :, None] * harmonics[:, None, degree**2 : (degree + 1) ** 2]  # [P, K, 2l+1]
        block = hologram.degree(degree).to("cpu")
        total += torch.einsum("sckm,pkm->scp", block, waves.to(kind))
    return total

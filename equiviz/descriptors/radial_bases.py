r"""Radial bases: sets of functions R_n(r), one column each, for density expansions.

Two of them: any tuple of windows (the same for all degrees l), and the Gaussian-type orbitals of SOAP, whose overlap
with an atom that is itself a Gaussian is known in closed form (one set per degree).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.windows import Gaussian, Taper, Window, require_positive

#: SOAP's orbitals and its smeared atoms count as gone where they have fallen to this value (as in dscribe).
DECAY = 1e-3


class RadialBasis(ABC):
    """n functions of the distance, maybe other ones for each degree.

    Attributes:
        cutoff: beyond it no bond counts, in the length unit of the structure.
        size: n.
        same_for_all_degrees: whether `functions` ignores the degree.
    """

    same_for_all_degrees: bool

    @property
    @abstractmethod
    def cutoff(self) -> float:
        """Beyond it no bond counts."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many functions there are."""

    @abstractmethod
    def functions(self, distances: Tensor, degree: int) -> Tensor:
        """Return R_n(r) for distances [E]: [E, n], differentiable."""


@dataclass(frozen=True)
class Windows(RadialBasis):
    """A tuple of windows as radial functions, the same for all degrees.

    Attributes:
        windows: at least one; the basis reaches as far as the longest of them.

    Raises:
        DescriptorError: no window.
    """

    windows: tuple[Window, ...]
    same_for_all_degrees = True

    def __post_init__(self) -> None:
        if not self.windows:
            raise DescriptorError("a radial basis needs at least one window")

    @property
    def cutoff(self) -> float:
        """The longest cutoff of the windows."""
        return max(window.cutoff for window in self.windows)

    @property
    def size(self) -> int:
        """Number of windows."""
        return len(self.windows)

    def functions(self, distances: Tensor, degree: int) -> Tensor:
        """Return the windows of distances [E]: [E, n]."""
        return torch.stack([window(distances) for window in self.windows], dim=-1)


def gaussian_shells(count: int, cutoff: float, taper: Taper = "cosine") -> Windows:
    """Return `count` Gaussians, centres evenly spaced up to the cutoff, standard deviations equal to the spacing."""
    require_positive("the cutoff", cutoff)
    spacing = cutoff / max(count, 1)
    return Windows(tuple(Gaussian(cutoff, spacing * (shell + 1), spacing, taper) for shell in range(count)))


@dataclass(frozen=True)
class GaussianTypeOrbitals(RadialBasis):
    r"""SOAP's radial basis: orthonormal Gaussian-type orbitals, overlapped with atoms smeared into Gaussians.

        g_nl(r) = sum_n' beta_nn'l r^l exp(-alpha_n'l r^2),   density of one atom exp(-|r - r_j|^2 / (2 sigma^2))

        R_nl(r_j) = int g_nl(r) (4 pi) i_l(2 eta r r_j) exp(-eta (r^2 + r_j^2)) r^2 dr,   eta = 1 / (2 sigma^2)
                  = pi^(3/2) sum_n' beta_nn'l (eta r_j)^l s^(-l - 3/2) exp(-eta alpha_n'l r_j^2 / s)

    with s = alpha_n'l + eta, so that c_nlm = sum_j R_nl(r_j) Y_lm(j) for harmonics of unit integral (i_l: modified
    spherical Bessel function). alpha_n'l is chosen such that the n'-th orbital falls to 10^-3 at a distance between 1
    and r_cut; beta makes them orthonormal (Loewdin).

    Attributes:
        count: number of orbitals.
        r_cut: where the last of them ends; > 1, in the length unit of the structure.
        sigma: width of a smeared atom, same unit.

    Sources: Bartok, Kondor and Csanyi, Phys. Rev. B 87, 184115 (2013); the basis is that of dscribe, Himanen et al.,
    Comput. Phys. Commun. 247, 106949 (2020), section 3.5, and the numbers are equal to dscribe's `SOAP(rbf="gto")`.

    Raises:
        DescriptorError: r_cut not above 1 (the first orbital ends at 1), a sigma that is not positive, a count below 1.
    """

    count: int
    r_cut: float
    sigma: float = 1.0
    same_for_all_degrees = False

    def __post_init__(self) -> None:
        require_positive("sigma", self.sigma)
        if not (math.isfinite(self.r_cut) and self.r_cut > 1) or self.count < 1:
            raise DescriptorError(
                "Gaussian-type orbitals need r_cut > 1 (in the structure's length unit) and count >= 1; "
                f"got r_cut {self.r_cut}, count {self.count}"
            )

    @property
    def cutoff(self) -> float:
        """r_cut plus the distance at which a smeared atom is gone."""
        return self.r_cut + self.sigma * math.sqrt(-2 * math.log(DECAY))

    @property
    def size(self) -> int:
        """Number of orbitals."""
        return self.count

    def functions(self, distances: Tensor, degree: int) -> Tensor:
        """Return R_nl of distances [E]: [E, n]."""
        alpha, beta = (table.to(distances) for table in _orbitals(self.count, self.r_cut, degree))
        eta, r = 1 / (2 * self.sigma**2), distances[:, None]  # [E, 1]
        decay = torch.exp(-eta * alpha / (alpha + eta) * r**2)  # [E, n']
        overlaps = math.pi**1.5 * (alpha + eta) ** (-degree - 1.5) * (eta * r) ** degree * decay
        return overlaps @ beta.T


@cache
def _orbitals(count: int, r_cut: float, degree: int) -> tuple[Tensor, Tensor]:
    """Return alpha [n'] and beta [n, n'] float64."""
    ends = torch.linspace(1, r_cut, count, dtype=torch.float64)
    alpha = (degree * ends.log() - math.log(DECAY)) / ends**2
    overlap = 0.5 * math.gamma(degree + 1.5) * (alpha[:, None] + alpha) ** (-degree - 1.5)  # [n', n']
    values, vectors = torch.linalg.eigh(overlap)
    if values.min() <= values.max() * 1e-15:
        raise DescriptorError(
            f"{count} Gaussian-type orbitals up to {r_cut:g} are linearly dependent in float64; "
            "use fewer, or a larger r_cut"
        )
    return alpha, vectors @ torch.diag(values.rsqrt()) @ vectors.T

r"""Zernike's radial functions of the ball, written as combinations of one shared family of polynomials.

For ``n >= l`` and ``n - l`` even, with ``k = (n - l) / 2`` and ``x = r / radius`` in [0, 1],

    R_nl(x) = sqrt(2n + 3)  x^l  P_k^(0, l + 1/2)(2 x^2 - 1),    integral of R_nl R_n'l x^2 dx = delta_nn'

(Jacobi polynomials; equal to the 2F1 form of Visani et al., arXiv 2311.08312, appendix). The factor ``x^l`` belongs to
the solid harmonics; what is left is a polynomial of degree k in ``z = 2 x^2 - 1``, and all of them, whatever l, are
combinations of ``p_j = P_j^(0, 5/2)(z)``. So a projection sums ``S_lm(r) p_j(z)`` over atoms, once for all n, and
multiplies by a small triangular matrix at the end. The exponent 5/2 is the one at which float32 loses least: measured
2.9e-6 in the worst (l, n); 1.2e-4 with Chebyshev polynomials (a feasibility study before this
package; `benchmarks/holograms.py` measures the former).

Letters: n order, l degree, K orders of one degree, J polynomials of the family.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

import numpy as np

from equiviz.holograms.errors import HologramError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Norm: TypeAlias = Literal["orthonormal", "reference"]
SHARED = 2.5
"""The second exponent of the shared family of Jacobi polynomials."""
HIGHEST_DEGREE = 12
MOST_POLYNOMIALS = 16
"""Up to n = 30: beyond, float32 would lose its last digits."""


@dataclass(frozen=True)
class Zernike:
    """Which functions a neighbourhood is projected on.

    Attributes:
        n_max: the largest order.
        l_max: the largest degree.
        radius: of the ball, in Å.
        norm: ``"orthonormal"``, or ``"reference"``: scaled as the authors' codes do, where a floor division makes the
            functions orthogonal but, for n > l, shorter than one.

    Raises:
        HologramError: orders or degrees out of range.
    """

    n_max: int = 20
    l_max: int = 5
    radius: float = 10.0
    norm: Norm = "orthonormal"

    def __post_init__(self) -> None:
        if not 0 <= self.l_max <= HIGHEST_DEGREE or not self.l_max <= self.n_max <= 2 * (MOST_POLYNOMIALS - 1):
            raise HologramError(
                f"Expected degrees up to an l_max from 0 to {HIGHEST_DEGREE} and orders up to an n_max from l_max to "
                f"{2 * (MOST_POLYNOMIALS - 1)}, got l_max = {self.l_max}, n_max = {self.n_max}."
            )
        if not 0 < self.radius < np.inf:
            raise HologramError(f"Expected a positive radius in Å, got {self.radius}.")
        if self.norm not in get_args(Norm):
            raise HologramError(f"Expected norm {' or '.join(map(repr, get_args(Norm)))}, got {self.norm!r}.")

    shells: ClassVar[bool] = False

    @property
    def polynomials(self) -> int:
        """How many of the shared family are needed."""
        return self.n_max // 2 + 1

    @property
    def width(self) -> int:
        """Number of functions R_nl Y_lm in all."""
        return sum(len(self.orders(degree)) * (2 * degree + 1) for degree in range(self.l_max + 1))

    def orders(self, degree: int) -> range:
        """The n of one degree: l, l + 2, ..., up to n_max."""
        return range(degree, self.n_max + 1, 2)

    def matrix(self, degree: int) -> NDArray[np.float64]:
        """``[K, J]``: R_nl = x^l times these combinations of the shared family."""
        return _matrix(self.n_max, degree)[:, : self.polynomials] * self.scales(degree)[:, None]

    def table(self) -> NDArray[np.float64]:
        """``[3, J]``: the recurrence p_{j+1} = (a_j z + b_j) p_j - c_j p_{j-1}."""
        return recurrence()[:, : self.polynomials]

    def scales(self, degree: int) -> NDArray[np.float64]:
        """``[K]``: what the norm multiplies the Jacobi polynomials with."""
        orders = np.array(self.orders(degree), dtype=np.float64)
        return np.sqrt(2 * orders + 3) * (self.shrinking(degree) if self.norm == "reference" else 1.0)

    def shrinking(self, degree: int) -> NDArray[np.float64]:
        """``[K]``: by what the reference functions are shorter than the orthonormal ones."""
        from scipy.special import binom

        n = np.array(self.orders(degree))
        k = (n - degree) // 2
        return binom((n + degree + 3) // 2 - 1, k) / binom((n + degree + 1) / 2, k)

    def values(self, degree: int, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """R_nl at distances ``[...]`` in Å: ``[..., K]``; zero outside the ball."""
        from scipy.special import eval_jacobi

        x = np.asarray(distances, dtype=np.float64)[..., None] / self.radius
        k = np.arange(len(self.orders(degree)))
        inside = np.where(x <= 1, x, 0.0)
        found = inside**degree * eval_jacobi(k, 0.0, degree + 0.5, 2 * inside**2 - 1) * self.scales(degree)
        return np.where(x <= 1, found, 0.0)


@cache
def recurrence() -> NDArray[np.float64]:
    """``[3, J]``: p_{j+1} = (a_j z + b_j) p_j - c_j p_{j-1} (NIST DLMF 18.9.2)."""
    j, beta = np.arange(MOST_POLYNOMIALS, dtype=np.float64), SHARED
    down = 2 * (j + 1) * (j + beta + 1) * (2 * j + beta)
    middle = 2 * j + beta + 1
    a = middle * (2 * j + beta + 2) * (2 * j + beta) / down
    b = -middle * beta**2 / down
    c = 2 * j * (j + beta) * (2 * j + beta + 2) / down
    return np.stack([a, b, c])


@cache
def _matrix(n_max: int, degree: int) -> NDArray[np.float64]:
    """``[K, J]``: P_k^(0, l + 1/2) in the shared family, by a quadrature that is exact for these polynomials."""
    from scipy.special import eval_jacobi, roots_jacobi

    nodes, weights = roots_jacobi(2 * MOST_POLYNOMIALS, 0.0, SHARED)
    j, k = np.arange(MOST_POLYNOMIALS), np.arange((n_max - degree) // 2 + 1)
    family = eval_jacobi(j[:, None], 0.0, SHARED, nodes)  # [J, nodes]
    wanted = eval_jacobi(k[:, None], 0.0, degree + 0.5, nodes)  # [K, nodes]
    found = (wanted * weights) @ family.T / ((family**2) @ weights)
    return np.where(j[None] <= k[:, None], found, 0.0)

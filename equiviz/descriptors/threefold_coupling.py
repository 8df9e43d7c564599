r"""The rotation-invariant product of three vectors of one degree, as in w_l.

    w(q) = sum over m1 + m2 + m3 = 0 of (l l l; m1 m2 m3) q_lm1 q_lm2 q_lm3

with complex q_lm and Wigner's 3j symbols. Here the q are components in the real basis, so the symbols are carried
over to it once: with q_l,m = sum_k U_mk q_k, the coupling is V_ijk = sum (l l l; m1 m2 m3) U_m1i U_m2j U_m3k, real
for even l. For odd l the symbols are antisymmetric, the product of three equal vectors is zero, and no sum is made.

Sources: Racah's formula for the 3j symbols (NIST DLMF 34.2.4), here in exact integers up to one square root;
Y_lm = (-1)^m (Y_c + i Y_s) / sqrt(2) for m > 0 and Y_l,-m = (-1)^m conj(Y_lm) (Condon-Shortley).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import torch
from torch import Tensor

#: Points per block, so that the [N, (2l+1)^2] products stay below 50 MB at l = 12 in float64.
POINTS_PER_BLOCK = 8192


def threefold_product(q: Tensor) -> Tensor:
    """Return w(q) [N] for real components q [N, 2l+1] (e3nn's order m = -l ... l), differentiable."""
    degree = (q.shape[-1] - 1) // 2
    if degree % 2:
        return q.new_zeros(len(q)) + 0 * q.sum(-1)
    coupling = coupling_matrix(degree).to(q)  # [(2l+1)^2, 2l+1]
    blocks = [_product_of_block(block, coupling) for block in q.split(POINTS_PER_BLOCK)]
    return torch.cat(blocks) if blocks else q.new_zeros(0)


def _product_of_block(q: Tensor, coupling: Tensor) -> Tensor:
    pairs = (q[:, :, None] * q[:, None, :]).flatten(1)  # [N, (2l+1)^2]
    return ((pairs @ coupling) * q).sum(-1)


@cache
def coupling_matrix(degree: int) -> Tensor:
    """Return V [(2l+1)^2, 2l+1] float64, the 3j symbols (l l l) in the real basis; totally symmetric for even l."""
    size = 2 * degree + 1
    symbols = torch.zeros(size, size, size, dtype=torch.complex128)
    for m1 in range(-degree, degree + 1):
        for m2 in range(max(-degree, -degree - m1), min(degree, degree - m1) + 1):
            symbols[m1 + degree, m2 + degree, -m1 - m2 + degree] = _wigner_3j(degree, m1, m2)
    basis = _real_to_complex(degree)
    coupling = torch.einsum("abc,ai,bj,ck->ijk", symbols, basis, basis, basis)
    return coupling.real.reshape(size * size, size).contiguous()


def _wigner_3j(degree: int, m1: int, m2: int) -> float:
    """Return (l l l; m1 m2 -m1-m2) by Racah's formula."""
    m3, f = -m1 - m2, math.factorial
    total = sum(
        Fraction((-1) ** s, f(s) * f(degree - s) * f(degree - m1 - s) * f(degree + m2 - s) * f(m1 + s) * f(s - m2))
        for s in range(max(0, -m1, m2), min(degree, degree - m1, degree + m2) + 1)
    )
    triangle = Fraction(f(degree) ** 3, f(3 * degree + 1))
    square = triangle * math.prod(f(degree + m) * f(degree - m) for m in (m1, m2, m3))
    return (-1) ** m3 * float(total) * math.sqrt(square)


def _real_to_complex(degree: int) -> Tensor:
    """Return U [2l+1, 2l+1]: complex components m = -l ... l from real ones in e3nn's order (sines, m = 0, cosines)."""
    basis = torch.zeros(2 * degree + 1, 2 * degree + 1, dtype=torch.complex128)
    basis[degree, degree] = 1
    for m in range(1, degree + 1):
        sign, cosine, sine = (-1) ** m, degree + m, degree - m
        basis[degree + m, cosine], basis[degree - m, cosine] = sign / math.sqrt(2), 1 / math.sqrt(2)
        # torch's stubs leave out complex numbers
        basis[degree + m, sine] = sign * 1j / math.sqrt(2)  # pyright: ignore[reportArgumentType]
        basis[degree - m, sine] = -1j / math.sqrt(2)  # pyright: ignore[reportArgumentType]
    return basis

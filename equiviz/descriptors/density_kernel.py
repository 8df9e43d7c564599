# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
r"""The density sum as compiled loops: harmonics of the asked degrees only, added up while they are in cache.

Kept apart so that numba is imported only when the kernel is needed; `compiled_density.py` is its caller.

Real harmonics about the polar axis y (e3nn's choice), for a unit vector (x, y, z), normalised to sum_m Y_lm^2 = 1:

    Y_l,+m = A_lm(y) Re (z + i x)^m,    Y_l,-m = A_lm(y) Im (z + i x)^m,    Y_l0 = A_l0(y)

    A_00 = 1,    A_mm = sqrt(2 / (2m)!) (2m - 1)!!
    A_lm = a_lm y A_{l-1,m} - b_lm A_{l-2,m}
    a_lm = (2l - 1) / sqrt(l^2 - m^2),    b_lm = sqrt(((l-1)^2 - m^2) / (l^2 - m^2))

(the associated Legendre recurrence in l, NIST DLMF 14.10.3, with the normalisation multiplied in). All inner loops
run over a block of bonds and stand in small functions of their own, so that the compiler does
several bonds per instruction (measured: about three times faster than the same loops written inside one function).

Shapes: E bonds, N points, C channels, L largest degree, M = sum of 2l+1 over the degrees asked, B bonds of one block.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Bonds per block: enough to fill the vector units, few enough that a block stays in cache (86 kB for l = 0 ... 12).
BLOCK = 64

#: Rounding may depend on the order of additions, but NaN and infinities keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def accumulate(vectors, receiver, weights, columns, recurrence, sums):
    """Add w_c Y_lm of each bond to its receiver.

    vectors [E, 3]; receiver [E] ascending; weights [E, C]; columns [L+1], where m = 0 of degree l goes, -1 if it is not
    asked; recurrence [3, L+1, L+1], A_mm on the diagonal of the first, a_lm, b_lm; sums [N, C, M], changed in place.
    """
    harmonics = np.empty((BLOCK, sums.shape[2]), vectors.dtype)  # [B, M]
    scratch = np.empty((7, BLOCK), vectors.dtype)
    for first in range(0, len(receiver), BLOCK):
        last = min(first + BLOCK, len(receiver))
        _harmonics(vectors[first:last], columns, recurrence, scratch, harmonics)
        for bond in range(first, last):
            for channel in range(sums.shape[1]):
                weight = weights[bond, channel]
                if weight != 0:  # most channels of another species are
                    _add_multiple(weight, harmonics[bond - first], sums[receiver[bond], channel])


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _add_multiple(factor, row, total):
    for column in range(len(row)):
        total[column] += factor * row[column]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _harmonics(vectors, columns, recurrence, scratch, harmonics):
    """Fill harmonics [B, M] for the vectors [size, 3] of one block; a zero vector has Y_00 = 1 and nothing else."""
    size = len(vectors)
    polar, across, along, cosine, sine = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    lower, current = scratch[5], scratch[6]
    _directions(vectors, polar, across, along)
    cosine[:], sine[:] = 1, 0
    for m in range(len(columns)):
        lower[:], current[:] = 0, recurrence[0, m, m]
        for degree in range(m, len(columns)):
            if degree > m:
                _next_degree(recurrence[1, degree, m], recurrence[2, degree, m], size, polar, lower, current)
            middle = columns[degree]
            if middle >= 0:
                _multiply(size, current, sine, harmonics[:, middle - m])
                _multiply(size, current, cosine, harmonics[:, middle + m])
        _next_power(size, along, across, cosine, sine)
    _erase_undirected(vectors, columns, harmonics)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _directions(vectors, polar, across, along):
    for bond in range(len(vectors)):
        x, y, z = vectors[bond, 0], vectors[bond, 1], vectors[bond, 2]
        square = x * x + y * y + z * z
        scale = 1 / np.sqrt(square) if square > 0 else 0 * square
        across[bond], polar[bond], along[bond] = x * scale, y * scale, z * scale


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _next_degree(a, b, size, polar, lower, current):
    for bond in range(size):
        upper = a * polar[bond] * current[bond] - b * lower[bond]
        lower[bond] = current[bond]
        current[bond] = upper


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _next_power(size, along, across, cosine, sine):
    """(z + i x)^m becomes (z + i x)^(m+1)."""
    for bond in range(size):
        real = cosine[bond] * along[bond] - sine[bond] * across[bond]
        sine[bond] = cosine[bond] * across[bond] + sine[bond] * along[bond]
        cosine[bond] = real


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _multiply(size, left, right, result):
    for bond in range(size):
        result[bond] = left[bond] * right[bond]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _erase_undirected(vectors, columns, harmonics):
    """A zero vector has no direction: only l = 0 remains (the recurrence leaves A_l0(0), not zero, for even l)."""
    for bond in range(len(vectors)):
        if vectors[bond, 0] == 0 and vectors[bond, 1] == 0 and vectors[bond, 2] == 0:
            for degree in range(1, len(columns)):
                if columns[degree] >= 0:
                    harmonics[bond, columns[degree]] = 0

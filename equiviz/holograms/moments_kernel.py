# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
r"""The moments of neighbourhoods, compiled: sums over atoms of S_lm(d) p_j(z), for each site and channel.

With d the place of an atom relative to the site, in units of the radius, and z = 2 d^2 - 1:

- S_lm, the real solid harmonics about the polar axis y (e3nn's order), the squares of one degree summing to d^2l:
  ``S_l,+m = A_lm(y, d^2) Re (z + i x)^m``, ``S_l,-m = A_lm Im (z + i x)^m``,
  ``A_lm = a_lm y A_{l-1,m} - b_lm d^2 A_{l-2,m}`` (the associated Legendre recurrence, NIST DLMF 14.10.3, made
  homogeneous);
- p_j, the shared family of Jacobi polynomials of `zernike.py`, by its three-term recurrence; or, of `shells.py`, the
  Gaussians of log d, with harmonics of the direction.

Atoms go in blocks of one channel, through loops that run along the block, so that the compiler does many at once; what
a block adds to its channel is then one small matrix product (BLAS, which plain loops are far from).

Shapes: S sites, A atoms, E neighbours of all sites, C channels, M = (L+1)^2, J polynomials, B atoms of one block.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Atoms per block: enough to fill the vector units, few enough that all of it stays in the first cache.
BLOCK = 64

#: Rounding may depend on the order of additions, but NaN and infinities keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def accumulate(points, centres, first, neighbours, weights, own, legendre, table, shells, sums):
    """Add all neighbours of all sites to their moments.

    points [A, 3] and centres [S, 3], float64, in units of the radius; first [S+1] and neighbours [E]: those of site s
    are neighbours[first[s]:first[s+1]], quickest where they are sorted by channel; weights [E]; own [A]: the channel of
    an atom, -1 for none; legendre [3, L+1, L+1]: `legendre_recurrence`; table [3, J]: the recurrence of the
    polynomials, or, of shells, the logarithms of their centres, their inverse widths, and the inverse end of the
    cutoff; shells: which of the two; sums [S, C, M, J], changed in place.
    """
    size, polynomials = sums.shape[2], sums.shape[3]
    place = np.empty((5, BLOCK), sums.dtype)  # x, y, z, d^2, 2 d^2 - 1; of shells the direction, 1, log d
    scratch = np.empty((4, BLOCK), sums.dtype)
    harmonics, radials = np.empty(size * BLOCK, sums.dtype), np.empty(polynomials * BLOCK, sums.dtype)
    added = np.empty((size, polynomials), sums.dtype)
    for site in range(len(centres)):
        start = first[site]
        while start < first[site + 1]:
            channel = own[neighbours[start]]
            stop = start + 1
            while stop < first[site + 1] and stop < start + BLOCK and own[neighbours[stop]] == channel:
                stop += 1
            if channel >= 0:
                count = stop - start
                solid = harmonics[: size * count].reshape(size, count)
                radial = radials[: polynomials * count].reshape(polynomials, count)
                _places(points, neighbours[start:stop], centres[site], shells, place)
                _solid(legendre, place, scratch, solid)
                _radial(table, shells, place[4], weights[start:stop], scratch, radial)
                _add_product(solid, radial, added, sums[site, channel])
            start = stop


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _places(points, members, centre, shells, place):
    for b in range(len(members)):
        x = points[members[b], 0] - centre[0]
        y = points[members[b], 1] - centre[1]
        z = points[members[b], 2] - centre[2]
        square = x * x + y * y + z * z  # in float64: 2 d^2 - 1 cancels
        if shells:
            scale = 1 / np.sqrt(square) if square > 0 else 0 * square
            place[0, b], place[1, b], place[2, b], place[3, b] = x * scale, y * scale, z * scale, square * scale * scale
            place[4, b] = 0.5 * np.log(max(square, 1e-12))
        else:
            place[0, b], place[1, b], place[2, b], place[3, b] = x, y, z, square
            place[4, b] = 2 * square - 1


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _solid(legendre, place, scratch, solid):
    """Fill solid [M, B]; degree l begins at row l^2, its m = 0 stands in row l^2 + l."""
    cosine, sine, lower, current = scratch[0], scratch[1], scratch[2], scratch[3]
    cosine[:], sine[:] = 1, 0
    degrees, size = legendre.shape[1], solid.shape[1]
    for m in range(degrees):
        lower[:], current[:] = 0, legendre[0, m, m]
        for degree in range(m, degrees):
            if degree > m:
                _next_degree(legendre[1, degree, m], legendre[2, degree, m], size, place, lower, current)
            middle = degree * degree + degree
            _multiply(size, current, sine, solid[middle - m])
            _multiply(size, current, cosine, solid[middle + m])
        _next_power(size, place, cosine, sine)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _next_degree(a, b, size, place, lower, current):
    for k in range(size):
        upper = a * place[1, k] * current[k] - b * place[3, k] * lower[k]
        lower[k] = current[k]
        current[k] = upper


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _next_power(size, place, cosine, sine):
    """(z + i x)^m becomes (z + i x)^(m+1)."""
    for k in range(size):
        real = cosine[k] * place[2, k] - sine[k] * place[0, k]
        sine[k] = cosine[k] * place[0, k] + sine[k] * place[2, k]
        cosine[k] = real


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _multiply(size, left, right, result):
    for k in range(size):
        result[k] = left[k] * right[k]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _radial(table, shells, depth, weights, scratch, radial):
    """Fill radial [J, B] with the radial functions times the weights of the atoms."""
    lower, current = scratch[0], scratch[1]
    size = radial.shape[1]
    if shells:
        _envelope(table[2, 0], size, depth, weights, current)
        for j in range(len(radial)):
            _shell(table[0, j], table[1, j], size, depth, current, radial[j])
    else:
        lower[:size], current[:size] = 0, weights
        for j in range(len(radial)):
            _copy(size, current, radial[j])
            _next_polynomial(table[0, j], table[1, j], table[2, j], size, depth, lower, current)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _envelope(inverse_end, size, depth, weights, result):
    """The weights times a half cosine that ends in zero."""
    for k in range(size):
        share = min(np.exp(depth[k]) * inverse_end, 1)
        result[k] = weights[k] * (0.5 + 0.5 * np.cos(np.pi * share))


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _shell(centre, inverse_width, size, depth, envelope, result):
    for k in range(size):
        away = (depth[k] - centre) * inverse_width
        result[k] = envelope[k] * np.exp(-away * away)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _next_polynomial(a, b, c, size, z, lower, current):
    for k in range(size):
        upper = (a * z[k] + b) * current[k] - c * lower[k]
        lower[k] = current[k]
        current[k] = upper


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _copy(size, values, result):
    for k in range(size):
        result[k] = values[k]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _add_product(solid, radial, added, total):
    """total [M, J] += solid [M, B] radial [J, B]^T."""
    np.dot(solid, radial.T, added)
    for row in range(len(total)):
        for column in range(total.shape[1]):
            total[row, column] += added[row, column]

# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
r"""Coefficients of neighbourhoods, compiled: for each site and channel the sums over atoms of S_lm(d) p_j(z), combined.

With d the place of an atom relative to the site, in units of the radius, and z = 2 d^2 - 1:

- S_lm, the real solid harmonics about the polar axis y (e3nn's order), the squares of one degree summing to d^2l:
  ``S_l,+m = A_lm(y, d^2) Re (z + i x)^m``, ``S_l,-m = A_lm Im (z + i x)^m``,
  ``A_lm = a_lm y A_{l-1,m} - b_lm d^2 A_{l-2,m}`` (the associated Legendre recurrence, NIST DLMF 14.10.3, made
  homogeneous);
- p_j, the shared family of Jacobi polynomials of `zernike.py`, by its three-term recurrence; or, of `shells.py`, the
  Gaussians of log d, with harmonics of the direction.

The atoms of a site are sorted by channel and go in blocks. Of `LANES` atoms at once the recurrences give S and p; the
block's part of a channel is then one small matrix product, whose sums stay in registers (`vectors.py`: LLVM finds
neither by itself). All of it stays in the first cache.

Shapes: S sites, A atoms, E neighbours of all sites, C channels, D of them dense, L the largest degree, J polynomials,
K rows of polynomials and of orders (J, filled up with zeros to a multiple of `ROWS`), B atoms of one block, M columns
of harmonics ((L+1)^2, and zeros so that a vector can begin at any degree).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from equiviz.holograms.vectors import (
    FASTMATH,
    LANES,
    ROWS,
    add_outer,
    load,
    load_tile,
    splat,
    store,
    store_rows,
    store_tile,
    transpose,
    zero_tile,
    zeros,
)

#: Atoms per block: the arrays of one block fit the first cache.
BLOCK = 64

QUICK: set[str] = set(FASTMATH)


@njit(cache=True, nogil=True)
def project_sites(points, centres, near, channels, owners, dense, functions, shells, matrices, orders, found):
    """Write the coefficients of all sites.

    points [A, 3] and centres [S, 3]: float64, in units of the radius.
    near: first [S+1], neighbours [E] and weights [E]; those of site s are neighbours[first[s]:first[s+1]].
    channels: how many; owners [A]: the one of each atom, -1 for none; dense: weights [A, D] of all atoms, and the
    channels [D] where they count.
    functions: legendre [3, L+1, L+1], see `legendre_recurrence`, and table [3, J]: the recurrence of the polynomials,
    or, of shells, the logarithms of their centres, their inverse widths, and the inverse end of the cutoff.
    matrices [L+1, K, K] and orders [L+1]: for each degree its combinations of the polynomials (a row for each of
    these, a column for each order), and how many.
    found: one site after the other, each by degree, channel, order and m; and K (2L+1) + LANES numbers left over.
    """
    (first, neighbours, weights), (heavy, places), (legendre, table) = near, dense, functions
    degrees, rows, columns = legendre.shape[1], matrices.shape[1], _columns(legendre.shape[1])
    longest = 0
    for site in range(len(centres)):
        longest = max(longest, first[site + 1] - first[site])
    ends, members = np.empty(channels + 2, np.int64), np.empty(longest, np.int64)
    place = np.empty((6, longest + LANES), found.dtype)
    upright, solid = np.zeros((columns, LANES), found.dtype), np.empty((BLOCK, columns), found.dtype)
    family = np.zeros(((rows + LANES - 1) // LANES * LANES, LANES), found.dtype)
    radial, scaled = np.empty((BLOCK, len(family)), found.dtype), np.empty((BLOCK, len(family)), found.dtype)
    moments = np.empty((channels, rows, columns), found.dtype)
    end = 0
    for site in range(len(centres)):
        here = slice(first[site], first[site + 1])
        _sort(neighbours[here], owners, ends)
        _gather(points, centres[site], neighbours[here], weights[here], owners, shells, ends, members, place)
        _clear(moments)
        total = ends[channels] if len(places) else ends[channels - 1]
        for start in range(0, total, BLOCK):
            stop = min(start + BLOCK, total)
            for b in range(start, stop, LANES):
                _solid(legendre, place, b, upright)
                for row in range(0, degrees * degrees, LANES):
                    transpose(upright, row, 0, solid, b - start, row)
                _radial(table, shells, place, b, family)
                for row in range(0, len(family), LANES):
                    transpose(family, row, 0, radial, b - start, row)
            _add_channels(radial, solid, ends, start, stop, degrees, moments)
            for d in range(len(places)):
                _scale(radial, heavy[:, d], members[start:stop], scaled)
                _add_product(scaled, solid, 0, stop - start, degrees, moments[places[d]])
        end = _combine(moments, matrices, orders, found, end)


@njit(cache=True, nogil=True)
def _columns(degrees):
    """M: whole vectors, also of one that begins at the last degree."""
    last = (degrees - 1) * (degrees - 1) + (2 * degrees - 1 + LANES - 1) // LANES * LANES
    return (last + LANES - 1) // LANES * LANES


@njit(cache=True, nogil=True)
def _sort(near, owners, ends):
    """Where the atoms of channel c begin, if sorted by channel: ends[c]; those of none come last."""
    ends[:] = 0
    for k in range(len(near)):
        ends[_owner(owners[np.uintp(near[k])], ends) + 1] += 1
    for c in range(len(ends) - 1):
        ends[c + 1] += ends[c]


@njit(cache=True, nogil=True)
def _owner(channel, ends):
    return channel if channel >= 0 else len(ends) - 2


@njit(cache=True, nogil=True, fastmath=QUICK)
def _gather(points, centre, near, weights, owners, shells, ends, members, place):
    """Fill place [6, atoms of one site], sorted by channel; those of channel c then end at ends[c].

    x, y, z, d^2, 2 d^2 - 1 and the weight; of shells the direction, 1, log d and the weight.
    """
    for k in range(len(near)):
        atom = np.uintp(near[k])  # numba asks of each signed index whether it counts from the end
        x, y, z = points[atom, 0] - centre[0], points[atom, 1] - centre[1], points[atom, 2] - centre[2]
        square = x * x + y * y + z * z  # in float64: 2 d^2 - 1 cancels
        depth = 2 * square - 1
        if shells:
            depth = 0.5 * np.log(max(square, 1e-12))
            scale = 1 / np.sqrt(square) if square > 0 else 0 * square
            x, y, z, square = x * scale, y * scale, z * scale, square * scale * scale
        owner = _owner(owners[atom], ends)
        at = np.uintp(ends[owner])
        ends[owner] += 1
        members[at], place[5, at] = atom, weights[k]
        place[0, at], place[1, at], place[2, at], place[3, at], place[4, at] = x, y, z, square, depth
    for at in range(len(near), len(near) + LANES):  # what the last vector reads too far
        place[:, at] = 0


@njit(cache=True, nogil=True)
def _solid(legendre, place, b, upright):
    """Fill upright [M, LANES]; degree l begins at row l^2, its m = 0 stands in row l^2 + l."""
    x, y, z, square = load(place, 0, b), load(place, 1, b), load(place, 2, b), load(place, 3, b)
    cosine, sine = splat(legendre[0, 0, 0]), zeros(place)  # of (z + i x)^m; the first number is 1
    for m in range(legendre.shape[1]):
        current, lower = splat(legendre[0, m, m]), zeros(place)
        for degree in range(m, legendre.shape[1]):
            if degree > m:
                upper = splat(legendre[1, degree, m]) * y * current - splat(legendre[2, degree, m]) * square * lower
                lower = current
                current = upper
            middle = degree * degree + degree
            store(upright, middle - m, 0, current * sine)
            store(upright, middle + m, 0, current * cosine)
        cosine, sine = cosine * z - sine * x, cosine * x + sine * z


@njit(cache=True, nogil=True)
def _radial(table, shells, place, b, family):
    """Fill family [J, LANES] with the radial functions times the weights of the atoms from b on."""
    if shells:
        _shells(table, place[4, b : b + LANES], place[5, b : b + LANES], family)
    else:
        z, current, lower = load(place, 4, b), load(place, 5, b), zeros(place)
        for j in range(table.shape[1]):
            store(family, j, 0, current)
            upper = (splat(table[0, j]) * z + splat(table[1, j])) * current - splat(table[2, j]) * lower
            lower = current
            current = upper


@njit(cache=True, nogil=True, fastmath=QUICK)
def _shells(table, depth, weights, family):
    for k in range(LANES):
        share = min(np.exp(depth[k]) * table[2, 0], 1)
        envelope = weights[k] * (0.5 + 0.5 * np.cos(np.pi * share))  # a half cosine that ends in zero
        for j in range(table.shape[1]):
            away = (depth[k] - table[0, j]) * table[1, j]
            family[j, k] = envelope * np.exp(-away * away)


@njit(cache=True, nogil=True)
def _clear(moments):
    for channel in range(len(moments)):
        total = moments[channel]
        for row in range(len(total)):
            for column in range(0, total.shape[1], LANES):
                store(total, row, column, zeros(total))


@njit(cache=True, nogil=True)
def _add_channels(radial, solid, ends, start, stop, degrees, moments):
    """Add a block of sorted atoms, from start to stop, to the channels that own them."""
    low = start
    for channel in range(len(moments)):
        high = min(ends[channel], stop)
        if low < high:
            _add_product(radial, solid, low - start, high - start, degrees, moments[channel])
            low = high


@njit(cache=True, nogil=True)
def _scale(radial, weights, members, scaled):
    for b in range(len(members)):
        for j in range(radial.shape[1]):
            scaled[b, j] = radial[b, j] * weights[members[b]]


@njit(cache=True, nogil=True)
def _add_product(radial, solid, low, high, degrees, total):
    """total [K, M] += the sum over b from low to high of radial [b, K] solid [b, M]."""
    for row in range(0, len(total), ROWS):
        for column in range(0, degrees * degrees, LANES):
            tile = load_tile(total, row, column)
            for b in range(low, high):
                tile = add_outer(tile, radial, b, row, load(solid, b, column))
            store_tile(total, row, column, tile)


@njit(cache=True, nogil=True)
def _combine(moments, matrices, orders, found, start):
    """Write the coefficients of one site from start on, and return where they end.

    A tile is wider than 2l + 1 and may have more rows than there are orders: what it writes beyond its own numbers is
    overwritten by what comes next. So rows are written upwards, and of several columns of tiles the last first.
    """
    for degree in range(len(matrices)):
        width, matrix = 2 * degree + 1, matrices[degree]
        for channel in range(len(moments)):
            total = moments[channel]
            for column in range(width // LANES * LANES, -1, -LANES):
                for row in range(0, len(matrix), ROWS):
                    tile = zero_tile(found)
                    for j in range(orders[degree]):
                        tile = add_outer(tile, matrix, j, row, load(total, j, degree * degree + column))
                    store_rows(found, start + row * width + column, width, tile)
            start += orders[degree] * width
    return start

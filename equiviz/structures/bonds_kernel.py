# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Compiled search for the bonds of a periodic structure by linked cells, written out sorted by receiver.

Kept apart so that numba is imported only when the kernel is needed; `bonds.py` is its caller.

Shapes: N points, E bonds, G bins along each lattice vector.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def bonds(fractions, cell, bins, cutoff, vectors, sender, receiver):
    """Write the bonds shorter than the cutoff, as far as the arrays reach, and return how many there are.

    fractions [N, 3] in [0, 1); cell [3, 3] rows are lattice vectors; bins [3], each at least 3 and at least a cutoff
    wide; vectors [capacity, 3], sender and receiver [capacity], changed in place.
    """
    where, first, members = _fill_bins(fractions, bins)
    points = _cartesian(fractions, cell)
    by_bin = points[members]  # [N, 3] those of one bin lie side by side in memory
    shifted = np.empty(3)
    reach = cutoff * cutoff
    found = 0
    for i in range(len(points)):
        for a in range(where[i, 0] - 1, where[i, 0] + 2):
            for b in range(where[i, 1] - 1, where[i, 1] + 2):
                for c in range(where[i, 2] - 1, where[i, 2] + 2):
                    key = _bin_and_origin(a, b, c, bins, cell, points[i], shifted)
                    for slot in range(first[key], first[key + 1]):
                        x = by_bin[slot, 0] - shifted[0]
                        y = by_bin[slot, 1] - shifted[1]
                        z = by_bin[slot, 2] - shifted[2]
                        if x * x + y * y + z * z < reach and members[slot] != i:
                            if found < len(sender):
                                vectors[found, 0], vectors[found, 1], vectors[found, 2] = x, y, z
                                sender[found], receiver[found] = members[slot], i
                            found += 1
    return found


@njit(cache=True, nogil=True)
def _fill_bins(fractions, bins):
    """Return the bin of each point [N, 3], and the points by bin: those of bin k are members[first[k]:first[k + 1]]."""
    where = np.empty(fractions.shape, np.int64)
    first = np.zeros(bins[0] * bins[1] * bins[2] + 1, np.int64)
    for i in range(len(fractions)):
        for d in range(3):
            where[i, d] = min(int(fractions[i, d] * bins[d]), bins[d] - 1)
        first[(where[i, 0] * bins[1] + where[i, 1]) * bins[2] + where[i, 2] + 1] += 1
    first = first.cumsum()
    filled = first.copy()
    members = np.empty(len(fractions), np.int64)
    for i in range(len(fractions)):
        key = (where[i, 0] * bins[1] + where[i, 1]) * bins[2] + where[i, 2]
        members[filled[key]] = i
        filled[key] += 1
    return where, first, members


@njit(cache=True, nogil=True)
def _cartesian(fractions, cell):
    points = np.empty(fractions.shape)
    for i in range(len(fractions)):
        for d in range(3):
            points[i, d] = fractions[i, 0] * cell[0, d] + fractions[i, 1] * cell[1, d] + fractions[i, 2] * cell[2, d]
    return points


@njit(cache=True, nogil=True)
def _bin_and_origin(a, b, c, bins, cell, point, shifted):
    """Wrap a bin that may be outside the cell: return its number, and write the point seen from there to shifted."""
    wraps_a, wraps_b, wraps_c = _wraps(a, bins[0]), _wraps(b, bins[1]), _wraps(c, bins[2])
    for d in range(3):
        shifted[d] = point[d] - (wraps_a * cell[0, d] + wraps_b * cell[1, d] + wraps_c * cell[2, d])
    return ((a - wraps_a * bins[0]) * bins[1] + b - wraps_b * bins[1]) * bins[2] + c - wraps_c * bins[2]


@njit(cache=True, nogil=True)
def _wraps(place, size):
    """Return floor(place / size) for -size <= place < 2 size, without an integer division for each bin visited."""
    if place < 0:
        return -1
    return 1 if place >= size else 0

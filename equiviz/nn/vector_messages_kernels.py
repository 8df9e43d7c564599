"""The compiled loops of `equiviz.nn.vector_messages`. Kept apart so that numba is imported only when one is needed.

Edges are sorted by receiver: those of node i are `first[i]:first[i + 1]`. Shapes as in `equiviz.nn.vector_messages`;
`ways` is [E, 4]: what scalars and carried vectors are multiplied with (1, or 0 in a change), and the direction.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def to_receivers(first: Integers, sender: Integers, told: Floats, filters: Floats, ways: Floats, out: Floats) -> None:
    """The messages [N, 4, C]; `out` is overwritten."""
    channels, carries = told.shape[2], told.shape[1] == 5
    for i in range(first.shape[0] - 1):
        out[i] = 0
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            plain, x, y, z = ways[e, 0], ways[e, 1], ways[e, 2], ways[e, 3]
            for c in range(channels):
                out[i, 0, c] += plain * told[j, 0, c] * filters[e, 0, c]
                along = told[j, 1, c] * filters[e, 1, c]
                out[i, 1, c] += along * x
                out[i, 2, c] += along * y
                out[i, 3, c] += along * z
            if carries:
                for c in range(channels):
                    carried = plain * filters[e, 2, c]
                    out[i, 1, c] += carried * told[j, 2, c]
                    out[i, 2, c] += carried * told[j, 3, c]
                    out[i, 3, c] += carried * told[j, 4, c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def to_senders(first: Integers, sender: Integers, got: Floats, filters: Floats, ways: Floats, out: Floats) -> None:
    """The derivative in what is told, [N, 5 or 2, C], added to `out`."""
    channels, carries = out.shape[2], out.shape[1] == 5
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            plain, x, y, z = ways[e, 0], ways[e, 1], ways[e, 2], ways[e, 3]
            for c in range(channels):
                out[j, 0, c] += plain * got[i, 0, c] * filters[e, 0, c]
                out[j, 1, c] += (got[i, 1, c] * x + got[i, 2, c] * y + got[i, 3, c] * z) * filters[e, 1, c]
            if carries:
                for c in range(channels):
                    carried = plain * filters[e, 2, c]
                    out[j, 2, c] += carried * got[i, 1, c]
                    out[j, 3, c] += carried * got[i, 2, c]
                    out[j, 4, c] += carried * got[i, 3, c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def to_filters(first: Integers, sender: Integers, got: Floats, told: Floats, ways: Floats, out: Floats) -> None:
    """The derivative in the filters, [E, 3 or 2, C]; `out` is overwritten."""
    channels, carries = told.shape[2], told.shape[1] == 5
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            plain, x, y, z = ways[e, 0], ways[e, 1], ways[e, 2], ways[e, 3]
            for c in range(channels):
                out[e, 0, c] = plain * got[i, 0, c] * told[j, 0, c]
                out[e, 1, c] = told[j, 1, c] * (got[i, 1, c] * x + got[i, 2, c] * y + got[i, 3, c] * z)
            if carries:
                for c in range(channels):
                    met = got[i, 1, c] * told[j, 2, c] + got[i, 2, c] * told[j, 3, c] + got[i, 3, c] * told[j, 4, c]
                    out[e, 2, c] = plain * met


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def to_directions(first: Integers, sender: Integers, got: Floats, told: Floats, filters: Floats, out: Floats) -> None:
    """The derivative in the directions, [E, 4]; that in the first column, a constant, is left zero."""
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            x = y = z = out[e, 0] * 0
            for c in range(told.shape[2]):
                along = told[j, 1, c] * filters[e, 1, c]
                x += along * got[i, 1, c]
                y += along * got[i, 2, c]
                z += along * got[i, 3, c]
            out[e, 1], out[e, 2], out[e, 3] = x, y, z

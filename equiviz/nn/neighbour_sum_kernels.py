"""The compiled loops of `equiviz.nn.neighbour_sum`. Kept apart so that numba is imported only when a kernel is needed.

Edges are sorted by receiver: those of node i are `first[i]:first[i + 1]`. N nodes, E edges, Q basis functions, C
channels.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def gather(first: Integers, sender: Integers, basis: Floats, features: Floats, out: Floats) -> None:
    """out[i, q, :] = sum of basis[e, q] * features[sender[e], :] over the edges e of i; `out` is overwritten."""
    channels = features.shape[1]
    for i in range(first.shape[0] - 1):
        for q in range(out.shape[1]):
            for c in range(channels):
                out[i, q, c] = 0
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            for q in range(out.shape[1]):
                weight = basis[e, q]
                for c in range(channels):
                    out[i, q, c] += weight * features[j, c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def scatter(first: Integers, sender: Integers, basis: Floats, upstream: Floats, out: Floats) -> None:
    """out[sender[e], :] += sum over q of basis[e, q] * upstream[i, q, :]: the transpose of `gather` in the features."""
    channels = out.shape[1]
    total = np.empty(channels, out.dtype)
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            total[:] = 0
            for q in range(upstream.shape[1]):
                weight = basis[e, q]
                for c in range(channels):
                    total[c] += weight * upstream[i, q, c]
            j = sender[e]
            for c in range(channels):
                out[j, c] += total[c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def correlate(first: Integers, sender: Integers, upstream: Floats, features: Floats, out: Floats) -> None:
    """out[e, q] = sum over c of upstream[i, q, c] * features[sender[e], c]: the transpose of `gather` in the basis."""
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            for q in range(upstream.shape[1]):
                total = out[e, q] * 0
                for c in range(features.shape[1]):
                    total += upstream[i, q, c] * features[j, c]
                out[e, q] = total


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def gather_unweighted(first: Integers, sender: Integers, features: Floats, out: Floats) -> None:
    """out[i, :] = features[i, :] + sum of features[sender[e], :] over the edges e of i; `out` is overwritten."""
    channels = features.shape[1]
    for i in range(first.shape[0] - 1):
        for c in range(channels):
            out[i, c] = features[i, c]
        for e in range(first[i], first[i + 1]):
            j = sender[e]
            for c in range(channels):
                out[i, c] += features[j, c]

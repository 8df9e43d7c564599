"""The compiled loops of `equiviz.nn.neighbour_density`. Kept apart so that numba is imported only when one is needed.

Edges are sorted by receiver: those of node i are `first[i]:first[i + 1]`. N nodes, E edges, Q harmonics, K radial
functions, C channels. Innermost loops run over all K C numbers of one harmonic, which stand side by side.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def gather(first: Integers, sender: Integers, harmonics: Floats, radial: Floats, features: Floats, out: Floats) -> None:
    """out[i, q, k, c] = sum of harmonics[e, q] radial[e, k] features[j, c] over the edges e of i; overwritten."""
    total, message = out.reshape(out.shape[0], out.shape[1], -1), np.empty(out.shape[2] * out.shape[3], out.dtype)
    for i in range(first.shape[0] - 1):
        total[i] = 0
        for e in range(first[i], first[i + 1]):
            _messages(radial[e], features[sender[e]], message)
            for q in range(total.shape[1]):
                weight = harmonics[e, q]
                for p in range(len(message)):
                    total[i, q, p] += weight * message[p]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def scatter(
    first: Integers, sender: Integers, harmonics: Floats, radial: Floats, upstream: Floats, out: Floats
) -> None:
    """out[j, c] += sum over q and k of harmonics[e, q] radial[e, k] upstream[i, q, k, c], over the edges e = j -> i."""
    flat, seen = upstream.reshape(upstream.shape[0], upstream.shape[1], -1), np.empty(upstream[0, 0].size, out.dtype)
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            _seen(harmonics[e], flat[i], seen)
            for k in range(radial.shape[1]):
                for c in range(out.shape[1]):
                    out[sender[e], c] += radial[e, k] * seen[k * out.shape[1] + c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def correlate_directions(
    first: Integers, sender: Integers, radial: Floats, features: Floats, upstream: Floats, out: Floats
) -> None:
    """out[e, q] = sum over k and c of radial[e, k] features[j, c] upstream[i, q, k, c]."""
    flat, message = upstream.reshape(upstream.shape[0], upstream.shape[1], -1), np.empty(upstream[0, 0].size, out.dtype)
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            _messages(radial[e], features[sender[e]], message)
            for q in range(flat.shape[1]):
                total = out[e, q] * 0
                for p in range(len(message)):
                    total += flat[i, q, p] * message[p]
                out[e, q] = total


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def correlate_distances(
    first: Integers, sender: Integers, harmonics: Floats, features: Floats, upstream: Floats, out: Floats
) -> None:
    """out[e, k] = sum over q and c of harmonics[e, q] features[j, c] upstream[i, q, k, c]."""
    channels = features.shape[1]
    flat, seen = upstream.reshape(upstream.shape[0], upstream.shape[1], -1), np.empty(upstream[0, 0].size, out.dtype)
    for i in range(first.shape[0] - 1):
        for e in range(first[i], first[i + 1]):
            _seen(harmonics[e], flat[i], seen)
            for k in range(out.shape[1]):
                out[e, k] = 0
                for c in range(channels):
                    out[e, k] += seen[k * channels + c] * features[sender[e], c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def _messages(radial: Floats, features: Floats, message: Floats) -> None:
    """message[k C + c] = radial[k] features[c]."""
    for k in range(len(radial)):
        for c in range(len(features)):
            message[k * len(features) + c] = radial[k] * features[c]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def _seen(harmonics: Floats, upstream: Floats, seen: Floats) -> None:
    """seen[p] = sum over q of harmonics[q] upstream[q, p]."""
    seen[:] = 0
    for q in range(len(harmonics)):
        for p in range(len(seen)):
            seen[p] += harmonics[q] * upstream[q, p]

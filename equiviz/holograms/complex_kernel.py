# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
r"""From real harmonics to complex ones, compiled: one pass that writes every number of the large arrays once.

For m > 0, Y_lm = (-1)^m (C_m + i S_m) / sqrt(2) and Y_l,-m = (C_m - i S_m) / sqrt(2), with the real harmonics C_m
(cosine, at +m) and S_m (sine, at -m); coefficients are of their conjugates.

Shapes: S sites, C channels, K orders of one degree, N = n_max + 1.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def spread(block, found):
    """Write found [S, C, N, 2l+1], complex: block [S, C, K, 2l+1], real, at n = l, l + 2, ..., and zeros elsewhere."""
    degree = np.uintp(block.shape[3] // 2)  # numba asks of each signed index whether it counts from the end
    for site in range(len(block)):
        for channel in range(block.shape[1]):
            rows, orders = found[site, channel], block[site, channel]
            rows[:degree] = 0
            for k in range(len(orders)):
                n = degree + np.uintp(2 * k)
                _complex(orders[k], degree, rows[n])
                if n + 1 < len(rows):
                    rows[n + 1] = 0


@njit(cache=True, nogil=True)
def _complex(real, degree, found):
    half = real.dtype.type(np.sqrt(0.5))
    found[degree] = real[degree]
    sign = half
    for m in range(np.uintp(1), degree + np.uintp(1)):
        sign = -sign
        cosine, sine = real[degree + m], real[degree - m]
        found[degree + m] = complex(sign * cosine, -sign * sine)
        found[degree - m] = complex(half * cosine, half * sine)

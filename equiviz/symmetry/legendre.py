"""The recurrence of associated Legendre functions that compiled sums of spherical harmonics run through.

    A_mm = sqrt((2 - delta_m0) / (2m)!) (2m - 1)!!
    A_lm = a_lm y A_{l-1,m} - b_lm A_{l-2,m},    a_lm = (2l - 1) / sqrt(l^2 - m^2),
                                                 b_lm = sqrt(((l-1)^2 - m^2) / (l^2 - m^2))

(NIST DLMF 14.10.3, with the normalisation sum_m Y_lm^2 = 1 multiplied in.)
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@cache
def legendre_recurrence(l_max: int) -> NDArray[np.float64]:
    """``[3, L+1, L+1]``, read only: A_mm on the diagonal of the first, then a_lm, then b_lm."""
    found = np.zeros((3, l_max + 1, l_max + 1))
    for m in range(l_max + 1):
        found[0, m, m] = math.sqrt((2 if m else 1) / math.factorial(2 * m)) * math.prod(range(1, 2 * m, 2))
        for degree in range(m + 1, l_max + 1):
            root = math.sqrt(degree**2 - m**2)
            found[1, degree, m] = (2 * degree - 1) / root
            found[2, degree, m] = math.sqrt((degree - 1) ** 2 - m**2) / root
    found.flags.writeable = False
    return found

"""The door to the compiled density sum: prepares its tables and arrays, and imports numba on first use only."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from equiviz.symmetry.legendre import legendre_recurrence

if TYPE_CHECKING:
    from equiviz.descriptors.neighbourhood import Neighbourhood

Tables: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.float64]]"


@cache
def can_compile() -> bool:
    """Whether numba is there: beside models of other packages it need not be."""
    return find_spec("numba") is not None


def compiled_density(around: Neighbourhood, weights: Tensor, degrees: tuple[int, ...]) -> Tensor:
    """Return [N, C, sum of 2l+1], equal to the torch evaluation up to rounding; carries no gradient.

    Args:
        around: N points, E bonds, on the CPU.
        weights: [E, C].
        degrees: the l asked, each once.
    """
    from equiviz.descriptors.density_kernel import accumulate

    vectors = around.vectors.detach().contiguous()
    columns, recurrence = _tables(degrees)
    width = sum(2 * degree + 1 for degree in degrees)
    sums = vectors.new_zeros(around.n_points, weights.shape[1], width)
    accumulate(
        vectors.numpy(),
        around.receiver.contiguous().numpy(),
        weights.detach().to(vectors.dtype).contiguous().numpy(),
        columns,
        recurrence.astype(vectors.numpy().dtype),
        sums.numpy(),
    )
    return sums


@cache
def _tables(degrees: tuple[int, ...]) -> Tables:
    """Return where m = 0 of each degree goes (-1: not asked), and the recurrence [3, L+1, L+1]: A_mm, a_lm, b_lm."""
    lmax = max(degrees)
    columns = np.full(lmax + 1, -1, dtype=np.int64)
    start = 0
    for degree in degrees:
        columns[degree] = start + degree
        start += 2 * degree + 1
    return columns, legendre_recurrence(lmax)

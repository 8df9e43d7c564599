"""The one scalar that three irreps of SO(3) make: Clebsch-Gordan coefficients of real harmonics, in float64.

For degrees that obey the triangle rule there is one tensor C, up to its scale, that no rotation changes:
``sum C_abc D1_aa' D2_bb' D3_cc' = C_a'b'c'``. It is proportional to Wigner's 3j symbols in the real basis, for even and
odd sums of degrees alike. It is found as what all three generators of rotations annihilate.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.wigner import wigner_generators

MOST_COMPONENTS = 2_200
"""Of three irreps multiplied: degrees up to 6, 6, 6."""


def obeys_triangle_rule(l1: int, l2: int, l3: int) -> bool:
    """Whether three degrees couple to a scalar."""
    return abs(l1 - l2) <= l3 <= l1 + l2


@functools.lru_cache(maxsize=128)
def scalar_coupling(l1: int, l2: int, l3: int) -> Tensor:
    """The tensor C ``[2 l1 + 1, 2 l2 + 1, 2 l3 + 1]`` float64, of unit Frobenius norm, that no rotation changes.

    Equal to ``e3nn.o3.wigner_3j`` up to the sign of the whole, which is such that the first entry that is not small is
    positive. Exchanging two of its axes, of equal degrees, gives it the factor (-1)^(l1 + l2 + l3). Treat it as
    read-only: it is shared.

    Raises:
        RepresentationError: degrees that do not couple, or whose product is too large to be diagonalised.
    """
    sizes = [2 * degree + 1 for degree in (l1, l2, l3)]
    if not obeys_triangle_rule(l1, l2, l3):
        raise RepresentationError(
            f"Degrees {l1}, {l2} and {l3} make no scalar: expected |l1 - l2| <= l3 <= l1 + l2, as in 1, 1, 2."
        )
    total = sizes[0] * sizes[1] * sizes[2]
    if total > MOST_COMPONENTS:
        raise RepresentationError(
            f"Degrees {l1}, {l2} and {l3} have {total:,} components together, of {MOST_COMPONENTS:,} at most."
        )
    casimir = -sum((turn @ turn for turn in _total_generators(l1, l2, l3)), torch.zeros(total, total).double())
    found = torch.linalg.eigh(casimir)[1][:, 0]  # eigenvalues J (J + 1): the scalar alone has 0
    first = found[(found.abs() > 0.5 * found.abs().max()).nonzero()[0, 0]]
    return (found * first.sign()).view(*sizes)


def _total_generators(l1: int, l2: int, l3: int) -> Tensor:
    """Generators on the product of three irreps, [3, D, D]."""
    ones = [torch.eye(2 * degree + 1, dtype=torch.float64) for degree in (l1, l2, l3)]
    turns = [wigner_generators(degree) for degree in (l1, l2, l3)]
    return torch.stack(
        [
            torch.kron(torch.kron(turns[0][k], ones[1]), ones[2])
            + torch.kron(torch.kron(ones[0], turns[1][k]), ones[2])
            + torch.kron(torch.kron(ones[0], ones[1]), turns[2][k])
            for k in range(3)
        ]
    )

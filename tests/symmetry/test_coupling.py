"""Is what three irreps couple to a scalar, and the textbook's?"""

from __future__ import annotations

from itertools import product

import pytest
import torch

from equiviz.symmetry.coupling import obeys_triangle_rule, scalar_coupling
from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.groups import haar_matrices
from equiviz.symmetry.wigner import wigner_d

TRIPLES = [triple for triple in product(range(4), repeat=3) if obeys_triangle_rule(*triple)]


@pytest.mark.parametrize("degrees", TRIPLES)
def test_no_rotation_changes_it(degrees: tuple[int, int, int]) -> None:
    coupling = scalar_coupling(*degrees)
    turn = haar_matrices(1, 3, "SO(3)")[0]
    turned = torch.einsum("abc,ax,by,cz->xyz", coupling, *(wigner_d(degree, turn) for degree in degrees))
    torch.testing.assert_close(turned, coupling, atol=1e-13, rtol=0)
    assert float(coupling.norm()) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("degrees", TRIPLES)
def test_vs_e3nn(degrees: tuple[int, int, int]) -> None:
    from e3nn import o3

    theirs, ours = o3.wigner_3j(*degrees, dtype=torch.float64), scalar_coupling(*degrees)
    sign = float((theirs * ours).sum().sign())
    torch.testing.assert_close(ours * sign, theirs, atol=1e-6, rtol=0)  # e3nn's own are kept in float32


def test_three_vectors_make_their_triple_product() -> None:
    # The Levi-Civita tensor over sqrt(6), up to sign.
    coupling = scalar_coupling(1, 1, 1)
    levi = torch.zeros(3, 3, 3, dtype=torch.float64)
    for a, b, c, sign in [(0, 1, 2, 1), (1, 2, 0, 1), (2, 0, 1, 1), (0, 2, 1, -1), (2, 1, 0, -1), (1, 0, 2, -1)]:
        levi[a, b, c] = sign / 6**0.5
    torch.testing.assert_close(coupling, levi, atol=1e-14, rtol=0)


def test_exchange_gives_the_sign_of_the_sum() -> None:
    for degrees in [(2, 2, 1), (2, 2, 3), (2, 2, 2), (3, 3, 4)]:
        coupling = scalar_coupling(*degrees)
        torch.testing.assert_close(coupling.transpose(0, 1), (-1) ** sum(degrees) * coupling, atol=1e-13, rtol=0)


def test_what_makes_no_scalar_is_refused() -> None:
    with pytest.raises(RepresentationError, match="Degrees 0, 1 and 2 make no scalar"):
        scalar_coupling(0, 1, 2)
    with pytest.raises(RepresentationError, match="2,925 components together"):
        scalar_coupling(6, 7, 7)

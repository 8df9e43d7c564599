"""Are the derivatives of the compiled neighbour sums right, forward, backward, and one through the other?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from equiviz.nn.neighbour_density import neighbour_density
from equiviz.nn.neighbour_sum import SortedEdges, neighbour_mean, neighbour_sum

NODES = 7
# torch compiles its own derivative formulas at the first dual number, and warns that its compiler is old.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")


def edges() -> SortedEdges:
    """Every second pair of seven nodes, from both ends."""
    pairs = torch.combinations(torch.arange(NODES))[::2]
    both = torch.cat([pairs, pairs.flip(1)])
    order = both[:, 1].argsort(stable=True)
    return SortedEdges.from_index(both[order, 0], both[order, 1], NODES)


def random(*shape: int, seed: int = 0) -> Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.requires_grad_()


def test_the_sum() -> None:
    known = edges()
    arguments = random(len(known.sender), 3), random(NODES, 2, seed=1)
    assert gradcheck(lambda b, f: neighbour_sum(b, f, known), arguments, check_forward_ad=True)
    assert gradgradcheck(lambda b, f: neighbour_sum(b, f, known), arguments, check_fwd_over_rev=True)


def test_the_mean() -> None:
    known, features = edges(), random(NODES, 2)
    assert gradcheck(lambda f: neighbour_mean(f, known), (features,), check_forward_ad=True)
    assert gradgradcheck(lambda f: neighbour_mean(f, known), (features,), check_fwd_over_rev=True)


def test_the_density() -> None:
    """All four derivatives, of which each is again differentiated in the three other factors."""
    known = edges()
    arguments = random(len(known.sender), 4), random(len(known.sender), 3, seed=1), random(NODES, 2, seed=2)
    assert gradcheck(lambda h, r, f: neighbour_density(h, r, f, known), arguments, check_forward_ad=True)
    assert gradgradcheck(lambda h, r, f: neighbour_density(h, r, f, known), arguments, check_fwd_over_rev=True)


def test_compiled_and_plain_densities_agree() -> None:
    """Also in their gradients. Tolerance: sums of a dozen terms of size one in another order."""
    known = edges()
    arguments = random(len(known.sender), 4), random(len(known.sender), 3, seed=1), random(NODES, 2, seed=2)
    found, expected = (neighbour_density(*arguments, known, compiled) for compiled in (True, False))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    slopes = [torch.autograd.grad(density.sin().sum(), arguments) for density in (found, expected)]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-12)


@pytest.mark.parametrize("moved", [(True, False), (False, True), (True, True)])
def test_compiled_and_plain_tangents_agree(moved: tuple[bool, bool]) -> None:
    """Also where only one factor moves. Tolerance: sums of a dozen terms of size one in another order."""
    known = edges()
    values = random(len(known.sender), 3).detach(), random(NODES, 2, seed=1).detach()
    with forward_ad.dual_level():
        basis, features = (
            forward_ad.make_dual(v, v.cos()) if moves else v for v, moves in zip(values, moved, strict=True)
        )
        sums = [neighbour_sum(basis, features, known, compiled) for compiled in (True, False)]
        found, expected = (forward_ad.unpack_dual(total).tangent for total in sums)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)

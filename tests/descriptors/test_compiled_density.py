"""The compiled density: equal to torch?"""

from __future__ import annotations

import pytest
import torch
from lattices import random_mixture

from equiviz.descriptors import Neighbourhood
from equiviz.descriptors.density import density


@pytest.mark.parametrize("degrees", [(0,), (4, 6), (6, 1, 3), tuple(range(13))])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_density_vs_torch(degrees, dtype):
    around = Neighbourhood.within(random_mixture(100, seed=41).to(dtype), 1.5)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(len(around.sender), 3, generator=generator, dtype=torch.float64).to(dtype)
    fast, plain = (density(around, weights, degrees, compiled=flag) for flag in (True, False))
    # rounding of sums of ~17 terms of size ~1: a few dozen units in the last place
    tolerance = 100 * torch.finfo(dtype).eps
    for degree in degrees:
        torch.testing.assert_close(fast[degree], plain[degree], atol=tolerance, rtol=0)


def test_zero_vector_has_only_degree_zero():
    around = Neighbourhood(
        torch.zeros(1, 3, dtype=torch.float64), torch.tensor([0]), torch.tensor([1]), torch.tensor([1, 1])
    )
    for compiled in (True, False):
        found = density(around, torch.ones(1, 1, dtype=torch.float64), (0, 2, 4), compiled=compiled)
        assert found[0].flatten().tolist() == [0, 1]
        assert (found[2] == 0).all()
        assert (found[4] == 0).all()

"""Do codes of one shape, turned at random, point alike again?"""

from __future__ import annotations

import pytest
import torch

from equiviz.explain.dictionary.alignment import aligning, turn_up
from equiviz.symmetry.groups import haar_matrices
from equiviz.symmetry.irreps import Irrep
from equiviz.symmetry.wigner import wigner_d


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_turned_copies_are_brought_together(degree: int) -> None:
    generator = torch.Generator().manual_seed(degree)
    code = torch.randn(2 * degree + 1, generator=generator, dtype=torch.float64)
    turns = haar_matrices(20, 3, "SO(3)")
    codes = torch.einsum("gij,j->gi", wigner_d(degree, turns), code)
    aligned = (wigner_d(degree, aligning(codes, Irrep(degree, 1))) @ codes[:, :, None])[:, :, 0]
    spread = (aligned - aligned[0]).norm(dim=1) / code.norm()
    assert float(spread.max()) < 1e-6
    assert float((codes - codes[0]).norm(dim=1).max() / code.norm()) > 0.5  # the control: before


def test_vectors_point_up() -> None:
    for vector in ([0.0, 0.0, -2.0], [1.0, 2.0, 3.0], [0.0, 0.0, 1.0]):
        up = turn_up(torch.tensor(vector, dtype=torch.float64)) @ torch.tensor(vector, dtype=torch.float64)
        assert up[:2].abs().max() < 1e-12
        assert up[2] > 0


def test_scalars_are_not_turned() -> None:
    assert torch.equal(aligning(torch.randn(3, 1), Irrep(0, 1)), torch.eye(3, dtype=torch.float64).expand(3, 3, 3))

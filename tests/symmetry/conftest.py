"""What the kernel's tests share: both default dtypes, and the rotations that break Euler angles."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from equiviz.symmetry import O3, haar_matrices, rotations


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def default_dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """Run the test under both default dtypes, and restore the old one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


@pytest.fixture(scope="session")
def hard_rotations() -> dict[str, Tensor]:
    """Named batches ``[n, 3, 3]``: random, and everything that is singular for Euler angles, axes or quaternions."""
    poles = [0.0, 1e-300, 1e-17, 1e-12, 1e-8, 1e-6, 1e-4, 1e-3]
    angles = [(0.3, 1.2), (2.5, -0.4), (0.0, 0.0), (-math.pi, 3.0)]
    batch = torch.tensor([(a, b, c) for b in poles for a, c in angles], dtype=torch.float64)
    alpha, beta, gamma = batch.unbind(-1)
    axes = torch.randn(20, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return {
        "random": haar_matrices(200, seed=1, group="SO(3)"),
        "near the pole": rotations.from_euler(alpha, beta, gamma),
        "near the other pole": rotations.from_euler(alpha, math.pi - beta, gamma),
        "identity": torch.eye(3, dtype=torch.float64)[None],
        "half-turns": torch.stack([O3.rotation(axis, math.pi).matrix for axis in [*torch.eye(3).double(), *axes]]),
        "axis swaps": torch.stack([torch.eye(3, dtype=torch.float64)[[1, 2, 0]], torch.eye(3).double()[[2, 0, 1]]]),
        "tiny": torch.stack([O3.rotation(axis, 1e-9).matrix for axis in axes]),
    }

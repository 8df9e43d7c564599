"""Turning environments so that the codes of one atom point alike: then their neighbours can be compared.

Shapes: n environments, d = 2l+1, G rotations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.symmetry.groups import O3, haar_matrices
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.irreps import Irrep
from equiviz.symmetry.rotations import from_quaternions
from equiviz.symmetry.wigner import wigner_d, wigner_generators

TRIED = 2000
"""Rotations that are tried for the largest overlap, before the best is refined."""
CLIMBED, STEPS, LONGEST = 40, 12, 0.3
"""The best of them from which the top is climbed, in so many steps of at most so many radians."""
UP = (0.0, 0.0, 1.0)


def aligning(codes: Tensor, irrep: Irrep) -> Tensor:
    """Rotations [n, 3, 3] after which the codes [n, 2l+1] of one irrep point alike.

    Degree 0 has no direction: nothing is turned. Vectors are turned to point up. Of higher degrees the first code is
    turned so that its function on the sphere is largest upwards; the others are turned for the largest overlap with it.
    """
    codes = codes.double()
    if irrep.l == 0:
        return torch.eye(3, dtype=torch.float64).expand(len(codes), 3, 3).clone()
    if irrep.l == 1:
        return torch.stack([turn_up(code) for code in codes])
    first = turn_up(_largest(codes[0], irrep.l))
    reference = wigner_d(irrep.l, first) @ codes[0]
    return _overlapping(codes, reference / reference.norm().clamp(min=1e-300), irrep.l)


def turn_up(vector: Tensor) -> Tensor:
    """The shortest rotation [3, 3] that takes a vector to the z axis; none for zero."""
    length = float(vector.norm())
    up = torch.tensor(UP, dtype=torch.float64)
    if length == 0:
        return torch.eye(3, dtype=torch.float64)
    unit = vector / length
    real = 1 + float(unit @ up)
    if real < 1e-12:  # it points down
        return torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
    return from_quaternions(torch.cat([torch.tensor([real], dtype=torch.float64), torch.linalg.cross(unit, up)]))


def _largest(code: Tensor, degree: int) -> Tensor:
    """The direction in which the function of a code is largest."""
    count = 4000
    k = torch.arange(count, dtype=torch.float64)
    height, turn = 1 - (2 * k + 1) / count, k * math.pi * (3 - math.sqrt(5))  # a spiral of equal areas
    ring = (1 - height.square()).sqrt()
    directions = torch.stack([ring * turn.cos(), ring * turn.sin(), height], 1)
    return directions[int((spherical_harmonics(degree, directions)[:, degree**2 :] @ code).abs().argmax())]


def _overlapping(codes: Tensor, reference: Tensor, degree: int) -> Tensor:
    """The best of many rotations, and of those the best after climbing to the top by Newton's method."""
    tried = haar_matrices(TRIED, 0, "SO(3)")
    overlap = torch.einsum("i,gij,nj->ng", reference, wigner_d(degree, tried), codes)
    turns = tried[overlap.topk(CLIMBED, 1).indices]  # [n, CLIMBED, 3, 3]
    for _ in range(STEPS):
        turned = (wigner_d(degree, turns) @ codes[:, None, :, None])[..., 0]  # [n, CLIMBED, d]
        turns = torch.linalg.matrix_exp(_skew(_step(turned, reference, degree))) @ turns
    reached = (wigner_d(degree, turns) @ codes[:, None, :, None])[..., 0] @ reference  # [n, CLIMBED]
    return turns[torch.arange(len(turns)), reached.argmax(1)]


def _step(turned: Tensor, reference: Tensor, degree: int) -> Tensor:
    """Rotation vectors [n, CLIMBED, 3] uphill: Newton's, with the curvature made negative where it is not."""
    generators = wigner_generators(degree)  # [3, d, d]
    first = torch.einsum("i,aij,ncj->nca", reference, generators, turned)
    second = torch.einsum("i,aij,bjk,nck->ncab", reference, generators, generators, turned)
    second = (second + second.mT) / 2
    values, axes = torch.linalg.eigh(second)
    floor = 1e-3 * values.abs().amax(-1, keepdim=True).clamp(min=1e-12)
    step = (axes @ ((axes.mT @ first[..., None])[..., 0] / values.abs().maximum(floor))[..., None])[..., 0]
    return step * (LONGEST / step.norm(dim=-1, keepdim=True).clamp(min=LONGEST))


def _skew(vectors: Tensor) -> Tensor:
    """Matrices [..., 3, 3] of the vector product with rotation vectors [..., 3]."""
    return torch.einsum("...a,aij->...ij", vectors, O3.generators())

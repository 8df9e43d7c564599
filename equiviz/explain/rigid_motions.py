"""Motions of a structure as a whole: what no explanation should be made of."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.structures.structure import Structure


def rigid_basis(structure: Structure) -> Tensor:
    """Orthonormal displacements ``[K, 3 N]`` of translations, and of rotations where nothing is periodic.

    K is 6; 5 for points on a line; 3 for one point, or in a cell.
    """
    points = structure.positions.detach().double().cpu()
    centred = points - points.mean(0)
    axes = torch.eye(3, dtype=torch.float64)
    motions = [axis.expand_as(points) for axis in axes]
    if not any(structure.pbc):
        motions += [torch.linalg.cross(axis.expand_as(centred), centred) for axis in axes]
    stacked = torch.stack([motion.flatten() for motion in motions])  # [3 or 6, 3 N]
    sizes, basis = torch.linalg.svd(stacked, full_matrices=False)[1:]
    return basis[sizes > 1e-9 * sizes.max()]


def best_rotation(moved: Tensor, points: Tensor) -> Tensor:
    """The rotation R ``[3, 3]`` that brings rows ``moved @ R`` nearest to points ``[N, 3]``, in least squares.

    Kabsch, Acta Cryst. A32, 922 (1976).
    """
    left, _, right = torch.linalg.svd(moved.mT @ points)
    flip = torch.ones(3, dtype=left.dtype)
    flip[2] = torch.linalg.det(left @ right).sign()
    return (left * flip) @ right

"""Motions of a structure as a whole: what no explanation should be made of."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.structures.structure import Structure


def rigid_basis(structure: Structure, turning: bool = True) -> Tensor:
    """Orthonormal displacements ``[K, 3 N]`` of translations, and of rotations that leave the periods as they are.

    K is 6; 5 for points on a line; 4 with one period, about which everything may turn; 3 for one point, or with more
    periods, or with one along which all points lie; and without `turning`.
    """
    points = structure.positions.detach().double().cpu()
    centred = points - points.mean(0)
    axes = torch.eye(3, dtype=torch.float64)
    motions = [axis.expand_as(points) for axis in axes]
    motions += [
        torch.linalg.cross(axis.expand_as(centred), centred) for axis in _axes_of_turning(structure)[: 3 * turning]
    ]
    stacked = torch.stack([motion.flatten() for motion in motions])  # [3, 4 or 6, 3 N]
    sizes, basis = torch.linalg.svd(stacked, full_matrices=False)[1:]
    return basis[sizes > 1e-9 * sizes.max()]


def _axes_of_turning(structure: Structure) -> Tensor:
    """Axes [A, 3] about which a turn changes no period."""
    if structure.cell is None or not any(structure.pbc):
        return torch.eye(3, dtype=torch.float64)
    lattice = structure.cell.detach().double().cpu()[list(structure.pbc)]  # [periods, 3]
    return lattice / lattice.norm() if len(lattice) == 1 else lattice[:0]


def carries_directions(structure: Structure) -> bool:
    """Whether something on the structure turns with it (velocities), so that positions alone must not."""
    return any(not b.invariant for f in (*structure.node.values(), *structure.graph.values()) for b in f.blocks)


def best_rotation(moved: Tensor, points: Tensor) -> Tensor:
    """The rotation R ``[3, 3]`` that brings rows ``moved @ R`` nearest to points ``[N, 3]``, in least squares.

    Kabsch, Acta Cryst. A32, 922 (1976).
    """
    left, _, right = torch.linalg.svd(moved.mT @ points)
    flip = torch.ones(3, dtype=left.dtype)
    flip[2] = torch.linalg.det(left @ right).sign()
    return (left * flip) @ right

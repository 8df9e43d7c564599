"""Which element of O(3), and which shift, lays one structure upon another?

Least squares over rotations: W. Kabsch, Acta Cryst. A32, 922 (1976), doi:10.1107/S0567739476001873. The best improper
element is the inversion and then the best rotation. Lattice vectors are further arrows that are to agree; without them
the points of a small cell would fix no rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.rigid_motions import best_rotation
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, Translation

# A reflection counts only where it fits clearly better: flat structures fit both ways.
_CLEARLY = 0.99
# Residuals below this many rounding errors of the largest coordinate are no reason to turn at all.
_ROUNDING = 64


@dataclass(frozen=True, eq=False)
class Superposition:
    """How source is laid upon target: ``x -> element x + shift``.

    Attributes:
        element: rotation, or reflection.
        shift: after it, in the length unit of the structures.
        rmsd: root mean square distance of the points that is left, in that unit; lattice vectors do not count.
    """

    element: O3
    shift: Translation
    rmsd: float

    def apply(self, field: Field) -> Field:
        """A field of the source, as it is in the target's frame."""
        return field.transform(self.element).transform(self.shift)


def superposed(
    source: Tensor, target: Tensor, mirrors: bool, lattices: tuple[Tensor, Tensor] | None = None
) -> Superposition:
    """The best superposition of points ``[N, 3]`` upon as many others, in their order; no periodic images.

    Where several elements fit as well as each other, to rounding, the identity is taken if it is one of them; else a
    rotation before a reflection.

    Args:
        source, target: positions.
        mirrors: whether reflections are allowed, as for models that claim O(3).
        lattices: lattice vectors of both ``[V, 3]``, in one order. Each counts as much as all points together: each
            point has an image there.
    """
    p, q = source.detach().cpu().double(), target.detach().cpu().double()
    if not len(p):
        return Superposition(O3.identity(), Translation.identity(), 0.0)
    centre_p, centre_q = p.mean(0), q.mean(0)
    arrows_p, arrows_q = p - centre_p, q - centre_q  # [N + V, 3]
    if lattices is not None:
        rows = [len(p) ** 0.5 * vectors.detach().cpu().double() for vectors in lattices]
        arrows_p, arrows_q = torch.cat([arrows_p, rows[0]]), torch.cat([arrows_q, rows[1]])
    eps = max(torch.finfo(points.dtype).eps for points in (source, target))
    floor = _ROUNDING * eps * float(torch.cat([p, q, arrows_p, arrows_q]).abs().max())
    matrix = _best(arrows_p, arrows_q, mirrors, floor)
    rmsd = _residual(matrix, p - centre_p, q - centre_q)
    return Superposition(O3(matrix), Translation(centre_q - matrix @ centre_p), rmsd)


def _best(p: Tensor, q: Tensor, mirrors: bool, floor: float) -> Tensor:
    """The orthogonal matrix ``[3, 3]`` that brings arrows ``[n, 3]`` nearest to others, as columns."""
    best = best_rotation(p, q).mT
    mirrored = -best_rotation(-p, q).mT
    if mirrors and _residual(mirrored, p, q) < _CLEARLY * _residual(best, p, q) - floor:
        best = mirrored
    identity = torch.eye(3, dtype=torch.float64)
    return identity if _residual(identity, p, q) <= _residual(best, p, q) + floor else best


def _residual(matrix: Tensor, p: Tensor, q: Tensor) -> float:
    """Root mean square distance that is left."""
    return float((p @ matrix.mT - q).square().sum(1).mean().sqrt())


def unaligned(source: Tensor, target: Tensor) -> Superposition:
    """No element and no shift: the distances as they are."""
    distance = (source - target).detach().cpu().double().square().sum(1).mean().sqrt() if len(source) else 0.0
    return Superposition(O3.identity(), Translation.identity(), float(distance))

"""Which irreps of O(3) can carry what a symmetric input cannot give?

What is missing, m, spans with its images under the group G of the input a space W. An order parameter in the irrep V
reaches, at first order, what the G-equivariant linear maps from V to W reach; and what such maps make of m are the
directions that the gradient of a loss with respect to the order parameter can have, whatever the network
(Smidt, Geiger, Miller, Phys. Rev. Research 3, L012002 (2021), equations 2 to 4, without the network).

Shapes: G elements, r dimension of W, d = 2l+1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.symmetry_breaking.own_symmetry import OwnSymmetry
from equiviz.symmetry.field import Field
from equiviz.symmetry.irreps import Irrep, Irreps
from equiviz.symmetry.wigner import irreps_matrices

RANK = 1e-2
"""Singular values below this share of the largest come from coordinates that are symmetric only within tolerance."""
MAPS = 8
"""Random equivariant maps: no irrep of a point group has more than five components, so that these span all."""
WHOLE = 0.999


@dataclass(frozen=True, eq=False)
class Carrier:
    """One irrep as an order parameter.

    Attributes:
        irrep: which.
        share: of the squares of what is missing, how much it reaches at first order: 0 to 1.
        directions: [K, 2l+1] orthonormal: where its gradient can point; K = 0 where it reaches nothing.
    """

    irrep: Irrep
    share: float
    directions: Tensor


def carriers(
    symmetry: OwnSymmetry, missing: Field, lmax: int, proper: bool = False
) -> tuple[list[Carrier], list[Irrep]]:
    """Every irrep up to a degree with its share of what is missing, and the lowest that together reach all of it.

    Args:
        symmetry: of the input.
        missing: the part of the target that is not symmetric, on nodes or on the graph; not zero.
        lmax: highest degree.
        proper: parity does not matter: only irreps of natural parity are told.
    """
    space = _Space.of(symmetry, missing)
    found: list[Carrier] = []
    chosen: list[Irrep] = []
    covered = 0.0
    for irrep in _irreps(lmax, proper):
        found.append(Carrier(irrep, space.share([irrep]), space.directions(irrep)))
        together = covered if covered >= WHOLE else space.share([*chosen, irrep])
        if together > covered + 1 - WHOLE:
            chosen, covered = [*chosen, irrep], together
    return found, chosen


def _irreps(lmax: int, proper: bool) -> list[Irrep]:
    degrees = range(lmax + 1)
    return [Irrep(l, p) for l in degrees for p in (((-1) ** l,) if proper else (1, -1))]  # noqa: E741 - the field's own


@dataclass(frozen=True, eq=False)
class _Space:
    """What is missing, and its images.

    Attributes:
        matrices: [G, 3, 3] of the input's group.
        weights: [G].
        action: [G, r, r], of the group on W in an orthonormal basis.
        unit: [r], what is missing, at unit norm.
    """

    matrices: Tensor
    weights: Tensor
    action: Tensor
    unit: Tensor

    @classmethod
    def of(cls, symmetry: OwnSymmetry, missing: Field) -> _Space:
        orbit = torch.stack([symmetry.moved(missing, g).flatten() for g in range(len(symmetry))])  # [G, n d]
        _, sizes, right = torch.linalg.svd(orbit, full_matrices=False)
        basis = right[sizes > RANK * sizes[0]]  # [r, n d]
        shape = (len(basis), *missing.values.shape)
        several = missing.with_values(basis.reshape(shape).movedim(0, -2))  # [n, r, d]
        action = [basis @ symmetry.moved(several, g).movedim(-2, 0).flatten(1).T for g in range(len(symmetry))]
        inside = basis @ missing.values.detach().cpu().double().flatten()
        return cls(symmetry.matrices, symmetry.weights, torch.stack(action), inside / inside.norm())

    def maps(self, irrep: Irrep) -> Tensor:
        """Random equivariant maps from the irrep to W, [MAPS, r, d]; zero where there are none."""
        turns = irreps_matrices(Irreps([(1, irrep)]), self.matrices)  # [G, d, d]
        generator = torch.Generator().manual_seed(0)
        shape = (MAPS, len(self.unit), irrep.dim)
        start = torch.randn(shape, generator=generator, dtype=torch.float64)
        return torch.einsum("g,gab,kbi,gji->kaj", self.weights, self.action, start, turns)

    def share(self, irreps: Sequence[Irrep]) -> float:
        """Of the squares of what is missing, the part that these irreps reach at first order: 0 to 1."""
        columns = torch.cat([self.maps(irrep).movedim(0, 1).flatten(1) for irrep in irreps], 1)  # [r, MAPS d ...]
        reached = _basis(columns, len(self.unit))  # [r, R]
        return min(1.0, float((reached.T @ self.unit).square().sum()))

    def directions(self, irrep: Irrep) -> Tensor:
        """Orthonormal rows [K, d]: what equivariant maps back from W make of what is missing."""
        images = torch.einsum("kad,a->dk", self.maps(irrep), self.unit)  # [d, MAPS]
        return _basis(images, len(self.unit)).T


def _basis(columns: Tensor, scale: int) -> Tensor:
    """Orthonormal columns of the same span, without what is rounding: maps are sums of numbers of size one."""
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    kept = sizes > max(RANK * float(sizes.max()), RANK / max(1, scale))
    return left[:, kept]

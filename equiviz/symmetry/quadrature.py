"""Quadratures on SO(3) and O(3), exact for functions up to a stated band limit.

Nodes are ``R_y(alpha) R_x(beta) R_y(psi)``: the image of the polar axis runs over a Lebedev rule on the sphere (Lebedev
and Laikov, Dokl. Math. 59, 477 (1999)), the in-plane angle psi over L + 1 equidistant values, which integrate
``exp(i m psi)`` for |m| <= L. Together they integrate every Wigner D of degree <= L. O(3) takes each node with and
without inversion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.symmetry import rotations
from equiviz.symmetry.errors import BandLimitError, GroupError
from equiviz.symmetry.groups import OrthogonalGroup

LEBEDEV_DEGREES = (
    3, 5, 7, 9, 11, 15, 17, 19, 21, 23, 29, 31, 35, 41, 47, 53, 59, 65, 71, 77, 83, 89, 95, 101, 107, 113, 119, 125, 131
)  # fmt: skip
"""Degrees of the Lebedev rules in use; 13, 25, 27 are left out, since negative weights make negative variances."""


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Nodes and weights for averages over a group.

    Attributes:
        matrices: ``[Q, 3, 3]`` float64.
        weights: ``[Q]`` float64, positive, of sum 1.
        band_limit: largest degree of Wigner D that is averaged exactly (to 1e-13).
        group: "SO(3)" or "O(3)".
    """

    matrices: Tensor
    weights: Tensor
    band_limit: int
    group: OrthogonalGroup

    def __len__(self) -> int:
        return len(self.weights)

    def average(self, values: Tensor) -> Tensor:
        """Weighted average of ``[Q, ...]``, one value per node; computed and returned in float64."""
        return torch.einsum("q,q...->...", self.weights.to(values.device), values.to(torch.float64))

    def __repr__(self) -> str:
        return f"Quadrature({len(self)} nodes on {self.group}, exact to degree {self.band_limit})"


def quadrature(band_limit: int, group: OrthogonalGroup = "SO(3)") -> Quadrature:
    """The quadrature for a band limit L: Lebedev nodes of degree >= L times L + 1 in-plane angles (times 2 for O(3)).

    For L = 2, 3, 4, 5, 6, 8, 10 these are 18, 24, 70, 84, 182, 342, 550 nodes on SO(3).

    Raises:
        BandLimitError: band limit below 0 or above 131, the largest degree of Lebedev's rules.
        GroupError: unknown group.
    """
    if group not in ("SO(3)", "O(3)"):
        raise GroupError(f"Expected group 'SO(3)' or 'O(3)', got {group!r}.")
    points, sphere_weights = sphere_rule(band_limit)  # [P, 3], [P]
    angles = torch.arange(band_limit + 1, dtype=torch.float64) * (2 * math.pi / (band_limit + 1))
    matrices = (_towards(points)[:, None] @ rotations.about_y(angles)).flatten(0, 1)  # [P * (L + 1), 3, 3]
    weights = (sphere_weights / len(angles)).repeat_interleave(len(angles))
    if group == "O(3)":
        matrices, weights = torch.cat([matrices, -matrices]), torch.cat([weights, weights]) / 2
    return Quadrature(matrices, weights, band_limit, group)


def sphere_rule(band_limit: int) -> tuple[Tensor, Tensor]:
    """Points ``[P, 3]`` and weights ``[P]`` (sum 1) of the smallest rule with degree >= `band_limit`."""
    degree = next((degree for degree in LEBEDEV_DEGREES if degree >= band_limit), None)
    if degree is None or band_limit < 0:
        raise BandLimitError(
            f"Expected a band limit from 0 to {LEBEDEV_DEGREES[-1]} (the largest Lebedev rule), got {band_limit}."
        )
    from scipy.integrate import lebedev_rule

    points, weights = lebedev_rule(degree)
    weights = torch.as_tensor(weights, dtype=torch.float64)
    return torch.as_tensor(points, dtype=torch.float64).T, weights / weights.sum()


def _towards(points: Tensor) -> Tensor:
    """``R_y(alpha) R_x(beta)`` that takes the polar axis y to each unit vector: ``[P, 3, 3]``."""
    x, y, z = points.unbind(-1)
    return rotations.about_y(torch.atan2(x, z)) @ rotations.about_x(torch.atan2(torch.hypot(x, z), y))

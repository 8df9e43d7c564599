"""The density of a channel as a cloud of points.

A hologram tells directions apart, not places: far from the site the same atom is spread over more space. So what is
drawn is r^2 rho, atoms per Å of distance and steradian, which is alike near and far. Letters: P points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.hologram import Hologram
from equiviz.holograms.reconstruction import density

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACING = 0.7
"""Å between two points of the grid."""
MOST_POINTS = 1_500


@dataclass(frozen=True, eq=False)
class Cloud:
    """The points at which a density is high.

    Attributes:
        positions: ``[P, 3]``, Å from the site.
        values: ``[P]``, r^2 rho.
        peak: the largest size of a value on the grid.
        unit: of the values.
    """

    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    peak: float
    unit: str = "per Å and steradian"


def cloud(hologram: Hologram, channel: int, radius: float, share: float = 0.4, signed: bool = False) -> Cloud:
    """Where r^2 rho of a channel exceeds a share of its peak.

    Args:
        hologram: of one site.
        channel: its number.
        radius: of the neighbourhood, in Å.
        share: 0 to 1; at most `MOST_POINTS` points, the densest.
        signed: whether the channel weighs atoms by negative numbers too; else what is negative is an artefact.
    """
    points = _grid(float(radius))
    rho = density(_alone(hologram, channel), torch.from_numpy(points))[0, 0].double().numpy()
    values = rho * np.square(points).sum(1) / hologram.basis.radius**3
    sizes = np.abs(values) if signed else values
    peak = float(sizes.max(initial=0.0))
    order = np.argsort(-sizes)[:MOST_POINTS]
    kept = order[(sizes[order] > share * peak) & (sizes[order] > 0)]
    weighed = "" if hologram.origin.counting == "atoms" else "(atoms divided by their power) "
    return Cloud(points[kept], values[kept], peak, f"{weighed}per Å and steradian")


@lru_cache(maxsize=4)
def _grid(radius: float) -> NDArray[np.float64]:
    """Points in a ball ``[P, 3]``, in Å."""
    steps = np.arange(-int(radius / SPACING), int(radius / SPACING) + 1) * SPACING
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    inside = cube[np.linalg.norm(cube, axis=1) <= radius]
    return np.asarray(inside, dtype=np.float64)


def _alone(hologram: Hologram, channel: int) -> Hologram:
    """One channel: the others need not be drawn."""
    degrees = range(hologram.basis.l_max + 1)
    own = torch.cat([hologram.degree(degree)[:, channel].flatten(1) for degree in degrees], 1)
    return Hologram.of(own, hologram.channels[channel : channel + 1], hologram.basis)

"""The density of a channel as a cloud of points.

A hologram tells directions apart, not places: far from the site the same atom is spread over more space. So what is
drawn is r^2 rho, atoms per Å of distance and steradian, which is alike near and far. Letters: C channels, P points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.hologram import Hologram
from equiviz.holograms.reconstruction import density
from equiviz.holograms.two_centres import channel_and_centre

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.neighbourhoods import Neighbourhoods

SPACING = 0.7
"""Å between two points of the grid."""
MOST_POINTS = 1_500
DOT = 0.15
"""Å: the radius at which the densest point is drawn."""


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

    def moved(self, shift: NDArray[np.float64]) -> Cloud:
        """The same elsewhere; `shift` ``[3]`` in Å."""
        return replace(self, positions=self.positions + shift)


def cloud(hologram: Hologram, channel: int, radius: float, share: float = 0.4, signed: bool = False) -> Cloud:
    """Where r^2 rho of a channel exceeds a share of its peak.

    Args:
        hologram: of one site.
        channel: its number.
        radius: of the neighbourhood, in Å.
        share: 0 to 1; at most `MOST_POINTS` points, the densest.
        signed: whether the channel weighs atoms by negative numbers too; else what is negative is an artefact.
    """
    return _clouds(hologram, [channel], radius, share, [signed])[0]


def site_clouds(
    hologram: Hologram, around: Neighbourhoods, channels: Sequence[int], share: float = 0.4
) -> list[tuple[NDArray[np.float64], Cloud]]:
    """The clouds of some channels, each about the centre that its channel is seen from.

    Args:
        hologram: of one site.
        around: the same site.
        channels: numbers of channels of the hologram.
        share: as of `cloud`.

    Returns:
        for each channel, where its centre lies from the site's own, ``[3]`` in Å, and the cloud relative to it.
    """
    named = [channel_and_centre(hologram.channels[channel], around.centre) for channel in channels]
    weights = [around.protein.weights.get(name) for name, _ in named]
    signed = [own is not None and bool((own < 0).any()) for own in weights]
    shifts = {centre: around.seen_from(centre).centres[0] - around.centres[0] for _, centre in named}
    made = _clouds(hologram, channels, around.radius, share, signed)
    return [(shifts[centre], own) for (_, centre), own in zip(named, made, strict=True)]


def _clouds(
    hologram: Hologram, channels: Sequence[int], radius: float, share: float, signed: Sequence[bool]
) -> list[Cloud]:
    points = _grid(float(radius))
    rho = density(_only(hologram, channels), torch.from_numpy(points))[0].double().numpy()  # [C, P]
    values = rho * np.square(points).sum(1) / hologram.basis.radius**3
    weighed = "" if hologram.origin.counting == "atoms" else "(atoms divided by their power) "
    unit = f"{weighed}per Å and steradian"
    return [_dense(points, own, share, minus, unit) for own, minus in zip(values, signed, strict=True)]


def _dense(points: NDArray[np.float64], values: NDArray[np.float64], share: float, signed: bool, unit: str) -> Cloud:
    sizes = np.abs(values) if signed else values
    peak = float(sizes.max(initial=0.0))
    order = np.argsort(-sizes)[:MOST_POINTS]
    kept = order[(sizes[order] > share * peak) & (sizes[order] > 0)]
    return Cloud(points[kept], values[kept], peak, unit)


@lru_cache(maxsize=4)
def _grid(radius: float) -> NDArray[np.float64]:
    """Points in a ball ``[P, 3]``, in Å."""
    steps = np.arange(-int(radius / SPACING), int(radius / SPACING) + 1) * SPACING
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    inside = cube[np.linalg.norm(cube, axis=1) <= radius]
    return np.asarray(inside, dtype=np.float64)


def _only(hologram: Hologram, channels: Sequence[int]) -> Hologram:
    """Some channels: the others need not be drawn."""
    degrees, kept = range(hologram.basis.l_max + 1), list(channels)
    own = torch.cat([hologram.degree(degree)[:, kept].flatten(1) for degree in degrees], 1)
    return Hologram.of(own, tuple(hologram.channels[channel] for channel in kept), hologram.basis)

"""Wind over geopotential: a regression on the globe whose answer needs directions, and whose law is known.

Away from the equator wind is nearly geostrophic: it blows along the lines of equal geopotential z, at the speed
``|grad z| / (2 Omega |sin(latitude)|)`` (J. Holton, "An Introduction to Dynamic Meteorology", section 2.4), on each
surface of equal pressure by itself. The network is shown z on one such surface, and the sine of the latitude without
its sign; it should tell the speed at each point. The latitude is a scalar field like any other, turned along with the
rest: so the law has all symmetries of the sphere.

Real maps: ERA-Interim (`era_interim_maps`, a NetCDF file). Without one, `synthetic_maps` draws smooth fields, and the
wind is the geostrophic one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.icosahedral_grid import grid

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from 3.11

GEOPOTENTIAL_UNIT = 3000.0
"""m^2/s^2: inputs hold z in this unit, less its mean over the sphere; it is near the spread of maps of the globe."""
EARTH_RADIUS = 6.371e6
"""m."""
EARTH_TURN = 7.292e-5
"""Omega, 1/s."""
TROPICS = 0.3
"""Sine of the latitude below which wind is not geostrophic: 17 degrees."""
SYNTHETIC = "synthetic"
"""The word for maps that are drawn."""
MAPS = 100
"""Maps that this word stands for; they are the same each time."""
PARTS = ("train", "validation", "test")
SHARES = {"validation": 0.16, "test": 0.2}
"""Of the times; the rest trains."""

# Shapes: N maps (one per time and pressure), V points of the grid, L the highest degree of spherical harmonics.


@dataclass(frozen=True, eq=False)
class Weather:
    """Maps on the icosahedral grid.

    Attributes:
        inputs: N spheres with two scalars: geopotential less its mean in `GEOPOTENTIAL_UNIT`, and |sin(latitude)|.
        speeds: ``[N, V]`` wind speeds in m/s.
        known: ``[N, V]`` where the speed counts: everywhere but near the equator, where the law fails.
        pressures: ``[N]`` hPa, 0 where there is none.
        name: of where they are from.
    """

    inputs: SphereSignal
    speeds: Tensor
    known: Tensor
    pressures: Tensor
    name: str

    def __len__(self) -> int:
        """Number of maps."""
        return len(self.speeds)


@dataclass(frozen=True, eq=False)
class WeatherMaps(ABC):
    """Maps of the globe, not yet on the icosahedral grid.

    Attributes:
        name: of where they are from.
        times: ``[N]`` int64, which time each is of; the order is that of time.
        pressures: ``[N]`` hPa, 0 where there is none.
    """

    name: str
    times: Tensor
    pressures: Tensor

    def __len__(self) -> int:
        """Number of maps."""
        return len(self.times)

    @abstractmethod
    def __getitem__(self, chosen: Tensor) -> Self:
        """Some of them."""

    @abstractmethod
    def sampled(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Geopotential [m^2/s^2] and wind speed [m/s] ``[N, V]`` at points ``[N, V, 3]`` of the unit sphere, y up."""

    def part(self, name: str) -> Self:
        """The "train", "validation" or "test" part: the last fifth of the times is kept for testing, whole.

        Of few times none is left for validation.

        Raises:
            DatasetError: another name, or maps of one time only.
        """
        if name not in PARTS:
            raise DatasetError(None, f"Expected a part out of {', '.join(PARTS)}, got {name!r}.")
        known = self.times.unique()
        if len(known) < 2:
            raise DatasetError(
                None, f"Expected maps of at least two times to train on and to test on, got {len(known)}."
            )
        test, held = max(1, round(SHARES["test"] * len(known))), round(SHARES["validation"] * len(known))
        train = len(known) - test - held
        own = dict(zip(PARTS, known.split([train, held, test]), strict=True))[name]
        return self[torch.isin(self.times, own)]

    def on_sphere(self, level: int, turns: Tensor | None = None) -> Weather:
        """Each map on a sphere of its own.

        Args:
            level: of the icosahedral grid.
            turns: rotations ``[N, 3, 3]`` of the spheres after that: maps are sampled where points were before.
        """
        points = grid(level).positions.expand(len(self), -1, 3)
        before = points if turns is None else points @ turns.to(points)
        geopotential, speeds = self.sampled(before)
        sine = before[..., 1].abs()
        shown = (geopotential - geopotential.mean(-1, keepdim=True)) / GEOPOTENTIAL_UNIT
        inputs = SphereSignal.of(torch.stack([shown, sine], 1).float())
        return Weather(inputs, speeds.float(), sine > TROPICS, self.pressures, self.name)


@dataclass(frozen=True, eq=False)
class SyntheticMaps(WeatherMaps):
    """Smooth random geopotentials, and the geostrophic wind over them.

    Attributes:
        coefficients: ``[N, (L + 1)**2]`` float64 of real spherical harmonics, in m^2/s^2.
        degree: L.
    """

    coefficients: Tensor
    degree: int

    def __getitem__(self, chosen: Tensor) -> SyntheticMaps:
        """Some of them."""
        return SyntheticMaps(
            self.name, self.times[chosen], self.pressures[chosen], self.coefficients[chosen], self.degree
        )

    def sampled(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The fields and their gradients, as they are: nothing is interpolated."""
        at = points.detach().clone().requires_grad_()
        maps = torch.einsum("nvk,nk->nv", spherical_harmonics(self.degree, at), self.coefficients)
        (gradient,) = torch.autograd.grad(maps.sum(), at)
        along = gradient - (gradient * points).sum(-1, keepdim=True) * points
        return maps.detach(), geostrophic(torch.linalg.vector_norm(along, dim=-1), points[..., 1].abs())


def geostrophic(slope: Tensor, sine: Tensor) -> Tensor:
    """Speed [m/s] of the geostrophic wind; as if at 17 degrees of latitude nearer to the equator.

    Args:
        slope: ``[..., V]`` of the geopotential on the unit sphere, m^2/s^2 per radian.
        sine: ``[..., V]`` of the latitude, without its sign.
    """
    return slope / (EARTH_RADIUS * 2 * EARTH_TURN * sine.clamp(min=TROPICS))


def synthetic_maps(times: int = MAPS, seed: int = 0, degree: int = 10) -> SyntheticMaps:
    """Random maps whose spread is about that of the globe's, on surfaces from high to low pressure.

    Args:
        times: how many maps.
        seed: of all of them.
        degree: the highest spherical harmonic, at least 1.

    Raises:
        DatasetError: no map, or no harmonic but the constant.
    """
    if times < 1 or degree < 1:
        raise DatasetError(None, f"Expected at least one map and one degree, got {times} and {degree}.")
    generator = torch.Generator().manual_seed(seed)
    degrees = torch.cat([torch.full((2 * l + 1,), float(l)) for l in range(degree + 1)]).double()  # noqa: E741
    power = torch.where(degrees > 0, 1 / (1 + degrees) ** 1.5, 0)
    drawn = torch.randn(times, len(power), generator=generator, dtype=torch.float64) * power
    sizes = 0.3 + 1.4 * torch.rand(times, 1, generator=generator, dtype=torch.float64)
    return SyntheticMaps(
        "synthetic maps", torch.arange(times), torch.zeros(times), GEOPOTENTIAL_UNIT * sizes * drawn, degree
    )

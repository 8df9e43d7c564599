"""Wind over geopotential: a regression on the globe whose answer needs directions, and whose law is known.

Away from the equator wind is nearly geostrophic: it blows along the lines of equal geopotential z, at the speed
``|grad z| / (2 Omega |sin(latitude)|)`` (J. Holton, "An Introduction to Dynamic Meteorology", section 2.4). The network
is shown z on each pressure level, and the sine of the latitude without its sign; it should tell the speed on each.
The latitude is a scalar field like any other, turned along with the rest: so the law has all symmetries of the sphere.

Real fields: ERA-Interim monthly means (a NetCDF file with z, u and v on latitudes and longitudes). Without one,
`synthetic_weather` draws smooth fields and computes the geostrophic wind.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.icosahedral_grid import grid

LARGEST = 512 * 1024**2
"""Bytes of a file."""
NEEDED = ("latitude", "longitude", "z", "u", "v")


@dataclass(frozen=True, eq=False)
class Weather:
    """Maps at several times.

    Attributes:
        inputs: one sphere per time: geopotential of each pressure level, less its mean, in standard deviations, and
            ``|sin(latitude)|``.
        speeds: ``[times, levels, V]`` wind speeds in m/s.
        known: ``[V]`` where the speed counts: everywhere but near the equator, where the law fails.
        name: of where they are from.
    """

    inputs: SphereSignal
    speeds: Tensor
    known: Tensor
    name: str


def era_interim(path: str | os.PathLike[str], level: int = 5) -> Weather:
    """The maps of a NetCDF file (version 3): z [m^2/s^2], u and v [m/s] by time, pressure, latitude, longitude.

    Args:
        path: the file.
        level: of the icosahedral grid.

    Raises:
        DatasetError: no such file, one of more than 512 MiB, or one without these fields.
    """
    fields = _read(Path(path))
    points = grid(level).positions
    sampled = {
        name: _sampled(fields[name], fields["latitude"], fields["longitude"], points) for name in ("z", "u", "v")
    }
    speeds = (sampled["u"].square() + sampled["v"].square()).sqrt()
    return _weather(sampled["z"], speeds, points, f"ERA-Interim ({Path(path).name})")


def synthetic_weather(level: int = 4, times: int = 8, seed: int = 0, degree: int = 10) -> Weather:
    """Smooth random geopotentials on one pressure level, and the geostrophic wind over them.

    Args:
        level: of the icosahedral grid.
        times: how many maps.
        seed: of all of them.
        degree: the highest spherical harmonic.
    """
    points = grid(level).positions.clone().requires_grad_()
    generator = torch.Generator().manual_seed(seed)
    degrees = torch.cat([torch.full((2 * l + 1,), float(l)) for l in range(degree + 1)]).double()  # noqa: E741
    power = torch.where(degrees > 0, 1 / (1 + degrees) ** 1.5, 0)
    drawn = torch.randn(times, len(power), generator=generator, dtype=torch.float64) * power
    harmonics = spherical_harmonics(degree, points)
    maps = harmonics @ drawn.T  # [V, times]
    speeds = []
    for k in range(times):
        (gradient,) = torch.autograd.grad(maps[:, k].sum(), points, retain_graph=True)
        along = gradient - (gradient * points).sum(-1, keepdim=True) * points
        speeds.append(torch.linalg.vector_norm(along, dim=-1))
    sine = points[:, 1].detach().abs().clamp(min=_TROPICS)
    wind = torch.stack(speeds).detach() / sine
    return _weather(maps.detach().T[:, None], 10 * wind[:, None] / wind.mean(), points.detach(), "synthetic")


_TROPICS = 0.3
"""Sine of the latitude below which wind is not geostrophic: 17 degrees."""


def _weather(geopotential: Tensor, speeds: Tensor, points: Tensor, name: str) -> Weather:
    """`geopotential` and `speeds` ``[times, levels, V]``."""
    centred = geopotential - geopotential.mean((0, 2), keepdim=True)
    scaled = centred / centred.std((0, 2), keepdim=True)
    sine = points[:, 1].abs()
    inputs = torch.cat([scaled, sine.expand(len(scaled), 1, -1)], 1)
    return Weather(SphereSignal.of(inputs.float()), speeds.float(), sine > _TROPICS, name)


def _read(path: Path) -> dict[str, NDArray[np.float64]]:
    from scipy.io import netcdf_file

    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, f"it has more than {LARGEST} bytes; no larger file is read.")
        with netcdf_file(path, mmap=False) as file:
            missing = [name for name in NEEDED if name not in file.variables]
            if missing:
                raise DatasetError(path, f"expected the variables {', '.join(NEEDED)}, there is no {missing[0]!r}.")
            found = {name: _unpacked(file.variables[name]) for name in NEEDED}
    except (OSError, TypeError, ValueError, IndexError, KeyError) as problem:
        raise DatasetError(path, f"it cannot be read as NetCDF: {problem}") from problem
    shape = (len(found["latitude"]), len(found["longitude"]))
    steps = np.diff(found["longitude"])
    if not shape[1] or not np.allclose(steps, 360 / shape[1], rtol=0, atol=1e-3):
        raise DatasetError(path, "expected longitudes once round the globe, in equal steps to the east.")
    for name in ("z", "u", "v"):
        if found[name].ndim != 4 or found[name].shape[2:] != shape or not np.isfinite(found[name]).all():
            raise DatasetError(path, f"expected {name} finite with shape [times, levels, {shape[0]}, {shape[1]}].")
    return found


def _unpacked(variable: Any) -> NDArray[np.float64]:
    """The numbers, from the whole numbers in which they are packed."""
    packed = np.array(variable[:])
    values = packed.astype(np.float64)
    for name in ("_FillValue", "missing_value"):
        values[packed == getattr(variable, name, np.nan)] = np.nan
    return values * float(getattr(variable, "scale_factor", 1.0)) + float(getattr(variable, "add_offset", 0.0))


def _sampled(
    maps: NDArray[np.float64], latitude: NDArray[np.float64], longitude: NDArray[np.float64], points: Tensor
) -> Tensor:
    """``[times, levels, V]``: linear between the nearest latitudes and longitudes."""
    at = points.numpy()
    north = np.degrees(np.arcsin(at[:, 1].clip(-1, 1)))
    east = np.degrees(np.arctan2(at[:, 0], at[:, 2])) % 360
    row = (
        np.interp(north, latitude[::-1], np.arange(len(latitude))[::-1])
        if latitude[0] > latitude[-1]
        else np.interp(north, latitude, np.arange(len(latitude)))
    )
    column = (east - longitude[0]) % 360 / 360 * len(longitude)
    up, left = np.floor(row).astype(int).clip(0, len(latitude) - 2), np.floor(column).astype(int) % len(longitude)
    down, right = up + 1, (left + 1) % len(longitude)
    y, x = row - up, column - np.floor(column)
    top = maps[..., up, left] * (1 - x) + maps[..., up, right] * x
    bottom = maps[..., down, left] * (1 - x) + maps[..., down, right] * x
    return torch.from_numpy(top * (1 - y) + bottom * y)

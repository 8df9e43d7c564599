"""Maps of ERA-Interim: NetCDF files (version 3) with geopotential and wind on latitudes and longitudes.

Source of the fields: D. Dee et al., "The ERA-Interim reanalysis", Q. J. R. Meteorol. Soc. 137, 553 (2011).
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
from equiviz.datasets.sphere.weather import WeatherMaps

LARGEST = 512 * 1024**2
"""Bytes of a file."""
FIELDS = ("z", "u", "v")
NEEDED = ("latitude", "longitude", *FIELDS)
PRESSURE = "level"
"""The variable of pressures, where a file has it."""


@dataclass(frozen=True, eq=False)
class GlobeMaps(WeatherMaps):
    """Maps on latitudes and longitudes.

    Attributes:
        latitude, longitude: degrees; longitudes once round the globe, in equal steps to the east.
        fields: ``[N, 3, latitudes, longitudes]`` geopotential [m^2/s^2], eastward and northward wind [m/s].
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    fields: NDArray[np.float64]

    def __getitem__(self, chosen: Tensor) -> GlobeMaps:
        """Some of them."""
        own = self.fields[chosen.numpy()]
        return GlobeMaps(self.name, self.times[chosen], self.pressures[chosen], self.latitude, self.longitude, own)

    def sampled(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Linear between the nearest latitudes and longitudes."""
        found = np.stack([self._interpolated(own, at) for own, at in zip(self.fields, points.numpy(), strict=True)])
        z, u, v = torch.from_numpy(found).unbind(1)
        return z, torch.hypot(u, v)

    def _interpolated(self, maps: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
        """``[3, V]`` of maps ``[3, latitudes, longitudes]`` at points ``[V, 3]``."""
        rows, columns = np.arange(len(self.latitude)), len(self.longitude)
        north = np.degrees(np.arcsin(at[:, 1].clip(-1, 1)))
        east = np.degrees(np.arctan2(at[:, 0], at[:, 2])) % 360
        order = np.argsort(self.latitude)
        row = np.interp(north, self.latitude[order], rows[order])
        column = (east - self.longitude[0]) % 360 / 360 * columns
        up, left = np.floor(row).astype(int).clip(0, len(rows) - 2), np.floor(column).astype(int) % columns
        down, right = up + 1, (left + 1) % columns
        y, x = row - up, column - np.floor(column)
        top = maps[:, up, left] * (1 - x) + maps[:, up, right] * x
        bottom = maps[:, down, left] * (1 - x) + maps[:, down, right] * x
        return top * (1 - y) + bottom * y


def era_interim_maps(path: str | os.PathLike[str]) -> GlobeMaps:
    """The maps of a file: z [m^2/s^2], u and v [m/s] by time, pressure, latitude, longitude; one map per surface.

    Args:
        path: the file.

    Raises:
        DatasetError: no such file, one of more than 512 MiB, or one without these fields.
    """
    file = Path(path)
    found = _read(file)
    fields = np.stack([found[name] for name in FIELDS], 2)  # [times, levels, 3, latitudes, longitudes]
    count, surfaces = fields.shape[:2]
    return GlobeMaps(
        f"ERA-Interim ({file.name})",
        torch.arange(count).repeat_interleave(surfaces),
        torch.from_numpy(found[PRESSURE]).float().repeat(count),
        found["latitude"],
        found["longitude"],
        fields.reshape(-1, *fields.shape[2:]),
    )


def _read(path: Path) -> dict[str, NDArray[np.float64]]:
    from scipy.io import netcdf_file

    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(path, f"it has more than {LARGEST} bytes; no larger file is read.")
        with netcdf_file(path, mmap=False) as file:
            missing = [name for name in NEEDED if name not in file.variables]
            if missing:
                raise DatasetError(path, f"expected the variables {', '.join(NEEDED)}, there is no {missing[0]!r}.")
            present = [name for name in (*NEEDED, PRESSURE) if name in file.variables]
            large = [name for name in present if 8 * np.prod(file.variables[name].shape, dtype=float) > LARGEST]
            if large:
                raise DatasetError(path, f"{large[0]} would take more than {LARGEST} bytes; no larger field is read.")
            found = {name: _unpacked(file.variables[name]) for name in present}
    except (OSError, TypeError, ValueError, IndexError, KeyError) as problem:
        raise DatasetError(path, f"it cannot be read as NetCDF: {problem}") from problem
    _refuse_other_shapes(path, found)
    surfaces = found["z"].shape[1]
    if found.setdefault(PRESSURE, np.zeros(surfaces)).shape != (surfaces,):
        raise DatasetError(path, f"expected {surfaces} pressures in {PRESSURE!r}, got {found[PRESSURE].shape}.")
    return found


def _refuse_other_shapes(path: Path, found: dict[str, NDArray[np.float64]]) -> None:
    shape = (len(found["latitude"]), len(found["longitude"]))
    north, steps = found["latitude"], np.diff(found["longitude"])
    rows = np.abs(np.diff(north)) if north.ndim == 1 and len(north) > 1 else np.zeros(1)
    if not np.isfinite(north).all() or not rows.all() or len(set(np.sign(np.diff(north)))) != 1:
        raise DatasetError(path, "expected at least two latitudes in degrees, all falling or all rising.")
    if np.abs(north).max() > 90 or 90 - max(north) > rows.max() or 90 + min(north) > rows.max():
        raise DatasetError(path, f"expected latitudes from pole to pole, got {min(north):g} to {max(north):g} degrees.")
    if not shape[1] or not np.allclose(steps, 360 / shape[1], rtol=0, atol=1e-3):
        raise DatasetError(path, "expected longitudes once round the globe, in equal steps to the east.")
    for name in FIELDS:
        own = found[name]
        if own.ndim != 4 or own.shape != found["z"].shape or own.shape[2:] != shape or not np.isfinite(own).all():
            raise DatasetError(path, f"expected {name} finite with shape [times, levels, {shape[0]}, {shape[1]}].")


def _unpacked(variable: Any) -> NDArray[np.float64]:
    """The numbers, from the whole numbers in which they are packed."""
    packed = np.array(variable[:])
    values = packed.astype(np.float64)
    for name in ("_FillValue", "missing_value"):
        values[packed == getattr(variable, name, np.nan)] = np.nan
    return values * float(getattr(variable, "scale_factor", 1.0)) + float(getattr(variable, "add_offset", 0.0))

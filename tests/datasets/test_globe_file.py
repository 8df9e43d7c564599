"""Are maps on latitudes and longitudes read as they are written, and refused where they are no globe?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import netcdf_file

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.sphere.globe_file import era_interim_maps
from equiviz.symmetry.icosahedral_grid import grid

LATITUDES = np.linspace(90, -90, 19)
LONGITUDES = np.arange(0, 360, 10.0)


def written(
    path: Path,
    longitudes: np.ndarray = LONGITUDES,
    pressures: np.ndarray | None = None,
    speed: float = 3.0,
    latitudes: np.ndarray = LATITUDES,
) -> Path:
    """Two times, two surfaces; z is linear in the sine of the latitude, wind blows to the east and north."""
    names = ("month", "level", "latitude", "longitude")
    shape = (2, 2, len(latitudes), len(longitudes))
    with netcdf_file(path, "w") as file:
        for name, size in zip(names, shape, strict=True):
            file.createDimension(name, size)
        for name, values in (("latitude", latitudes), ("longitude", longitudes)):
            file.createVariable(name, "f8", (name,))[:] = values
        if pressures is not None:
            along = ("level",) if len(pressures) == 2 else ("latitude",)
            file.createVariable("level", "f8", along)[:] = pressures
        z = np.broadcast_to(1000 * np.arange(4).reshape(2, 2, 1, 1) + 90 + latitudes[:, None], shape)
        for name, values in (("z", z), ("u", np.full(shape, speed)), ("v", np.full(shape, 4.0))):
            file.createVariable(name, "f8", names)[:] = values
    return path


def test_numbers_come_back_with_their_places(tmp_path: Path) -> None:
    maps = era_interim_maps(written(tmp_path / "maps.nc", pressures=np.array([200.0, 850.0])))
    assert maps.pressures.tolist() == [200, 850, 200, 850]
    z, speed = maps.sampled(grid(2).positions.expand(4, -1, 3))
    north = torch.rad2deg(torch.asin(grid(2).positions[:, 1]))
    torch.testing.assert_close(z, 1000 * torch.arange(4)[:, None] + 90 + north, rtol=0, atol=1e-9)
    torch.testing.assert_close(speed, torch.full_like(speed, 5), rtol=1e-12, atol=0)


def test_pressures_may_be_missing(tmp_path: Path) -> None:
    assert era_interim_maps(written(tmp_path / "maps.nc")).pressures.tolist() == [0] * 4


def test_what_is_no_globe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="once round the globe"):
        era_interim_maps(written(tmp_path / "half.nc", LONGITUDES[:18]))
    with pytest.raises(DatasetError, match="expected u finite"):
        era_interim_maps(written(tmp_path / "hole.nc", speed=np.nan))
    with pytest.raises(DatasetError, match="expected 2 pressures"):
        era_interim_maps(written(tmp_path / "pressures.nc", pressures=np.ones(len(LATITUDES))))
    with pytest.raises(DatasetError, match="cannot be read as NetCDF"):
        era_interim_maps(tmp_path / "absent.nc")


@pytest.mark.parametrize(
    ("latitudes", "words"),
    [
        (np.where(LATITUDES == 0, np.nan, LATITUDES), "all falling or all rising"),
        (np.zeros(5), "all falling or all rising"),
        (np.array([90.0, -90.0, 0.0]), "all falling or all rising"),
        (np.array([0.0]), "at least two latitudes"),
        (LATITUDES * 5, "got -450 to 450 degrees"),
        (np.linspace(40, -40, 9), "from pole to pole, got -40 to 40"),
    ],
)
def test_latitudes_that_are_none_are_refused(tmp_path: Path, latitudes: np.ndarray, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        era_interim_maps(written(tmp_path / "maps.nc", latitudes=latitudes))


def test_the_middles_of_rows_are_latitudes_too(tmp_path: Path) -> None:
    assert len(era_interim_maps(written(tmp_path / "maps.nc", latitudes=np.linspace(-85, 85, 18))).latitude) == 18

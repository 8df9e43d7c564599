"""Are digits and weather on the sphere what is in the files, and are damaged files refused?"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.sphere.digits import PARTS, embedded_digits, mnist
from equiviz.datasets.sphere.globe_file import era_interim_maps
from equiviz.datasets.sphere.idx_file import read_idx
from equiviz.datasets.sphere.weather import EARTH_RADIUS, EARTH_TURN, GEOPOTENTIAL_UNIT, synthetic_maps
from equiviz.symmetry.groups import O3, haar_matrices
from equiviz.symmetry.icosahedral_grid import grid, icosahedral_rotations


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_the_embedded_digits_are_those_of_scikit_learn() -> None:
    digits = embedded_digits()
    assert digits.pictures.shape == (1797, 8, 8)
    assert float(digits.pictures.max()) == 1.0
    assert torch.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_no_picture_is_in_two_parts() -> None:
    digits = embedded_digits()
    numbered = [digits.part(name) for name in PARTS]
    assert sum(len(part) for part in numbered) == len(digits)
    seen = torch.cat([part.pictures.flatten(1) for part in numbered]).sum(0)
    torch.testing.assert_close(seen, digits.pictures.flatten(1).sum(0), rtol=1e-5, atol=1e-3)
    with pytest.raises(DatasetError, match="out of train, validation, test, got 'held'"):
        digits.part("held")


def test_a_picture_is_up_and_ends_before_the_equator() -> None:
    digits = embedded_digits()[:3]
    sphere = digits.on_sphere(4)
    lower = grid(4).positions[:, 1] < 0
    assert float(sphere.spread[..., lower].abs().max()) == 0
    middle = grid(4).nearest(torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    expected = digits.pictures[:, 3:5, 3:5].mean((1, 2))
    torch.testing.assert_close(sphere.spread[:, 0, middle], expected, rtol=1e-6, atol=1e-6)


def test_turned_pictures_are_turned_signals() -> None:
    digits = embedded_digits()[:2]
    for matrix in icosahedral_rotations()[[7, 31]]:
        turned = digits.on_sphere(3, matrix.expand(2, 3, 3)).values
        torch.testing.assert_close(turned, digits.on_sphere(3).transform(O3(matrix)).values, rtol=0, atol=1e-6)
    other = haar_matrices(1, 0, "SO(3)")
    near = digits.on_sphere(5, other.expand(2, 3, 3)).values
    moved = digits.on_sphere(5).transform(O3(other[0])).values
    assert float((near - moved).square().mean() / near.square().mean()) < 0.02  # interpolated within triangles


def test_idx_files_are_read_with_and_without_gzip(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("plain", "packed.gz"):
        assert np.array_equal(read_idx(tmp_path / name), array)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no IDX file"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", "no IDX file"),
        (b"\x00\x00\x08\x02\x00\x00", "ends within its header"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "announces 6 bytes, and there are only 5"),
        (idx(np.zeros((2, 3), np.uint8)) + b"!", "there are more"),
        (b"\x00\x00\x08\x03" + struct.pack(">3I", 2**31, 28, 28), "at most"),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        read_idx(tmp_path / "file")


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(idx(np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)))
    for place in range(10, len(packed), 97):
        changed = bytearray(packed)
        changed[place] ^= 0xFF
        (tmp_path / "file.gz").write_bytes(changed)
        with pytest.raises(DatasetError):
            read_idx(tmp_path / "file.gz")


def test_a_folder_without_mnist_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Expected one file"):
        mnist(tmp_path)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(np.zeros((2, 4, 4), np.uint8)))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(np.full(2, 11, np.uint8)))
    with pytest.raises(DatasetError, match="labels from 0 to 9"):
        mnist(tmp_path)


def test_mnist_is_read(real_data: Path) -> None:
    digits = mnist(real_data / "sphere")
    assert digits.pictures.shape == (10_000, 28, 28)
    assert torch.bincount(digits.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_the_globe_is_read_in_its_units(real_data: Path) -> None:
    maps = era_interim_maps(real_data / "sphere" / "eraint_uvz.nc")
    assert maps.pressures.tolist() == [200, 500, 850] * 2
    assert maps.times.tolist() == [0, 0, 0, 1, 1, 1]
    weather = maps.on_sphere(4)
    assert weather.speeds.shape == (6, 2562)
    # Monthly means: the jet streams blow at some 60 m/s, and lower down the wind is weaker.
    assert 40 < float(weather.speeds.max()) < 90
    assert float(weather.speeds.mean(1)[:3].diff().max()) < 0
    assert weather.inputs.spread.shape == (6, 2, 2562)
    # At 850 hPa z is near 14,000 m^2/s^2, at 200 hPa near 116,000; 9.81 m/s^2 make metres of it.
    heights = maps.sampled(grid(2).positions.expand(6, -1, 3))[0].mean(1) / 9.81
    torch.testing.assert_close(heights[:3], torch.tensor([11900.0, 5700.0, 1450.0]).double(), rtol=0.03, atol=0)


def test_north_is_up_and_east_is_east(real_data: Path) -> None:
    """Eastward along the equator from Greenwich: x over z; the map is the file's at its own latitudes."""
    maps = era_interim_maps(real_data / "sphere" / "eraint_uvz.nc")
    north, east = np.radians(maps.latitude[60]), np.radians(maps.longitude[130])
    at = [np.cos(north) * np.sin(east), np.sin(north), np.cos(north) * np.cos(east)]
    found = maps.sampled(torch.tensor(at).expand(6, 1, 3))[0][:, 0]
    np.testing.assert_allclose(found, maps.fields[:, 0, 60, 130], rtol=1e-9)
    assert abs(float(found[0]) - maps.fields[0, 0, 180, 130]) > 100  # the other hemisphere, in m^2/s^2


def test_synthetic_wind_blows_as_the_law_says() -> None:
    """Against differences over a small step in two directions, anywhere."""
    maps = synthetic_maps(times=2, degree=6)
    p = torch.nn.functional.normalize(torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).double(), dim=1)
    one = torch.nn.functional.normalize(torch.linalg.cross(p, torch.eye(3).double()[:1].expand_as(p)), dim=1)
    step = 1e-4
    slopes = [
        (maps.sampled((p + step * t).expand(2, -1, 3))[0] - maps.sampled((p - step * t).expand(2, -1, 3))[0]) / 2 / step
        for t in (one, torch.linalg.cross(p, one))
    ]
    coriolis = 2 * EARTH_TURN * p[:, 1].abs().clamp(min=0.3)
    expected = torch.stack(slopes).norm(dim=0) / EARTH_RADIUS / coriolis
    torch.testing.assert_close(maps.sampled(p.expand(2, -1, 3))[1], expected, rtol=1e-5, atol=1e-3)
    assert 0.3 < float(maps.on_sphere(3).inputs.spread[:, 0].std()) < 3  # in GEOPOTENTIAL_UNIT, as on the globe
    assert GEOPOTENTIAL_UNIT == 3000


def test_parts_of_maps_share_no_time_and_the_last_are_kept_for_testing() -> None:
    maps = synthetic_maps(times=10)
    parts = [maps.part(name).times.tolist() for name in ("train", "validation", "test")]
    assert parts == [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]
    two = maps[torch.tensor([0, 1])]
    assert [len(two.part(name)) for name in ("train", "validation", "test")] == [1, 0, 1]
    with pytest.raises(DatasetError, match="at least two times"):
        two.part("train").part("test")
    with pytest.raises(DatasetError, match="Expected a part"):
        maps.part("dev")


def test_turned_maps_are_sampled_where_points_were() -> None:
    maps = synthetic_maps(times=2)
    symmetry, other = icosahedral_rotations()[23], haar_matrices(1, 0, "SO(3)")[0]
    plain, turned = maps.on_sphere(3), maps.on_sphere(3, symmetry.expand(2, 3, 3))
    expected = plain.inputs.transform(O3(symmetry)).spread
    torch.testing.assert_close(turned.inputs.spread, expected, rtol=0, atol=1e-5)
    moved = maps.on_sphere(3, other.expand(2, 3, 3))
    assert float((moved.inputs.spread - expected).abs().max()) > 0.1
    torch.testing.assert_close(moved.speeds.mean(), plain.speeds.mean(), rtol=0.02, atol=0)  # the same field


@pytest.mark.parametrize("content", [b"", b"CDF\x01", b"no netcdf at all", b"CDF\x01" + b"\xff" * 60])
def test_damaged_netcdf_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.nc").write_bytes(content)
    with pytest.raises(DatasetError, match=r"NetCDF|variables"):
        era_interim_maps(tmp_path / "file.nc")

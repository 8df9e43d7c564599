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
from equiviz.datasets.sphere.idx_file import read_idx
from equiviz.datasets.sphere.weather import era_interim, synthetic_weather
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
    weather = era_interim(real_data / "sphere" / "eraint_uvz.nc", level=4)
    assert weather.speeds.shape == (2, 3, 2562)
    # Monthly means at 200, 500 and 850 hPa: the jet streams blow at some 60 m/s.
    assert 40 < float(weather.speeds.max()) < 90
    assert float(weather.speeds.mean((0, 2)).diff().max()) < 0
    assert weather.inputs.spread.shape == (2, 4, 2562)


def test_synthetic_wind_blows_as_the_law_says() -> None:
    weather = synthetic_weather(level=4, times=2, degree=4)
    assert weather.speeds.shape == (2, 1, 2562)
    at = grid(4)
    fields = weather.inputs.spread[:, 0].double()
    edges = fields[:, at.neighbours] - fields[:, :, None]  # differences along the six directions
    steps = at.positions[at.neighbours] - at.positions[:, None]
    frames = torch.stack([at.first_directions, torch.linalg.cross(at.positions, at.first_directions)], -1)  # [V, 3, 2]
    slope = torch.linalg.lstsq(steps @ frames, edges[0].unsqueeze(-1)).solution[..., 0].norm(dim=-1)
    expected = slope / at.positions[:, 1].abs().clamp(min=0.3)
    inside = weather.known & at.regular
    paired = torch.corrcoef(torch.stack([expected[inside], weather.speeds[0, 0, inside].double()]))
    assert float(paired[0, 1]) > 0.995


@pytest.mark.parametrize("content", [b"", b"CDF\x01", b"no netcdf at all", b"CDF\x01" + b"\xff" * 60])
def test_damaged_netcdf_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.nc").write_bytes(content)
    with pytest.raises(DatasetError, match=r"NetCDF|variables"):
        era_interim(tmp_path / "file.nc")

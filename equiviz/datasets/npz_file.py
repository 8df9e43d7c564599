"""Writing and reading ``.npz`` files that may be cut off by a kill, or sent by someone hostile.

Writing is atomic. Reading admits arrays only (no pickle), and adds up the declared sizes before it allocates.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError
from equiviz.structures.atomic_file import write_atomically

MAX_BYTES = 2 * 1024**3
"""Largest sum of array sizes that a file may declare."""
MAX_ARRAYS = 256
_KINDS = frozenset("biufcUS")


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]], compress: bool = False) -> None:
    """Write named arrays to ``path`` atomically; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    save = np.savez_compressed if compress else np.savez
    save(buffer, allow_pickle=False, **dict(arrays))  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def read_npz(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, NDArray[Any]]:
    """Read every array of an ``.npz`` file.

    Raises:
        DatasetError: not an npz, objects inside, too many or too large arrays, truncated or damaged members.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, archive, members, max_bytes)
            return {member.filename.removesuffix(".npy"): _read(archive, member) for member in members}
    except DatasetError:
        raise
    except Exception as cause:  # zipfile, zlib and numpy raise a dozen classes on damaged files
        raise DatasetError(path, f"expected an .npz file of plain arrays, could not read it ({cause!r})") from cause


def _check_members(path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    if len(members) > MAX_ARRAYS:
        raise DatasetError(path, f"expected at most {MAX_ARRAYS} arrays, found {len(members)}")
    declared = 0
    for member in members:
        with archive.open(member) as file:
            shape, dtype = _header(file)
        if dtype.kind not in _KINDS or dtype.hasobject:
            raise DatasetError(path, f"{member.filename}: expected numbers or text, found dtype {dtype}; refused")
        size = math.prod(shape) * dtype.itemsize
        if size + 10_240 < member.file_size - 10_240 or member.file_size < size:
            raise DatasetError(path, f"{member.filename}: declares {size} bytes, holds {member.file_size}; refused")
        declared += max(size, member.file_size)
    if declared > max_bytes:
        raise DatasetError(path, f"declares {declared} bytes of arrays, at most {max_bytes} are read; raise max_bytes")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))

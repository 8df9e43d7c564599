"""Positions of a GROMACS trajectory in the .trr format: big-endian numbers, uncompressed, lengths in nm.

The layout is that of GROMACS' ``trrio.cpp``: per frame a header of integers, and after it box, virial, pressure,
positions, velocities and forces, each as many bytes as the header says.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from equiviz.structures.errors import StructureError
from equiviz.structures.formats.source import MAX_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC, _TAG = 1993, b"GMX_trn_file"
_HEADER = struct.Struct(">iii12s13i")  # magic, length of the tag with and without its end, the tag, sizes and numbers
_ANGSTROM = 10.0  # per nm


def read_trr(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """``[F, N, 3]`` in Å.

    Raises:
        StructureError: no such file, too large a file, or what is no such trajectory; frames of different sizes.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise StructureError(str(path), None, f"expected a file of at most {MAX_BYTES // 2**20:,} MiB")
    content, start = path.read_bytes(), 0
    frames: list[NDArray[np.float64]] = []
    while start < len(content):
        frame, start = _frame(path, content, start)
        frames += [] if frame is None else [frame]
    if not frames or len({len(frame) for frame in frames}) > 1:
        raise StructureError(str(path), None, "expected frames with positions, all of the same number of atoms")
    return np.stack(frames)


def _frame(path: Path, content: bytes, start: int) -> tuple[NDArray[np.float64] | None, int]:
    """Positions ``[N, 3]`` of the frame that begins at a byte, if it has any, and where the next one begins."""
    if len(content) - start < _HEADER.size:
        raise StructureError(str(path), None, f"it ends within a frame, at byte {len(content):,}")
    magic, _, _, tag, *numbers = _HEADER.unpack_from(content, start)
    sizes, atoms = numbers[:10], numbers[10]
    if magic != _MAGIC or tag != _TAG or min(sizes) < 0 or atoms < 0:
        raise StructureError(str(path), None, f"no frame of a .trr file begins at byte {start:,}")
    x_size = sizes[7]
    wide = _width(sizes, atoms)
    begin = start + _HEADER.size + 2 * wide  # after time and lambda
    end = begin + sum(sizes)
    if end > len(content) or x_size not in (0, 3 * wide * atoms):
        raise StructureError(str(path), None, f"the frame at byte {start:,} is cut, or its sizes contradict each other")
    if not x_size:
        return None, end
    kind = ">f8" if wide == 8 else ">f4"
    values = np.frombuffer(content, kind, 3 * atoms, begin + sum(sizes[:7]))
    return _ANGSTROM * values.reshape(-1, 3).astype(np.float64), end


def _width(sizes: list[int], atoms: int) -> int:
    """Bytes of a number: 4 or 8."""
    if sizes[2]:
        return sizes[2] // 9
    return next((size // (3 * atoms) for size in sizes[7:] if size and atoms), 4)

"""IDX files, the format of MNIST: a big-endian header, then bytes. Read with caps, from strangers."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError

UNSIGNED_BYTES = 8
LARGEST = 256 * 1024**2
"""Bytes of the numbers, four times those of MNIST's training images."""


def read_idx(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file, gzipped where the name ends in ".gz".

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits": two zero bytes, the kind of
    number (8: unsigned byte), the number of axes, their lengths as 32-bit integers, the numbers with the last axis
    fastest.

    Raises:
        DatasetError: no such file, another kind of file, one that is truncated or goes on after its end, or one of more
            than 256 MiB.
    """
    source = Path(path)
    try:
        with gzip.open(source) if source.suffix == ".gz" else source.open("rb") as file:
            shape = _shape(file.read(4), file.read, source)
            count = math.prod(shape)
            if count > LARGEST:
                raise DatasetError(source, f"it announces {count} bytes; at most {LARGEST} are read.")
            found = file.read(count + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise DatasetError(source, f"it cannot be read as an IDX file: {problem}") from problem
    if len(found) != count:
        relation = "more" if len(found) > count else f"only {len(found)}"
        raise DatasetError(source, f"its header announces {count} bytes, and there are {relation}.")
    return np.frombuffer(found, np.uint8).reshape(shape)


def _shape(start: bytes, read: Callable[[int], bytes], source: Path) -> tuple[int, ...]:
    if len(start) != 4 or start[:2] != b"\0\0" or start[2] != UNSIGNED_BYTES or not 1 <= start[3] <= 4:
        raise DatasetError(
            source,
            "this is no IDX file of unsigned bytes: expected it to begin with 0, 0, 8 and 1 to 4 axes, got "
            f"{list(start)}.",
        )
    lengths = read(4 * start[3])
    if len(lengths) != 4 * start[3]:
        raise DatasetError(source, "it ends within its header.")
    return struct.unpack(f">{start[3]}I", lengths)

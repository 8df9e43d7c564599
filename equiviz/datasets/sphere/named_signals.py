"""Signals on the sphere as users name them: by a data set, a folder of MNIST, or a file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.sphere.digits import Digits, embedded_digits, mnist
from equiviz.datasets.sphere.globe_file import era_interim_maps
from equiviz.datasets.sphere.weather import SYNTHETIC, synthetic_maps
from equiviz.structures.errors import StructureError
from equiviz.structures.sphere_signal import SphereSignal

DIGITS = "digits"
"""The word for the digits that scikit-learn brings."""
SHOWN = 4
"""Digits, or maps that are drawn, that tools are shown."""
LARGEST = 512 * 1024**2
"""Bytes of a file."""


def signals_named(given: str | os.PathLike[str], level: int) -> SphereSignal:
    """Unseen digits, or maps of geopotential, on the grid of a level; of an ``.npy`` file the signals in it.

    Args:
        given: "digits"; a folder with MNIST's files; "synthetic" (maps that are drawn); an ``.nc`` file of ERA-Interim;
            or an ``.npy`` file of signals ``[spheres, channels, points]``, on a grid of its own.
        level: of the icosahedral grid.

    Raises:
        DatasetError: no such data; or a file that is damaged or holds something else.
    """
    path = Path(given)
    if str(given) == DIGITS or path.is_dir():
        known: Digits = embedded_digits() if str(given) == DIGITS else mnist(path)
        return known.part("test")[:SHOWN].on_sphere(level)
    if str(given) == SYNTHETIC:
        return synthetic_maps().part("test")[torch.arange(SHOWN)].on_sphere(level).inputs
    if path.suffix == ".nc" and path.is_file():
        return era_interim_maps(path).on_sphere(level).inputs
    if path.suffix != ".npy" or not path.is_file():
        raise DatasetError(
            None,
            f"Expected {DIGITS!r}, a folder with MNIST's files, {SYNTHETIC!r}, an .nc file of ERA-Interim, or an .npy "
            f"file of signals [spheres, channels, points], got {str(path)!r}"
            f"{'' if path.exists() else ', which does not exist'}.",
        )
    return _read(path)


def _read(path: Path) -> SphereSignal:
    if path.stat().st_size > LARGEST:
        raise DatasetError(path, f"it has more than {LARGEST} bytes; no larger file is read.")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)  # a header that lies is found out
    except (OSError, ValueError, EOFError) as problem:
        raise DatasetError(path, f"it cannot be read as an array of numbers: {problem}") from problem
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise DatasetError(path, "expected finite real numbers.")
    try:
        return SphereSignal.of(torch.from_numpy(found.astype(np.float64)))
    except StructureError as problem:
        raise DatasetError(path, str(problem)) from problem

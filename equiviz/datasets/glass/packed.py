"""The packed format: many configurations of one recipe in one ``.npz``, small enough to ship.

Arrays of `GlassConfiguration` with a leading axis of configurations C. Precision is what the data are worth:
positions and propensities in float32 (relative error 6e-8); the first half's propensity and the mean displacement in
float16 (relative error 5e-4, a hundredth of what 32 replicas leave uncertain). The second half follows from the
propensity: twice the whole minus the first half.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import GlassConfiguration, expect_keys, naming
from equiviz.datasets.glass.generated import FORMAT, configuration_of
from equiviz.datasets.npz_file import read_npz, write_npz

PACKED_FORMAT = "equiviz-glass-set-1"

_SHARED = ("types", "box", "temperature", "times", "replicas", "recipe")
_STACKED = {
    "positions": np.float32,
    "inherent_positions": np.float32,
    "inherent_energies": np.float32,
    "thermal_energies": np.float32,
    "propensity": np.float32,
    "mean_displacement": np.float16,
    "scattering": np.float32,
    "squared_displacement": np.float32,
    "run": np.int16,
    "segment": np.int16,
}
_KEYS = ("format", "names", "first_half", *_SHARED, *_STACKED)

Arrays = dict[str, NDArray[Any]]


def is_packed(names: frozenset[str]) -> bool:
    """Whether an npz with these arrays is of this format."""
    return {"names", "first_half", "format"} <= names


def write_packed(sources: Sequence[Path], path: Path) -> None:
    """Pack generated configurations of one recipe (``configuration_*.npz``) into ``path``.

    Raises:
        DatasetError: the files belong to different recipes.
    """
    each = [read_npz(source) for source in sources]
    for source, arrays in zip(sources, each, strict=True):
        different = [key for key in _SHARED if not np.array_equal(arrays[key], each[0][key])]
        if different:
            raise DatasetError(
                source, f"expected the same {', '.join(different)} as {sources[0].name}; pack one recipe"
            )
    packed: Arrays = {"format": np.array(PACKED_FORMAT), "names": np.array([source.stem for source in sources])}
    packed |= {key: each[0][key] for key in _SHARED}
    packed |= {key: np.stack([arrays[key] for arrays in each]).astype(kind) for key, kind in _STACKED.items()}
    packed["first_half"] = np.stack([arrays["half_propensities"][0] for arrays in each]).astype(np.float16)
    write_npz(path, packed, compress=True)


def read_packed(path: Path | str) -> list[GlassConfiguration]:
    """Read every configuration of a packed file.

    Raises:
        DatasetError: not this format, damaged or hostile.
    """
    return configurations_of(Path(path), read_npz(Path(path)))


def configurations_of(path: Path, arrays: Arrays) -> list[GlassConfiguration]:
    """Unpack the arrays of a packed file; ``path`` is only for messages. Raises DatasetError."""
    expect_keys(path, arrays, _KEYS, PACKED_FORMAT)
    if str(arrays["format"]) != PACKED_FORMAT:
        raise DatasetError(path, f"expected format {PACKED_FORMAT!r}, got {str(arrays['format'])!r}")
    with naming(path, PACKED_FORMAT):
        return _configurations(path, arrays)


def _configurations(path: Path, arrays: Arrays) -> list[GlassConfiguration]:
    count = len(arrays["names"])
    ragged = [key for key in ("first_half", *_STACKED) if arrays[key].shape[:1] != (count,)]
    if ragged:
        raise DatasetError(
            path, f"expected {count} configurations in each array, {', '.join(ragged)} hold another number"
        )
    return [configuration_of(path, str(arrays["names"][c]), _unpacked(arrays, c)) for c in range(count)]


def _unpacked(arrays: Arrays, c: int) -> Arrays:
    """The arrays of configuration ``c`` as `generated` has them."""
    one = {key: arrays[key] for key in _SHARED} | {key: arrays[key][c] for key in _STACKED}
    first = arrays["first_half"][c].astype(np.float64)  # [T, N]
    halves = np.stack([first, 2.0 * one["propensity"].astype(np.float64) - first])
    return {**one, "format": np.array(FORMAT), "half_propensities": halves}

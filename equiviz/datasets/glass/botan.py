"""BOTAN's format (Shiba et al., J. Chem. Phys. 158, 084503, 2023): one ``.npz`` per configuration and time.

Arrays: ``types`` [N] (0 = A, 1 = B), ``initial_positions`` [N, 3], and ``positions`` [32, N, 3], where each replica is
at the time of the file, not wrapped. The box is not in the file; it is a cube at density 1.2 (edge 15.05658 for 4,096
particles), at all temperatures. File names end in the index of the time (``_tc07``); 7 is tau_alpha, by the data's
README. At T = 0.44 that is t = 4120 (the published tables).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import GlassConfiguration, expect_keys, liquid_structure, naming, tensor
from equiviz.datasets.glass.propensity import replica_averages
from equiviz.datasets.npz_file import read_npz

_DENSITY = 1.2
KEYS = ("types", "initial_positions", "positions")
_TIMES = {("0.44", "07"): 4120.0}


def is_botan(names: frozenset[str]) -> bool:
    """Whether an npz with these arrays is of this format."""
    return names.issuperset(KEYS)


def read_botan(path: Path | str, time: float | None = None) -> GlassConfiguration:
    """Read one BOTAN file.

    Args:
        path: ``isoconfig_N4096T0.44_1_tc07.npz``; its name gives temperature and time.
        time: Time of the file [LJ]; needed where the name is not enough (only T = 0.44, tc07 is known).

    Raises:
        DatasetError: not this format, damaged, hostile, or of unknown time.
    """
    path = Path(path)
    arrays = read_npz(path)
    expect_keys(path, arrays, KEYS, "BOTAN format")
    temperature, moment = _moment(path, time)
    with naming(path, "BOTAN format"):
        return _configuration(path, arrays, temperature, moment)


def _configuration(
    path: Path, arrays: Mapping[str, NDArray[Any]], temperature: float | None, moment: float
) -> GlassConfiguration:
    initial, positions = tensor(arrays["initial_positions"]), tensor(arrays["positions"])  # [N, 3], [R, N, 3]
    if initial.ndim != 2 or positions.ndim != 3 or positions.shape[1:] != initial.shape or not len(positions):
        why = f"expected positions [R, N, 3] for initial_positions [N, 3], got {list(positions.shape)}"
        raise DatasetError(path, f"{why} and {list(initial.shape)}")
    edge = (len(initial) / _DENSITY) ** (1.0 / 3.0)
    structure = liquid_structure(path.stem, initial, arrays["types"], [edge] * 3)
    averages = replica_averages((positions - initial)[:, None].numpy(), arrays["types"] == 0)  # of [R, 1, N, 3]
    return GlassConfiguration(
        structure=structure,
        times=torch.tensor([moment], dtype=torch.float64),
        propensity=tensor(averages["propensity"]),
        half_propensities=tensor(averages["half_propensities"]),
        mean_displacement=tensor(averages["mean_displacement"]),
        temperature=temperature,
        replicas=len(positions),
        scattering=tensor(averages["scattering"]),
    )


def _moment(path: Path, time: float | None) -> tuple[float | None, float]:
    """Temperature and time that the file's name tells."""
    match = re.search(r"T(\d+\.\d+)_\d+_tc(\d+)", path.name)
    known = None if match is None else _TIMES.get((match[1], match[2]))
    moment = time if time is not None else known
    if moment is None:
        raise DatasetError(path, "the name does not tell its time; expected ...T0.44_1_tc07.npz, or pass time=")
    return (None if match is None else float(match[1])), float(moment)

"""Bapst's format (Nat. Phys. 16, 448, 2020): one pickle per configuration, all times in it.

A dict with ``positions`` [N, 3], ``types`` [N] (0 = A, 1 = B), ``box`` [3], ``time`` (all times of the simulation),
``time_indices`` (which of them have targets), ``targets`` (propensity [N] at each), ``metadata`` (temperature), and
``trajectory_target_positions``: per time, and per replica, wrapped positions [N, 3] - usually for the first target
only, so that halves and mean displacements exist only where every time is given. The definition of the propensity was
checked on the public test file: the mean over its 30 replicas of the minimum-image distance equals its first target to
1e-14.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import GlassConfiguration, expect_keys, liquid_structure, naming, tensor
from equiviz.datasets.glass.inert_pickle import MAX_FILE_BYTES, read_inert_pickle
from equiviz.datasets.glass.propensity import replica_averages

_KEYS = ("positions", "types", "box", "time", "time_indices", "targets")


def read_bapst(path: Path | str, max_bytes: int = MAX_FILE_BYTES) -> GlassConfiguration:
    """Read one file of the Bapst data set, without unpickling it.

    Raises:
        DatasetError: anything but arrays and plain containers inside, damaged, too large, or not this format.
    """
    path = Path(path)
    content = read_inert_pickle(path, max_bytes)
    if not isinstance(content, dict):
        raise DatasetError(path, f"Bapst format: expected a dict, got {type(content).__name__}")
    expect_keys(path, content, _KEYS, "Bapst format")
    with naming(path, "Bapst format"):
        return _configuration(path, content)


def _configuration(path: Path, content: dict[str, Any]) -> GlassConfiguration:
    times = np.asarray([content["time"][index] for index in content["time_indices"]], dtype=np.float64)  # [T]
    order = np.argsort(times)
    structure = liquid_structure(path.stem, content["positions"], content["types"], content["box"])
    halves, mean, replicas = _replicas(content, structure.positions, order)
    temperature = (content.get("metadata") or {}).get("temperature")
    return GlassConfiguration(
        structure=structure,
        times=torch.from_numpy(times[order]),
        propensity=torch.stack([tensor(content["targets"][index]) for index in order]),
        half_propensities=halves,
        mean_displacement=mean,
        temperature=None if temperature is None else float(temperature),
        replicas=replicas,
    )


def _replicas(
    content: dict[str, Any], positions: Tensor, order: np.ndarray
) -> tuple[Tensor | None, Tensor | None, int | None]:
    """Halves [2, T, N] and mean displacement [T, N, 3] where each time has replicas, and the number of replicas."""
    given = content.get("trajectory_target_positions") or []
    count = len(given[0]) if given else None
    if len(given) != len(order) or not count:
        return None, None, count
    box = tensor(content["box"])
    moved = torch.stack([tensor(given[index]) for index in order], dim=1) - positions  # [R, T, N, 3]
    moved = moved - box * torch.round(moved / box)
    averages = replica_averages(moved.numpy(), np.asarray(content["types"]) == 0)
    return tensor(averages["half_propensities"]), tensor(averages["mean_displacement"]), count

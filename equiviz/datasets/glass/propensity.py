"""Averages over isoconfigurational replicas: propensity, its halves, the mean displacement, F_s and MSD.

The propensity of particle i at time t is <|r_i(t) - r_i(0)|>, the mean over replicas of the length of its displacement
from the thermal position at time 0 (Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701, 2004, took its
square; the length is what Bapst et al., Nat. Phys. 16, 448, 2020, and BOTAN predict).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError

# Shapes: R replicas, T times, N particles.

Array = NDArray[np.float64]

WAVE_NUMBER = 7.25
"""k sigma_AA of F_s: the first peak of the A-A structure factor (Kob and Andersen 1995)."""


def structure_factor(displacements: Array, wave_number: float = WAVE_NUMBER) -> Array:
    """The self-intermediate scattering function F_s(k, t) = <sin(k d) / (k d)>, averaged over all directions of k.

    Args:
        displacements: r_i(t) - r_i(0), not wrapped, [R, T, N, 3].
        wave_number: k [1/sigma].

    Returns:
        [T], averaged over replicas and particles.

    Raises:
        DatasetError: another shape.
    """
    if displacements.ndim != 4 or displacements.shape[-1] != 3:
        raise DatasetError(None, f"displacements: expected shape [R, T, N, 3], got {list(displacements.shape)}")
    distance = np.linalg.norm(displacements, axis=-1)  # [R, T, N]
    return np.asarray(np.sinc(wave_number * distance / np.pi).mean(axis=(0, 2)), dtype=np.float64)


def replica_averages(displacements: Array, is_a: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """All averages that a configuration holds.

    Args:
        displacements: r_i(t) - r_i(0) of every replica [R, T, N, 3], not wrapped; R at least 2.
        is_a: Which particles are of type A [N].

    Returns:
        ``propensity`` [T, N], ``half_propensities`` [2, T, N] (first and last R // 2 replicas), ``mean_displacement``
        [T, N, 3], ``scattering`` F_s(7.25, t) of type A and B [2, T], ``squared_displacement`` of A and B [2, T].
    """
    count = len(displacements)
    if count < 2:
        raise DatasetError(None, f"replicas: expected at least 2, for two halves, got {count}")
    distance = np.linalg.norm(displacements, axis=-1)  # [R, T, N]
    halves = [distance[: count // 2].mean(axis=0), distance[count - count // 2 :].mean(axis=0)]
    kinds = (is_a, ~is_a)
    return {
        "propensity": distance.mean(axis=0),
        "half_propensities": np.stack(halves),
        "mean_displacement": displacements.mean(axis=0),
        "scattering": np.stack([structure_factor(displacements[:, :, kind]) for kind in kinds]),
        "squared_displacement": np.stack([(distance[..., kind] ** 2).mean(axis=(0, 2)) for kind in kinds]),
    }

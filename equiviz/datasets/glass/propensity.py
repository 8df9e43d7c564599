"""Averages over isoconfigurational replicas: propensity, its halves, the mean displacement, F_s and MSD.

The propensity of particle i at time t is <|r_i(t) - r_i(0)|>, the mean over replicas of the length of its displacement
from the thermal position at time 0 (Widmer-Cooper, Harrowell, Fynewever, Phys. Rev. Lett. 93, 135701, 2004, took its
square; the length is what Bapst et al., Nat. Phys. 16, 448, 2020, and BOTAN predict).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WAVE_NUMBER = 7.25
"""k sigma_AA of F_s: the first peak of the A-A structure factor (Kob and Andersen 1995)."""


def replica_averages(displacements: Array, particles_a: int) -> dict[str, NDArray[Any]]:
    """All averages that a configuration file holds.

    Args:
        displacements: r_i(t) - r_i(0) of every replica [R, T, N, 3], not wrapped; R even.
        particles_a: The first ``particles_a`` particles are of type A.

    Returns:
        ``propensity`` [T, N], ``half_propensities`` [2, T, N] (first and last R/2 replicas), ``mean_displacement``
        [T, N, 3], ``scattering`` F_s(7.25, t) of type A and B [2, T], ``squared_displacement`` of A and B [2, T].
    """
    half = len(displacements) // 2
    distance = np.linalg.norm(displacements, axis=-1)  # [R, T, N]
    halves = np.stack([distance[:half].mean(axis=0), distance[half:].mean(axis=0)])  # [2, T, N]
    kinds = (slice(0, particles_a), slice(particles_a, None))
    scattering = [np.sinc(WAVE_NUMBER * distance[..., kind] / np.pi).mean(axis=(0, 2)) for kind in kinds]
    squared = [(distance[..., kind] ** 2).mean(axis=(0, 2)) for kind in kinds]
    return {
        "propensity": distance.mean(axis=0),
        "half_propensities": halves,
        "mean_displacement": displacements.mean(axis=0),
        "scattering": np.stack(scattering),
        "squared_displacement": np.stack(squared),
    }

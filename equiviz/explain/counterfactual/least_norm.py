"""The smallest point that satisfies linear conditions: least-distance programming.

Lawson and Hanson, "Solving Least Squares Problems" (1974), chapter 23: the point nearest to zero with ``G u >= h``
follows from one non-negative least-squares problem.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]
INFEASIBLE = 1e-10


def least_norm(equal: Array, value: float, above: Array, bounds: Array) -> Array | None:
    """The smallest u ``[n]`` with ``equal . u = value`` and ``above u >= bounds``; None where there is none.

    Args:
        equal: ``[n]``, not zero.
        value: what it gives.
        above: ``[m, n]``.
        bounds: ``[m]``.
    """
    size = float(np.linalg.norm(equal))
    direction, along = equal / size, value / size
    if not len(bounds):
        return direction * along
    rows = np.vstack([direction, -direction, above])  # [m + 2, n]
    limits = np.concatenate([[along, -along], bounds])  # [m + 2]
    unit = max(float(np.abs(limits).max()), np.finfo(np.float64).tiny)  # lengths of order one keep the algorithm exact
    system = np.vstack([rows.T, limits / unit])  # [n + 1, m + 2]
    goal = np.zeros(system.shape[0])
    goal[-1] = 1.0
    weights, _ = nnls(system, goal)
    residual = system @ weights - goal  # [n + 1]
    return None if abs(residual[-1]) < INFEASIBLE else -residual[:-1] / residual[-1] * unit

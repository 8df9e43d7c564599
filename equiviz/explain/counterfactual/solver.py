"""The smallest displacement that changes a function by a given amount, step by step.

Each step replaces the function by its tangent, solves that problem exactly (`least_norm.py`), and goes as far towards
the answer as a merit function falls: the algorithm of Hasofer, Lind, Rackwitz and Fiessler (Comput. Struct. 9, 489
(1978)) with the line search of Zhang and Der Kiureghian (1995). Conditions on distances between atoms and on the
displacement of each atom are linearised alike. Motions of the whole are projected out (the conditions of Eckart, Phys.
Rev. 47, 552 (1935)), as any smallest displacement fulfils them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.explain.counterfactual.least_norm import least_norm
from equiviz.explain.pair_distances import pairs_within
from equiviz.explain.rigid_motions import rigid_basis
from equiviz.structures.structure import Structure

Array = NDArray[np.float64]
Tangent = Callable[[Tensor], tuple[float, Tensor]]
"""Positions [N, 3] -> the value there and its gradient [N, 3]."""

REACHED = 1e-6
"""Of the change that is asked for: how much of it may be missing."""
SETTLED = 1e-3
"""Of the displacement: how far it may be from the answer of its own tangent problem."""
NEAR = 1.5
"""Pairs closer than so many times the allowed distance are watched."""
STEP = 0.25
"""Of the shortest distance: the farthest that an atom moves in one step."""
SHORTEST_STEP = 2.0**-12
HALVINGS = 10
MARGIN = 1e-3
"""Of a limit: linearised conditions stop so much before it, for what curvature adds."""


@dataclass(frozen=True)
class Limits:
    """What a displacement must keep to, in the length unit.

    Attributes:
        min_distance: no two atoms come closer.
        max_displacement: no atom moves farther.
        step: no atom moves farther in one step.
    """

    min_distance: float
    max_displacement: float
    step: float


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the search ended.

    Attributes:
        displacement: ``[N, 3]``.
        change: what it changes.
        reached: whether that is what was asked for.
        settled: whether no shorter displacement near it does the same, to first order.
        path: change and norm of the displacement after each step.
        stopped: why the search ended.
    """

    displacement: Tensor
    change: float
    reached: bool
    settled: bool
    path: tuple[tuple[float, float], ...]
    stopped: str


@dataclass(frozen=True, eq=False)
class Problem:
    """A function of the positions of one structure, a change that is asked for, and limits."""

    structure: Structure
    tangent: Tangent
    asked: float
    limits: Limits

    def solved(self, start: Tensor, steps: int) -> Solution:
        """From a displacement ``[N, 3]`` that is allowed."""
        origin = self.structure.positions
        before, _ = self.tangent(origin)
        u = self._without_rigid(start.flatten().numpy())
        value, gradient = self._at(u)
        path: list[tuple[float, float]] = []
        settled, stopped = False, f"after {steps} steps"
        for _ in range(steps):
            aim = self._aim(u, before + self.asked - value, gradient)
            if aim is None:
                stopped = "where the function has no slope, or the limits leave no way"
                break
            missing = abs(before + self.asked - value)
            if missing <= REACHED * abs(self.asked) and _near(u, aim):
                settled, stopped = True, "at a solution"
                break
            moved = self._towards(u, aim, before + self.asked, value, gradient)
            if moved is None:
                stopped = "where no step helps any more"
                break
            u, value, gradient = moved
            path.append((value - before, float(np.linalg.norm(u))))
        reached = abs(before + self.asked - value) <= 1e2 * REACHED * abs(self.asked)
        shift = torch.from_numpy(u.reshape(-1, 3)).to(origin)
        return Solution(shift, value - before, reached, settled, tuple(path), stopped)

    def _at(self, u: Array) -> tuple[float, Array]:
        """Value, and gradient without what would move the whole, ``[3 N]``."""
        value, gradient = self.tangent(self._positions(u))
        return value, self._without_rigid(gradient.flatten().numpy())

    def _positions(self, u: Array) -> Tensor:
        return self.structure.positions + torch.from_numpy(u.reshape(-1, 3)).to(self.structure.positions)

    def _without_rigid(self, rows: Array) -> Array:
        basis = self._rigid()
        return rows - (rows @ basis.T) @ basis

    def _rigid(self) -> Array:
        return rigid_basis(self.structure).numpy()

    def _aim(self, u: Array, missing: float, gradient: Array) -> Array | None:
        """The smallest displacement that solves the tangent problem at u; of a smaller change where the limits say so.

        None where the gradient is zero, or no change at all is allowed."""
        slope = float(np.linalg.norm(gradient))
        if not slope > 0:
            return None
        above, bounds = self._conditions(u)
        farthest = slope * self.limits.max_displacement * len(self.structure) ** 0.5
        part = float(np.clip(missing, -farthest, farthest))
        for halving in range(HALVINGS):
            aim = least_norm(gradient, float(gradient @ u) + part * 0.5**halving, above, bounds)
            if aim is not None:
                return aim
        return None

    def _conditions(self, u: Array) -> tuple[Array, Array]:
        """Rows and bounds of ``rows u' >= bounds`` for pairs that are near and atoms that are far, ``[m, 3 N]``."""
        rows: list[Array] = []
        bounds: list[float] = []
        for i, j, direction, distance in self._near_pairs(u):
            row = np.zeros_like(u)
            row[3 * j : 3 * j + 3] += direction
            row[3 * i : 3 * i + 3] -= direction
            rows.append(row)
            bounds.append(self.limits.min_distance * (1 + MARGIN) - distance + float(row @ u))
        moved = u.reshape(-1, 3)
        for i in np.flatnonzero(np.linalg.norm(moved, axis=1) > 0.7 * self.limits.max_displacement):
            row = np.zeros_like(u)
            row[3 * i : 3 * i + 3] = -moved[i] / np.linalg.norm(moved[i])
            rows.append(row)
            bounds.append(-self.limits.max_displacement * (1 - MARGIN))
        if not rows:
            return np.zeros((0, len(u))), np.zeros(0)
        return self._without_rigid(np.array(rows)), np.array(bounds)

    def _near_pairs(self, u: Array) -> list[tuple[int, int, Array, float]]:
        """Receiver, sender, unit vector from the one to the other, and distance; each pair of atoms once."""
        found = pairs_within(replace(self.structure, positions=self._positions(u)), NEAR * self.limits.min_distance)
        receivers, senders = found.edge_index[1].tolist(), found.edge_index[0].tolist()
        vectors = found.vectors.numpy()
        lengths = np.linalg.norm(vectors, axis=1)
        return [
            (i, j, vectors[e] / lengths[e], float(lengths[e]))
            for e, (i, j) in enumerate(zip(receivers, senders, strict=True))
            if i < j and lengths[e] > 0
        ]

    def _towards(
        self, u: Array, aim: Array, wanted: float, value: float, gradient: Array
    ) -> tuple[Array, float, Array] | None:
        """As far from u towards the aim as the merit falls: half the squared norm, and a price on what is missing."""
        step = aim - u
        longest = float(np.linalg.norm(step.reshape(-1, 3), axis=1).max())
        share = min(1.0, self.limits.step / longest) if longest else 1.0
        price = 2.0 * max(float(np.linalg.norm(aim)), float(np.linalg.norm(u))) / float(np.linalg.norm(gradient))
        merit = 0.5 * float(u @ u) + price * abs(wanted - value)
        while share > SHORTEST_STEP:
            tried = u + share * step
            if self._allowed(tried):
                there, slope = self._at(tried)
                if 0.5 * float(tried @ tried) + price * abs(wanted - there) < merit:
                    return tried, there, slope
            share /= 2
        return None

    def _allowed(self, u: Array) -> bool:
        """Whether the limits are kept, but for what a linearised condition may miss."""
        farthest = float(np.linalg.norm(u.reshape(-1, 3), axis=1).max())
        if farthest > self.limits.max_displacement * (1 + 1e-6):
            return False
        moved = replace(self.structure, positions=self._positions(u))
        return not pairs_within(moved, self.limits.min_distance * (1 - 1e-6)).edge_index.shape[1]


def _near(u: Array, aim: Array) -> bool:
    return float(np.linalg.norm(u - aim)) <= SETTLED * float(np.linalg.norm(aim))

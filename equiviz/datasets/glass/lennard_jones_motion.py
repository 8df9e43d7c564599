# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Compiled molecular dynamics of a Lennard-Jones mixture: velocity Verlet at constant energy, in LJ units (float64).

Only as much of it as the cages of `equiviz.datasets.glass.cage` need. N particles, P pairs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from equiviz.datasets.glass.lennard_jones_kernels import farthest_move, pair_list, wrapped


@njit(cache=True, fastmath=True)
def _rows(pairs, count):
    """Compress pairs sorted by their first member: where the row of each particle begins [N + 1]."""
    first = np.zeros(count + 1, np.int64)
    for p in range(pairs.shape[0]):
        first[pairs[p, 0] + 1] += 1
    for i in range(count):
        first[i + 1] += first[i]
    return first


@njit(cache=True, fastmath=True)
def _forces(forces, inside, species, box, first, pairs, depth, sixth, square):
    """Write the forces at positions inside the box; depth = 24 epsilon, sixth = sigma^6, square = cutoff^2."""
    forces[:] = 0.0
    h0, h1, h2 = 0.5 * box[0], 0.5 * box[1], 0.5 * box[2]
    for i in range(inside.shape[0]):
        x, y, z, kind = inside[i, 0], inside[i, 1], inside[i, 2], species[i]
        fx, fy, fz = 0.0, 0.0, 0.0
        for p in range(first[i], first[i + 1]):
            j = pairs[p, 1]
            dx, dy, dz = inside[j, 0] - x, inside[j, 1] - y, inside[j, 2] - z
            if dx > h0:
                dx -= box[0]
            elif dx < -h0:
                dx += box[0]
            if dy > h1:
                dy -= box[1]
            elif dy < -h1:
                dy += box[1]
            if dz > h2:
                dz -= box[2]
            elif dz < -h2:
                dz += box[2]
            r2 = dx * dx + dy * dy + dz * dz
            other = species[j]
            if r2 < square[kind, other]:
                inverse = 1.0 / r2
                s6 = sixth[kind, other] * inverse * inverse * inverse
                pull = -depth[kind, other] * s6 * (2.0 * s6 - 1.0) * inverse
                fx += pull * dx
                fy += pull * dy
                fz += pull * dz
                forces[j, 0] -= pull * dx
                forces[j, 1] -= pull * dy
                forces[j, 2] -= pull * dz
        forces[i, 0] += fx
        forces[i, 1] += fy
        forces[i, 2] += fz


@njit(cache=True, fastmath=True)
def rattle(start, velocities, species, box, epsilon, sigma, cutoff, skin, dt, steps, stride):
    """Run one trajectory; every `stride` steps of its second half is recorded.

    Returns the mean displacement from the start [N, 3] and the mean squared displacement [N].
    """
    x, v, f = start.copy(), velocities.copy(), np.zeros_like(start)
    depth, sixth, square = 24.0 * epsilon, sigma**6, cutoff**2
    anchor = x.copy()
    pairs = pair_list(x, species, box, cutoff + skin)
    first = _rows(pairs, x.shape[0])
    _forces(f, wrapped(x, box), species, box, first, pairs, depth, sixth, square)
    mean, squared, records = np.zeros_like(x), np.zeros(x.shape[0]), 0
    for step in range(1, steps + 1):
        v += 0.5 * dt * f
        x += dt * v
        if farthest_move(x, anchor) > 0.25 * skin * skin:
            anchor = x.copy()
            pairs = pair_list(x, species, box, cutoff + skin)
            first = _rows(pairs, x.shape[0])
        _forces(f, wrapped(x, box), species, box, first, pairs, depth, sixth, square)
        v += 0.5 * dt * f
        if 2 * step > steps and step % stride == 0:
            records += 1
            for i in range(x.shape[0]):
                for d in range(3):
                    moved = x[i, d] - start[i, d]
                    mean[i, d] += moved
                    squared[i] += moved * moved
    return mean / max(records, 1), squared / max(records, 1)

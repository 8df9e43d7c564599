# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Compiled loops over the pairs of a Lennard-Jones mixture in a cubic or orthorhombic periodic box (LJ units, float64).

Kept apart so that numba is imported only when a kernel is needed. Shapes: N particles, P pairs (each pair once), S
species.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def wrapped(positions, box):
    """Return the positions [N, 3] moved into the box, edges included below and excluded above."""
    out = np.empty_like(positions)
    for i in range(positions.shape[0]):
        for d in range(3):
            value = positions[i, d] - box[d] * np.floor(positions[i, d] / box[d])
            out[i, d] = value if value < box[d] else 0.0
    return out


@njit(cache=True, fastmath=True)
def sorted_into_cells(inside, box, longest):
    """Sort positions into linked cells at least `longest` wide.

    Returns their numbers per axis [3], first member [cells], next member [N], and the cell of each particle [N, 3].
    Fewer than three cells along an axis would meet their own images; there a single cell holds everything.
    """
    cells = np.empty(3, np.int64)
    for d in range(3):
        cells[d] = max(1, int(box[d] / longest))
    if cells.min() < 3:
        cells[:] = 1
    head = np.full(cells[0] * cells[1] * cells[2], -1, np.int64)
    following = np.full(inside.shape[0], -1, np.int64)
    where = np.empty((inside.shape[0], 3), np.int64)
    for i in range(inside.shape[0]):
        for d in range(3):
            where[i, d] = min(int(inside[i, d] / box[d] * cells[d]), cells[d] - 1)
        cell = (where[i, 0] * cells[1] + where[i, 1]) * cells[2] + where[i, 2]
        following[i] = head[cell]
        head[cell] = i
    return cells, head, following, where


@njit(cache=True, fastmath=True)
def pair_list(positions, species, box, reach):  # [N, 3], [N], [3], [S, S] -> [P, 2]
    """Return every pair (i < j, by rising i) whose minimum-image distance is below `reach[species_i, species_j]`."""
    count = positions.shape[0]
    inside = wrapped(positions, box)
    cells, head, following, where = sorted_into_cells(inside, box, reach.max())
    half = 0.5 * box
    square = reach * reach
    pairs = np.empty((max(16, count * 64), 2), np.int32)
    found = 0
    steps = 1 if cells[0] > 1 else 0
    for i in range(count):
        for a in range(-steps, steps + 1):
            for b in range(-steps, steps + 1):
                for c in range(-steps, steps + 1):
                    x = (where[i, 0] + a + cells[0]) % cells[0]
                    y = (where[i, 1] + b + cells[1]) % cells[1]
                    z = (where[i, 2] + c + cells[2]) % cells[2]
                    j = head[(x * cells[1] + y) * cells[2] + z]
                    while j > i:  # members of a cell are linked by falling number
                        r2 = 0.0
                        for d in range(3):
                            delta = abs(inside[j, d] - inside[i, d])
                            if delta > half[d]:
                                delta -= box[d]
                            r2 += delta * delta
                        if r2 < square[species[i], species[j]]:
                            if found == pairs.shape[0]:
                                larger = np.empty((2 * found, 2), np.int32)
                                larger[:found] = pairs
                                pairs = larger
                            pairs[found, 0] = i
                            pairs[found, 1] = j
                            found += 1
                        j = following[j]
    return pairs[:found]


@njit(cache=True, fastmath=True)
def forces_into(forces, positions, species, box, pairs, epsilon, sigma, cutoff):
    """Write the forces [N, 3] of the truncated potential into `forces` and return the (shifted) total energy."""
    forces[:] = 0.0
    energy = 0.0
    for p in range(pairs.shape[0]):
        i, j = pairs[p, 0], pairs[p, 1]
        dx = positions[j, 0] - positions[i, 0]
        dy = positions[j, 1] - positions[i, 1]
        dz = positions[j, 2] - positions[i, 2]
        dx -= box[0] * np.rint(dx / box[0])
        dy -= box[1] * np.rint(dy / box[1])
        dz -= box[2] * np.rint(dz / box[2])
        r2 = dx * dx + dy * dy + dz * dz
        a, b = species[i], species[j]
        rc = cutoff[a, b]
        if r2 < rc * rc:
            s2 = sigma[a, b] * sigma[a, b]
            s6 = (s2 / r2) ** 3
            c6 = (s2 / (rc * rc)) ** 3
            energy += 4.0 * epsilon[a, b] * (s6 * s6 - s6 - c6 * c6 + c6)
            pull = -24.0 * epsilon[a, b] * (2.0 * s6 * s6 - s6) / r2
            forces[i, 0] += pull * dx
            forces[i, 1] += pull * dy
            forces[i, 2] += pull * dz
            forces[j, 0] -= pull * dx
            forces[j, 1] -= pull * dy
            forces[j, 2] -= pull * dz
    return energy


@njit(cache=True, fastmath=True)
def derivatives(positions, species, box, pairs, epsilon, sigma, cutoff):
    """Return per pair the vector i -> j [P, 3], and the shifted energy with its first three derivatives in r [P, 4].

    Pairs beyond their cutoff get zeros.
    """
    vectors = np.zeros((pairs.shape[0], 3))
    values = np.zeros((pairs.shape[0], 4))
    for p in range(pairs.shape[0]):
        i, j = pairs[p, 0], pairs[p, 1]
        r2 = 0.0
        for d in range(3):
            delta = positions[j, d] - positions[i, d]
            delta -= box[d] * np.rint(delta / box[d])
            vectors[p, d] = delta
            r2 += delta * delta
        a, b = species[i], species[j]
        rc = cutoff[a, b]
        if r2 < rc * rc:
            r = np.sqrt(r2)
            s6 = (sigma[a, b] ** 2 / r2) ** 3
            c6 = (sigma[a, b] / rc) ** 6
            e4 = 4.0 * epsilon[a, b]
            values[p, 0] = e4 * (s6 * s6 - s6 - c6 * c6 + c6)
            values[p, 1] = e4 * (-12.0 * s6 * s6 + 6.0 * s6) / r
            values[p, 2] = e4 * (156.0 * s6 * s6 - 42.0 * s6) / r2
            values[p, 3] = e4 * (-2184.0 * s6 * s6 + 336.0 * s6) / (r2 * r)
    return vectors, values


@njit(cache=True, fastmath=True)
def farthest_move(positions, reference):
    """Return the largest squared displacement between two (unwrapped) arrays [N, 3]."""
    largest = 0.0
    for i in range(positions.shape[0]):
        r2 = 0.0
        for d in range(3):
            delta = positions[i, d] - reference[i, d]
            r2 += delta * delta
        largest = max(largest, r2)
    return largest


@njit(cache=True, fastmath=True)
def fire(start, species, box, epsilon, sigma, cutoff, skin, tolerance, most_steps):
    """Minimise the energy by FIRE; return positions (unwrapped), forces, energy and the number of steps taken.

    Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), with its published constants, unit masses and semi-implicit
    Euler.
    """
    x = start.copy()
    v = np.zeros_like(x)
    f = np.zeros_like(x)
    anchor = x.copy()
    pairs = pair_list(x, species, box, cutoff + skin)
    energy = forces_into(f, x, species, box, pairs, epsilon, sigma, cutoff)
    dt, alpha, since = 0.005, 0.1, 0
    for step in range(most_steps):
        largest = 0.0
        power = 0.0
        ff = 0.0
        vv = 0.0
        for i in range(x.shape[0]):
            for d in range(3):
                largest = max(largest, abs(f[i, d]))
                power += f[i, d] * v[i, d]
                ff += f[i, d] * f[i, d]
                vv += v[i, d] * v[i, d]
        if largest < tolerance:
            return x, f, energy, step
        if power > 0.0:
            mix = alpha * np.sqrt(vv / ff)
            v *= 1.0 - alpha
            v += mix * f
            since += 1
            if since > 5:
                dt = min(dt * 1.1, 0.03)
                alpha *= 0.99
        else:
            v[:] = 0.0
            dt *= 0.5
            alpha = 0.1
            since = 0
        v += dt * f
        fastest = 0.0
        for i in range(x.shape[0]):
            for d in range(3):
                fastest = max(fastest, abs(v[i, d]))
        x += min(dt, 0.1 / max(fastest, 1e-300)) * v
        if farthest_move(x, anchor) > 0.25 * skin * skin:
            anchor = x.copy()
            pairs = pair_list(x, species, box, cutoff + skin)
        energy = forces_into(f, x, species, box, pairs, epsilon, sigma, cutoff)
    return x, f, energy, most_steps

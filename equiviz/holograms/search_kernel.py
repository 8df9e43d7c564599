# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Who is within a radius of whom: a cell list, compiled.

Atoms are sorted into cubes half a radius wide. A centre looks into the 5 x 5 x 5 cubes about its own; cubes that follow
each other in x are one stretch of sorted atoms, so that these are 25 stretches.

Shapes: A atoms, S sites, E neighbours of all sites, K kinds of atoms.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Cubes along one side at most; sparser systems have wider cubes, so that memory stays bounded.
MOST_CUBES = 128


@njit(cache=True, nogil=True)
def search(points, centres, radius, residue, own, kind, kinds):
    """first [S+1] and neighbours [E]: neighbours[first[s]:first[s+1]] are those of site s, in the order of their kinds.

    points [A, 3], centres [S, 3], float64; residue [A] and own [S]: atoms of a site's own residue are left out; kind
    [A] from 0 to kinds - 1. A distance of exactly the radius counts.
    """
    low, size, edge = _grid(points, radius)
    begin, order = _sorted_atoms(points, low, size, edge)
    first = np.zeros(len(centres) + 1, np.int64)
    found = np.empty(256 * len(centres) + 1024, np.int64)
    near, counts = np.empty(1024, np.int64), np.empty(kinds + 1, np.int64)
    for site in range(len(centres)):
        near, count = _near(points, centres[site], radius, residue, own[site], low, size, edge, begin, order, near)
        total = first[site] + count
        if total > len(found):
            found = _longer(found, 2 * total)
        _by_kind(near, count, kind, counts, found[first[site] : total])
        first[site + 1] = total
    return first, found[: first[-1]].copy()


@njit(cache=True, nogil=True)
def _grid(points, radius):
    """The lowest corner, the number of cubes along each side, and their width."""
    low, high = np.empty(3), np.empty(3)
    for axis in range(3):
        low[axis], high[axis] = points[:, axis].min(), points[:, axis].max()
    edge = radius / 2
    for axis in range(3):
        edge = max(edge, (high[axis] - low[axis]) / (MOST_CUBES - 1))
    size = np.empty(3, np.int64)
    for axis in range(3):
        size[axis] = int((high[axis] - low[axis]) / edge) + 1
    return low, size, edge


@njit(cache=True, nogil=True)
def _sorted_atoms(points, low, size, edge):
    """begin [cubes + 1] and order [A]: the atoms of cube c are order[begin[c]:begin[c + 1]]; x counts quickest."""
    cube = np.empty(len(points), np.int64)
    begin = np.zeros(size[0] * size[1] * size[2] + 1, np.int64)
    for atom in range(len(points)):
        x, y = int((points[atom, 0] - low[0]) / edge), int((points[atom, 1] - low[1]) / edge)
        z = int((points[atom, 2] - low[2]) / edge)
        cube[atom] = (z * size[1] + y) * size[0] + x
        begin[cube[atom] + 1] += 1
    for c in range(len(begin) - 1):
        begin[c + 1] += begin[c]
    place, order = begin.copy(), np.empty(len(points), np.int64)
    for atom in range(len(points)):
        order[place[cube[atom]]] = atom
        place[cube[atom]] += 1
    return begin, order


@njit(cache=True, nogil=True)
def _near(points, centre, radius, residue, own, low, size, edge, begin, order, near):
    """The atoms within the radius, unsorted, in a buffer that grows."""
    reach = int(np.ceil(radius / edge))
    at = np.empty(3, np.int64)
    for axis in range(3):
        at[axis] = int(np.floor((centre[axis] - low[axis]) / edge))
    left, right = max(0, at[0] - reach), min(size[0] - 1, at[0] + reach)
    count = 0
    for z in range(max(0, at[2] - reach), min(size[2], at[2] + reach + 1)):
        for y in range(max(0, at[1] - reach), min(size[1], at[1] + reach + 1)):
            row = (z * size[1] + y) * size[0]
            for k in range(begin[row + left], begin[row + right + 1]):
                atom = order[k]
                square = 0.0
                for axis in range(3):
                    square += (points[atom, axis] - centre[axis]) ** 2
                if square <= radius * radius and residue[atom] != own:
                    if count == len(near):
                        near = _longer(near, 2 * count)
                    near[count] = atom
                    count += 1
    return near, count


@njit(cache=True, nogil=True)
def _longer(values, length):
    made = np.empty(length, values.dtype)
    made[: len(values)] = values
    return made


@njit(cache=True, nogil=True)
def _by_kind(near, count, kind, counts, result):
    """Counting sort."""
    counts[:] = 0
    for k in range(count):
        counts[kind[near[k]] + 1] += 1
    for k in range(len(counts) - 1):
        counts[k + 1] += counts[k]
    for k in range(count):
        place = kind[near[k]]
        result[counts[place]] = near[k]
        counts[place] += 1

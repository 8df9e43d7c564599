# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Who is within a radius of whom: a cell list, compiled.

Atoms are sorted into cubes half a radius wide. Cubes that follow each other in x are one stretch of sorted atoms; a
centre looks into the stretches that its sphere meets, at most 5 x 5, and in each only as far as the sphere reaches.

Shapes: A atoms, S sites, E neighbours of all sites.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Cubes along one side at most; sparser systems have wider cubes, so that memory stays bounded.
MOST_CUBES = 128


@njit(cache=True, nogil=True)
def search(points, centres, radius, residue, own):
    """first [S+1] and neighbours [E]: neighbours[first[s]:first[s+1]] are those of site s, in no special order.

    points [A, 3], centres [S, 3], float64; residue [A] and own [S]: atoms of a site's own residue are left out. A
    distance of exactly the radius counts.
    """
    low, size, edge = _grid(points, radius)
    begin, order = _sorted_atoms(points, low, size, edge)
    places, belongs = points[order], residue[order]
    first = np.zeros(len(centres) + 1, np.int64)
    found = np.empty(256 * len(centres) + 1024, np.int64)
    for site in range(len(centres)):
        count, centre = first[site], centres[site]
        bottom, top = _span(centre[2], radius, low[2], edge, size[2])
        for z in range(bottom, top + 1):
            deep = _gap(centre[2] - low[2], z, edge)
            front, back = _span(centre[1], _reach(radius, deep), low[1], edge, size[1])
            for y in range(front, back + 1):
                far = np.hypot(deep, _gap(centre[1] - low[1], y, edge))
                left, right = _span(centre[0], _reach(radius, far), low[0], edge, size[0])
                row = (z * size[1] + y) * size[0]
                start, stop = begin[row + left], begin[row + right + 1]
                if count + stop - start > len(found):
                    found = _longer(found, 2 * (count + stop - start))
                count = _near(places, belongs, order, start, stop, centre, radius, own[site], found, count)
        first[site + 1] = count
    return first, found[: first[-1]].copy()


@njit(cache=True, nogil=True)
def _span(centre, reach, low, edge, size):
    """The first and the last cube along a side that a stretch about a centre meets."""
    return _cube((centre - reach - low) / edge, size), _cube((centre + reach - low) / edge, size)


@njit(cache=True, nogil=True)
def _cube(place, size):
    """The cube at a place counted in cubes, or the one at that end; of NaN the first."""
    if place >= size:
        return size - 1
    return int(place) if place > 0 else 0


@njit(cache=True, nogil=True)
def _gap(centre, cube, edge):
    """How far a centre is from a cube along one side, both counted from the lowest corner."""
    return max(0.0, cube * edge - centre, centre - (cube + 1) * edge)


@njit(cache=True, nogil=True)
def _reach(radius, away):
    """Half of what a sphere cuts out of a line at a distance; a little more, so that rounding loses no atom."""
    return np.sqrt(max(0.0, radius * radius - away * away)) + 1e-6 * radius


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
def _near(places, belongs, order, start, stop, centre, radius, own, found, count):
    """Append the atoms of one stretch that are within the radius; found has room for all of them."""
    for k in range(start, stop):
        x, y, z = places[k, 0] - centre[0], places[k, 1] - centre[1], places[k, 2] - centre[2]
        found[count] = order[k]  # written always, kept by counting: a quarter of them is near, too random to branch on
        count += (x * x + y * y + z * z <= radius * radius) & (belongs[k] != own)
    return count


@njit(cache=True, nogil=True)
def _longer(values, length):
    made = np.empty(length, values.dtype)
    made[: len(values)] = values
    return made

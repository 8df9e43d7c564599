# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Spheres, cylinders and triangles into an image with a depth per sample, as compiled loops.

Positions are in samples: x to the right, y downwards, z to the reader; sample (row, column) has its centre at
(column + 1/2, row + 1/2). Normals are in view axes: x to the right, y upwards, z to the reader. Spheres and cylinders
are exact at each sample (the line of sight is met with the surface itself), triangles carry normals and colours between
their corners. Light and fog are those of the page (js/src/shading.ts).

Shapes: H rows and W columns of samples, N objects, V vertices and F faces of one object, T colours of a table.
Everywhere ``image`` is ``[H, W, 3]`` bytes, ``depth`` ``[H, W]``, and ``fog`` five numbers: the depth where it begins,
the depth where it is full, and its colour (0 to 255).
"""

from __future__ import annotations

import math

from numba import njit

FOG_SHARE = 0.62  # of the fog's colour in what is farthest away
LIGHT = (-0.4082, 0.5443, 0.7328)  # where the light comes from: above, from the left, behind the reader
HALFWAY = (-0.2193, 0.2924, 0.9308)  # between the light and the reader
SMALLEST = 0.6  # radius in samples: what is smaller is drawn as large as this, or it would vanish between samples
EDGE = 1e-9  # share of a triangle by which its sides overlap, so that no sample falls between two


@njit(cache=True, nogil=True)
def draw_spheres(image, depth, centres, radii, colours, fog):
    """Draw centres [N, 3] with radii [N] and colours [N, 3] (0 to 255)."""
    for k in range(len(radii)):
        x, y, z = centres[k, 0], centres[k, 1], centres[k, 2]
        radius = max(radii[k], SMALLEST)
        top, bottom = _between(y - radius, y + radius, depth.shape[0])
        left, right = _between(x - radius, x + radius, depth.shape[1])
        for row in range(top, bottom):
            down = (row + 0.5 - y) / radius
            for column in range(left, right):
                across = (column + 0.5 - x) / radius
                square = across * across + down * down
                if square > 1.0:
                    continue
                up = math.sqrt(1.0 - square)
                here = z + up * radius
                if here > depth[row, column]:
                    depth[row, column] = here
                    _shade(image, row, column, here, colours[k], across, -down, up, fog)


@njit(cache=True, nogil=True)
def draw_cylinders(image, depth, starts, ends, radii, first, second, lit, fog):
    """Draw open cylinders, starts and ends [N, 3], one half in colours ``first`` [N, 3], the other in ``second``."""
    for k in range(len(radii)):
        _cylinder(image, depth, starts[k], ends[k] - starts[k], max(radii[k], SMALLEST), first[k], second[k], lit, fog)


@njit(cache=True, nogil=True)
def draw_meshes(image, depth, points, normals, paints, table, faces, fog):
    """Draw closed meshes of one topology that look outwards.

    points [N, V, 3]; normals [N, V, 3] of any length; paints [N, V], places in the table; table [T, 3] (0 to 255);
    faces [F, 3].
    """
    corners = points[0, :3].copy()
    for k in range(len(points)):
        for face in range(len(faces)):
            for i in range(3):
                for j in range(3):
                    corners[i, j] = points[k, faces[face, i], j]
            _triangle(image, depth, corners, faces[face], normals[k], paints[k], table, fog)


@njit(cache=True, nogil=True)
def _between(low, high, count):
    """Return the samples whose centres lie between two places, cut to those that there are; safe for any float."""
    if not low < high:
        return 0, 0  # NaN too: an index made of it would lie outside of the image
    first = math.ceil(min(max(low - 0.5, 0.0), float(count)))
    last = math.floor(min(max(high - 0.5, -1.0), float(count) - 1.0))
    return first, last + 1


@njit(cache=True, nogil=True)
def _cylinder(image, depth, start, run, radius, first, second, lit, fog):
    """Draw the side of one cylinder.

    On the picture its axis runs ``ahead``. A sample at the distance ``off`` beside the axis sees the surface where that
    stands sqrt(radius^2 - off^2) =: up from the axis, on the reader's side; ``along`` the axis follows from its place.
    """
    flat = math.sqrt(run[0] ** 2 + run[1] ** 2)
    length = math.sqrt(flat**2 + run[2] ** 2)
    if flat < 1e-6 * length or length == 0.0:
        return  # seen along its axis: a circle, which the atoms at its ends cover
    ahead_x, ahead_y, lean, level = run[0] / flat, run[1] / flat, run[2] / length, flat / length
    low, high = min(start[1], start[1] + run[1]) - radius, max(start[1], start[1] + run[1]) + radius
    top, bottom = _between(low, high, depth.shape[0])
    for row in range(top, bottom):
        y = row + 0.5 - start[1]
        left, right = _row_of_cylinder(start[0], run[0], ahead_x, ahead_y, y, radius, depth.shape[1])
        for column in range(left, right):
            x = column + 0.5 - start[0]
            off = y * ahead_x - x * ahead_y
            if abs(off) > radius:
                continue
            up = math.sqrt(radius**2 - off**2)
            along = (x * ahead_x + y * ahead_y + lean * up) / level
            here = start[2] + along * lean + up * level
            if 0.0 <= along <= length and here > depth[row, column]:
                depth[row, column] = here
                colour = first if along < 0.5 * length else second
                if not lit:
                    _tint(image, row, column, here, colour[0], colour[1], colour[2], fog)
                    continue
                side, rise = off / radius, up / radius
                p, q = -side * ahead_y - rise * ahead_x * lean, side * ahead_x - rise * ahead_y * lean
                _shade(image, row, column, here, colour, p, -q, rise * level, fog)


@njit(cache=True, nogil=True)
def _row_of_cylinder(start, run, ahead_x, ahead_y, y, radius, count):
    """Return the samples of one row that a cylinder may touch."""
    low, high = min(start, start + run) - radius, max(start, start + run) + radius
    if abs(ahead_y) > 1e-3:
        middle, half = start + y * ahead_x / ahead_y, radius / abs(ahead_y)
        low, high = max(low, middle - half), min(high, middle + half)
    return _between(low, high, count)


@njit(cache=True, nogil=True)
def _triangle(image, depth, corners, face, normals, paints, table, fog):
    ax, ay, bx, by = corners[0, 0], corners[0, 1], corners[1, 0], corners[1, 1]
    cx, cy = corners[2, 0], corners[2, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if not area < 0.0:
        return  # it looks away from the reader (y is downwards, which turns the sense)
    top, bottom = _between(min(ay, by, cy), max(ay, by, cy), depth.shape[0])
    left, right = _between(min(ax, bx, cx), max(ax, bx, cx), depth.shape[1])
    a, b, c = face[0], face[1], face[2]
    for row in range(top, bottom):
        y = row + 0.5
        for column in range(left, right):
            x = column + 0.5
            first = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
            second = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
            third = 1.0 - first - second
            if first < -EDGE or second < -EDGE or third < -EDGE:
                continue
            here = first * corners[0, 2] + second * corners[1, 2] + third * corners[2, 2]
            if not here > depth[row, column]:
                continue
            depth[row, column] = here
            colour = table[int(first * paints[a] + second * paints[b] + third * paints[c] + 0.5)]
            p = first * normals[a, 0] + second * normals[b, 0] + third * normals[c, 0]
            q = first * normals[a, 1] + second * normals[b, 1] + third * normals[c, 1]
            r = first * normals[a, 2] + second * normals[b, 2] + third * normals[c, 2]
            length = math.sqrt(p * p + q * q + r * r)
            length = length if length > 0.0 else 1.0
            _shade(image, row, column, here, colour, p / length, q / length, r / length, fog)


@njit(cache=True, nogil=True)
def _shade(image, row, column, here, colour, x, y, z, fog):
    """Write one sample of a surface whose unit normal is (x, y, z)."""
    wrapped = 0.5 + 0.5 * (x * LIGHT[0] + y * LIGHT[1] + z * LIGHT[2])
    edge = min(max(z / 0.55, 0.0), 1.0)
    rim = 0.66 + 0.34 * edge * edge * (3.0 - 2.0 * edge)
    bright = (0.36 + 0.70 * wrapped * wrapped + 0.06 * y) * rim
    lightness = 0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2]
    added = 0.13 * wrapped * wrapped * (255.0 - lightness) * rim  # a sheen: dark colours keep their form
    gleam = max(x * HALFWAY[0] + y * HALFWAY[1] + z * HALFWAY[2], 0.0)
    if gleam > 0.8:  # below, its 48th power is less than one step of a byte
        third = gleam * gleam * gleam
        sixth = third * third
        added += 51.0 * (sixth * sixth) * (sixth * sixth) * (sixth * sixth) * (sixth * sixth)  # a fifth of 255
    _tint(
        image,
        row,
        column,
        here,
        bright * colour[0] + added,
        bright * colour[1] + added,
        bright * colour[2] + added,
        fog,
    )


@njit(cache=True, nogil=True)
def _tint(image, row, column, here, red, green, blue, fog):
    """Write one sample, paler the farther away it is."""
    share = FOG_SHARE * min(max((fog[0] - here) / (fog[0] - fog[1]), 0.0), 1.0)
    image[row, column, 0] = int(min(max(red + share * (fog[2] - red), 0.0), 255.0) + 0.5)
    image[row, column, 1] = int(min(max(green + share * (fog[3] - green), 0.0), 255.0) + 0.5)
    image[row, column, 2] = int(min(max(blue + share * (fog[4] - blue), 0.0), 255.0) + 0.5)

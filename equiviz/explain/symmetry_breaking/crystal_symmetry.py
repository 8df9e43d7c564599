"""The symmetry of a periodic structure: turns of its lattice, each with the shifts that bring all points home.

Of a slab, with two periods, a turn keeps or reverses the normal. Of a rod, with one, a turn takes the point farthest
from the axis to another as far, or it is a turn of a chain of points on the axis, which all are.

Shapes: N points, K periods.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

PROBED = 2
"""Points that are tried before all of them are: nearly every wrong shift fails at the first."""
AXIAL = 24
"""Turns about an axis that stand for all: their mean is exact for degrees below it."""
SIGNS = (1.0, -1.0)
PLANE = (True, True, False)


def crystal_elements(
    positions: Tensor, species: Tensor, lattice: Tensor, tolerance: float
) -> list[tuple[Tensor, Tensor]]:
    """Every matrix [3, 3] and source [N] (see `OwnSymmetry`) that map a periodic structure onto itself.

    A turn may come several times, with other shifts, where the cell is not the smallest. Of a chain on its axis, those
    that stand for all turns.

    Args:
        positions: [N, 3].
        species: [N].
        lattice: [K, 3], one period per row, one to three of them.
        tolerance: how far an image may lie from a point, in the unit of the positions.
    """
    numbers, counts = species.unique(return_counts=True)
    rare = (species == numbers[counts.argmin()]).nonzero().flatten()
    turns = (
        _rod_turns(positions, species, lattice[0], tolerance)
        if len(lattice) == 1
        else _lattice_turns(lattice, tolerance)
    )
    found: list[tuple[Tensor, Tensor]] = []
    for matrix in turns:
        moved = positions @ matrix.T
        for target in rare.tolist():
            shift = positions[target] - moved[rare[0]]
            source = _source(positions, moved + shift, species, lattice, tolerance)
            if source is not None:
                found.append((matrix, source))
    return found


def is_chain(positions: Tensor, lattice: Tensor, tolerance: float) -> bool:
    """Whether a structure with one period lies on a line along it: all turns about that leave it as it is."""
    return len(lattice) == 1 and float(_across(positions, lattice[0])[0].norm(dim=1).max()) <= tolerance


def _lattice_turns(lattice: Tensor, tolerance: float) -> Iterator[Tensor]:
    """Orthogonal matrices that map the lattice onto itself: each takes the shortest basis to another basis."""
    basis = _reduced(lattice)
    count = len(lattice)
    steps = torch.tensor(list(itertools.product((-1, 0, 1), repeat=count)), dtype=torch.float64)  # enough where reduced
    vectors = steps @ basis[:count]
    gram, lengths = basis @ basis.T, vectors.norm(dim=1)
    bound = 2 * tolerance * float(basis.norm(dim=1).max())
    same = [list(vectors[(lengths - row.norm()).abs() <= tolerance]) for row in basis[:count]]
    same += [[sign * row for sign in SIGNS] for row in basis[count:]]
    inverse = torch.linalg.inv(basis)
    for rows in itertools.product(*same):
        image = torch.stack(rows)
        if float((image @ image.T - gram).abs().max()) <= bound:
            left, _, right = torch.linalg.svd((inverse @ image).T)
            yield left @ right


def _reduced(lattice: Tensor) -> Tensor:
    """The shortest basis of two or three periods [3, 3]; the third row of two is the normal, of their own size."""
    from ase.geometry import minkowski_reduce

    if len(lattice) == 3:
        return torch.from_numpy(np.array(minkowski_reduce(lattice.numpy())[0], dtype=np.float64))
    whole = torch.cat([lattice, _complement(lattice)])
    reduced = torch.from_numpy(np.array(minkowski_reduce(whole.numpy(), PLANE)[0], dtype=np.float64))  # pyright: ignore[reportArgumentType]
    return torch.cat([reduced[:2], _complement(reduced[:2])])


def _complement(lattice: Tensor) -> Tensor:
    """What is orthogonal to one or two periods, [3 - K, 3], as long as the first of them."""
    return torch.linalg.svd(lattice)[2][len(lattice) :] * lattice[0].norm()


def _across(positions: Tensor, period: Tensor) -> tuple[Tensor, Tensor]:
    """Places in the plane across a period, from their centre, [N, 2], and the axes of the plane [2, 3]."""
    axes = torch.linalg.svd(period[None])[2][1:]
    return (positions - positions.mean(0)) @ axes.T, axes


def _rod_turns(positions: Tensor, species: Tensor, period: Tensor, tolerance: float) -> Iterator[Tensor]:
    """Turns about the period, with and without its reversal and a mirror that holds it."""
    places, axes = _across(positions, period)
    unit = period / period.norm()
    radii = places.norm(dim=1)
    first = int(radii.argmax())
    alike = (species == species[first]) & ((radii - radii[first]).abs() <= 2 * tolerance)
    angles = torch.atan2(places[:, 1], places[:, 0])
    ends = angles[alike].tolist()
    start = float(angles[first])
    if float(radii[first]) <= tolerance:
        start, ends = 0.0, [2 * math.pi * step / AXIAL for step in range(AXIAL)]
    for end, handed, along in itertools.product(ends, SIGNS, SIGNS):
        turn = end - handed * start
        cosine, sine = math.cos(turn), math.sin(turn)
        flat = torch.tensor([[cosine, -handed * sine], [sine, handed * cosine]], dtype=torch.float64)
        yield axes.T @ flat @ axes + along * torch.outer(unit, unit)


def _source(positions: Tensor, moved: Tensor, species: Tensor, lattice: Tensor, tolerance: float) -> Tensor | None:
    """Which point comes to lie on each; None where some place stays empty."""
    few, kinds = positions[:PROBED], species[:PROBED]
    if float(_nearest(few, moved, kinds, species, lattice)[0].max()) > tolerance:
        return None
    distance, source = _nearest(positions, moved, species, species, lattice)
    if float(distance.max()) > tolerance or len(source.unique()) < len(source):
        return None
    return source


def _nearest(
    points: Tensor, images: Tensor, kinds: Tensor, of_images: Tensor, lattice: Tensor
) -> tuple[Tensor, Tensor]:
    """Distance to the nearest image of the same species in any cell, and which it is."""
    far = whole_periods_off(points[:, None] - images, lattice).norm(dim=2)  # [n, N]
    found = torch.where(kinds[:, None] == of_images, far, torch.inf).min(1)
    return found.values, found.indices


def whole_periods_off(shifts: Tensor, lattice: Tensor) -> Tensor:
    """Shifts [..., 3] less whole periods, so that those near a multiple of the periods become short."""
    return shifts - (shifts @ torch.linalg.pinv(lattice)).round() @ lattice

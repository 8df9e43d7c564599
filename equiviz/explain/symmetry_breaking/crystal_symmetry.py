"""The symmetry of a periodic structure: turns of its lattice, each with the shifts that bring all points home.

Shapes: N points.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

PROBED = 2
"""Points that are tried before all of them are: nearly every wrong shift fails at the first."""


def crystal_elements(positions: Tensor, species: Tensor, cell: Tensor, tolerance: float) -> list[tuple[Tensor, Tensor]]:
    """Every matrix [3, 3] and source [N] (see `OwnSymmetry`) that map a crystal onto itself.

    A turn may come several times, with other shifts, where the cell is not the smallest.

    Args:
        positions: [N, 3].
        species: [N].
        cell: [3, 3], one lattice vector per row.
        tolerance: how far an image may lie from a point, in the unit of the positions.
    """
    numbers, counts = species.unique(return_counts=True)
    rare = (species == numbers[counts.argmin()]).nonzero().flatten()
    inverse = torch.linalg.inv(cell)
    found: list[tuple[Tensor, Tensor]] = []
    for matrix in _lattice_turns(cell, tolerance):
        moved = positions @ matrix.T
        for target in rare.tolist():
            shift = positions[target] - moved[rare[0]]
            source = _source(positions, moved + shift, species, cell, inverse, tolerance)
            if source is not None:
                found.append((matrix, source))
    return found


def _lattice_turns(cell: Tensor, tolerance: float) -> Iterator[Tensor]:
    """Orthogonal matrices that map the lattice onto itself: each takes the shortest basis to another basis."""
    from ase.geometry import minkowski_reduce

    reduced = torch.from_numpy(np.array(minkowski_reduce(cell.numpy())[0], dtype=np.float64))
    steps = torch.tensor(list(itertools.product((-1, 0, 1), repeat=3)), dtype=torch.float64)  # enough where reduced
    vectors = steps @ reduced
    gram, lengths = reduced @ reduced.T, vectors.norm(dim=1)
    bound = 2 * tolerance * float(reduced.norm(dim=1).max())
    same = [((lengths - reduced[k].norm()).abs() <= tolerance).nonzero().flatten().tolist() for k in range(3)]
    inverse = torch.linalg.inv(reduced)
    for rows in itertools.product(*same):
        image = vectors[list(rows)]
        if float((image @ image.T - gram).abs().max()) <= bound:
            left, _, right = torch.linalg.svd((inverse @ image).T)
            yield left @ right


def _source(
    positions: Tensor, moved: Tensor, species: Tensor, cell: Tensor, inverse: Tensor, tolerance: float
) -> Tensor | None:
    """Which point comes to lie on each; None where some place stays empty."""
    few, kinds = positions[:PROBED], species[:PROBED]
    if float(_nearest(few, moved, kinds, species, cell, inverse)[0].max()) > tolerance:
        return None
    distance, source = _nearest(positions, moved, species, species, cell, inverse)
    if float(distance.max()) > tolerance or len(source.unique()) < len(source):
        return None
    return source


def _nearest(
    points: Tensor, images: Tensor, kinds: Tensor, of_images: Tensor, cell: Tensor, inverse: Tensor
) -> tuple[Tensor, Tensor]:
    """Distance to the nearest image of the same species in any cell, and which it is."""
    fractions = (points[:, None] - images) @ inverse  # [n, N, 3]
    far = ((fractions - fractions.round()) @ cell).norm(dim=2)
    found = torch.where(kinds[:, None] == of_images, far, torch.inf).min(1)
    return found.values, found.indices

"""Bonds of a structure: who is near whom, without the shifts and the order that a graph needs.

The search is that of `equiviz.structures.neighbours`, or a compiled one in the common case: a structure periodic in
three directions, three or more cutoffs thick, no gradient. That is faster (about twice in CPU time, measured at 4,096
points) because it needs neither shifts nor an order among the bonds of one centre.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from equiviz.structures.neighbours import MAX_EDGES, neighbours
from equiviz.structures.structure import Structure

#: Bins along one lattice vector; more would cost memory without saving work.
MOST_BINS = 128

#: Allowance for dense spots, relative to the number of bonds at the mean density; too few only means to search twice.
SPARE = 1.2

Bonds: TypeAlias = "tuple[Tensor, Tensor, Tensor]"


def find_bonds(structure: Structure, cutoff: float) -> Bonds:
    """Return vectors [E, 3] from receiver to sender, senders [E] and receivers [E], ascending, shorter than the cutoff.

    Vectors have the dtype of the positions and are differentiable where those require a gradient.

    Raises:
        StructureError: whatever `equiviz.structures.neighbours` refuses.
    """
    bins = _bins(structure, cutoff)
    if bins is None:
        found = neighbours(structure.positions, cutoff, structure.cell, structure.pbc)
        return found.vectors, found.edge_index[0], found.edge_index[1]
    return _compiled(structure, cutoff, bins)


def _bins(structure: Structure, cutoff: float) -> np.ndarray | None:
    """Return how many bins [3] a cutoff wide fit along each lattice vector; None if the general search is needed."""
    positions, cell = structure.positions, structure.cell
    tracked = torch.is_grad_enabled() and (positions.requires_grad or (cell is not None and cell.requires_grad))
    if cell is None or not all(structure.pbc) or tracked or not (math.isfinite(cutoff) and cutoff > 0):
        return None
    if len(structure) * _mean_bonds(structure, cutoff) > MAX_EDGES:
        return None  # the general search says why this is refused
    heights = 1 / np.linalg.norm(np.linalg.inv(_float64(cell)), axis=0)  # [3] between opposite faces
    bins = np.minimum(heights / cutoff * (1 - 1e-12), MOST_BINS).astype(np.int64)
    enough_points = len(structure) >= np.prod(bins) / 64  # else walking the empty bins costs more than it saves
    return bins if bins.min() >= 3 and enough_points else None


def _compiled(structure: Structure, cutoff: float, bins: np.ndarray) -> Bonds:
    from equiviz.structures.bonds_kernel import bonds

    assert structure.cell is not None  # or `_bins` would have declined
    cell = _float64(structure.cell)
    fractions = _float64(structure.positions) @ np.linalg.inv(cell)  # [N, 3]
    fractions -= np.floor(fractions)
    capacity = int(SPARE * len(structure) * _mean_bonds(structure, cutoff)) + 64
    while True:
        vectors = np.empty((capacity, 3))
        sender, receiver = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.int64)
        found = bonds(fractions, cell, bins, cutoff, vectors, sender, receiver)
        if found <= capacity:
            break
        capacity = found
    device, dtype = structure.positions.device, structure.positions.dtype
    vectors, sender, receiver = (torch.from_numpy(array[:found]).to(device) for array in (vectors, sender, receiver))
    return vectors.to(dtype), sender, receiver


def _mean_bonds(structure: Structure, cutoff: float) -> float:
    """Return how many bonds a point has at the mean density; the structure has a cell."""
    assert structure.cell is not None
    return 4 / 3 * math.pi * cutoff**3 * len(structure) / abs(np.linalg.det(_float64(structure.cell)))


def _float64(values: Tensor) -> np.ndarray:
    return values.detach().cpu().to(torch.float64).numpy()

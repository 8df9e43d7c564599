"""Which points lie within a cutoff of which, under full, partial or no periodicity. The search itself is vesin's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from equiviz.structures.errors import StructureError

#: More edges than this are refused before the search (they would need more than 10 GB).
MAX_EDGES = 100_000_000

#: Points spread wider than this many cutoffs are refused: the cell list would overflow and kill the process.
MAX_SPREAD = 1e8

#: Lattice vectors count as coplanar below this volume relative to the product of their lengths: the search would walk
#: through more than 10^6 images of one layer.
FLAT_CELL = 1e-6


@dataclass(frozen=True, eq=False)
class Neighbours:
    """A full neighbour list: each pair appears from both ends; edges are sorted by receiver, then sender, then shift.

    Attributes:
        edge_index: [2, E] row 0 the sender j, row 1 the receiver i.
        shifts: [E, 3] integers: how many lattice vectors the image of the sender is away.
        vectors: [E, 3] = r_j + shift @ cell - r_i, in the unit, dtype and autograd graph of the positions.
    """

    edge_index: Tensor  # [2, E]
    shifts: Tensor  # [E, 3]
    vectors: Tensor  # [E, 3]


def neighbours(
    positions: Tensor, cutoff: float, cell: Tensor | None = None, pbc: Sequence[bool] | bool | None = None
) -> Neighbours:
    """Return all pairs closer than the cutoff, periodic images included.

    A point is a neighbour of its own images but not of itself; coincident points are neighbours at distance zero. Cells
    may be smaller than the cutoff, triclinic, left-handed, and positions may lie outside of them. The search is done in
    float64 whatever the dtype of the positions.

    Args:
        positions: [N, 3] in any length unit.
        cutoff: largest distance (excluded), in the same unit.
        cell: [3, 3] rows are lattice vectors; None means no periodicity.
        pbc: which lattice vectors are periods; None means all where there is a cell.

    Raises:
        StructureError: a cutoff that is not positive and finite, points or cells that are not finite, periodic lattice
            vectors without volume, points spread over more than MAX_SPREAD cutoffs, more than MAX_EDGES edges.
    """
    if not (math.isfinite(cutoff) and cutoff > 0):
        raise StructureError(None, None, f"the cutoff must be positive and finite, got {cutoff}")
    points = _finite(positions, "positions")  # [N, 3]
    lattice, flags = _lattice(cell, pbc)
    _refuse_spread(points, cutoff)
    _refuse_crowd(points, cutoff, lattice, flags)
    receivers, senders, shifts = _search(points, cutoff, lattice, flags)
    order = _order(receivers, senders, shifts, len(points))  # [E]
    edge_index = torch.from_numpy(np.stack([senders[order], receivers[order]])).to(positions.device)  # [2, E]
    images = torch.from_numpy(shifts[order]).to(positions.device)  # [E, 3]
    vectors = positions[edge_index[0]] - positions[edge_index[1]]  # [E, 3]
    if cell is not None:
        vectors = vectors + images.to(positions.dtype) @ cell.to(positions)
    return Neighbours(edge_index, images, vectors)


def spans_volume(lattice_vectors: np.ndarray) -> bool:
    """Tell whether k lattice vectors [k, 3] are finite, not zero and clearly not parallel or coplanar."""
    lengths = np.linalg.norm(lattice_vectors, axis=1)  # [k]
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        return False
    unit = lattice_vectors / lengths[:, None]
    return bool(np.linalg.svd(unit, compute_uv=False).prod() > FLAT_CELL) if len(unit) else True


def _finite(values: Tensor, name: str) -> np.ndarray:
    array = values.detach().cpu().to(torch.float64).numpy()
    if array.ndim != 2 or array.shape[1] != 3:
        raise StructureError(None, None, f"{name} must have shape [n, 3], got {list(array.shape)}")
    if not np.isfinite(array).all():
        first = int(np.nonzero(~np.isfinite(array).all(axis=1))[0][0])
        raise StructureError(None, None, f"{name}: row {first} is not finite: {array[first].tolist()}")
    return array


def _lattice(cell: Tensor | None, pbc: Sequence[bool] | bool | None) -> tuple[np.ndarray, np.ndarray]:
    wanted = (cell is not None) if pbc is None else pbc
    flags = np.broadcast_to(np.asarray(wanted, dtype=bool), 3).copy()  # [3]
    if cell is None:
        if flags.any():
            raise StructureError(None, None, f"pbc is {flags.tolist()} but there is no cell; give a cell or pbc=False")
        return np.zeros((3, 3)), flags
    lattice = _finite(cell, "cell")
    if not spans_volume(lattice[flags]):
        why = f"the lattice vectors of the periodic directions span no volume: {lattice[flags].tolist()}"
        raise StructureError(None, None, why)
    return np.where(flags[:, None], lattice, 0.0), flags


def _refuse_spread(points: np.ndarray, cutoff: float) -> None:
    spread = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    if spread > MAX_SPREAD * cutoff:
        why = f"the points are spread over {spread:.3g}, more than {MAX_SPREAD:.0e} cutoffs of {cutoff:g}"
        raise StructureError(None, None, f"{why}; remove the stray points or wrap them into the cell")


def _refuse_crowd(points: np.ndarray, cutoff: float, lattice: np.ndarray, flags: np.ndarray) -> None:
    count = len(points)
    images = _images_within(cutoff, lattice[flags])
    edges = count * images * (count if flags.all() else 1)
    if count**2 * images > MAX_EDGES:
        edges = max(edges, _crowded_pairs(points, cutoff))
    if edges > MAX_EDGES:
        why = f"{count} points with cutoff {cutoff:g} would have about {edges:.2g} edges, more than {MAX_EDGES:.0e}"
        raise StructureError(None, None, f"{why}; take a smaller cutoff, and see that cell and cutoff share one unit")


def _images_within(cutoff: float, rows: np.ndarray) -> float:
    """Mean number of images of one point in a sphere (line, disc) of the cutoff's radius; 1 without periods."""
    ball = (1.0, 2 * cutoff, math.pi * cutoff**2, 4 / 3 * math.pi * cutoff**3)[len(rows)]
    volume = math.sqrt(max(float(np.linalg.det(rows @ rows.T)), 0.0)) if len(rows) else 1.0
    return ball / volume if volume > 0 else math.inf


def _crowded_pairs(points: np.ndarray, cutoff: float) -> float:
    """Lower bound of the number of edges: pairs that share a cube whose diagonal is the cutoff."""
    cubes = np.floor((points - points.min(axis=0)) * (math.sqrt(3) / cutoff)).astype(np.int64)  # [N, 3]
    _, counts = np.unique(cubes, axis=0, return_counts=True)
    return float((counts.astype(np.float64) * (counts - 1)).sum())


def _search(
    points: np.ndarray, cutoff: float, lattice: np.ndarray, flags: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from vesin import NeighborList

    search = NeighborList(cutoff=cutoff, full_list=True, n_threads=torch.get_num_threads())
    receivers, senders, shifts = search.compute(points, lattice, flags, "ijS")
    return receivers.astype(np.int64), senders.astype(np.int64), shifts.astype(np.int64)  # [E], [E], [E, 3]


def _order(receivers: np.ndarray, senders: np.ndarray, shifts: np.ndarray, count: int) -> np.ndarray:
    """Order of the edges by receiver, sender, shift: one integer per edge where it fits, which sorts 4x faster."""
    low = shifts.min(axis=0, initial=0)  # [3]
    width = shifts.max(axis=0, initial=0) - low + 1  # [3]
    if float(count) ** 2 * float(np.prod(width.astype(np.float64))) >= 2**62:
        return np.lexsort((shifts[:, 2], shifts[:, 1], shifts[:, 0], senders, receivers))
    image = ((shifts[:, 0] - low[0]) * width[1] + shifts[:, 1] - low[1]) * width[2] + shifts[:, 2] - low[2]
    return np.argsort((receivers * count + senders) * int(np.prod(width)) + image, kind="stable")

"""Distances between points, periodic images included: what "no overlaps" means."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.structures.neighbours import Neighbours, neighbours
from equiviz.structures.structure import Structure

FIRST_GUESS = 1.0
"""In the structure's length unit; doubled until two points are found within."""
MOST_DOUBLINGS = 40


def pairs_within(structure: Structure, length: float) -> Neighbours:
    """All pairs of points closer than this, from both ends."""
    return neighbours(structure.positions.detach(), length, structure.cell, structure.pbc)


def close_pairs(structure: Structure, length: float) -> bool:
    """Whether any two points are closer than this."""
    return bool(pairs_within(structure, length).edge_index.shape[1])


def shortest_distance(structure: Structure) -> float:
    """Between any two points, images included, in the length unit; infinity for a single point without a cell."""
    reach = FIRST_GUESS
    if len(structure) < 2 and not any(structure.pbc):
        return float("inf")
    for _ in range(MOST_DOUBLINGS):
        found: Tensor = pairs_within(structure, reach).vectors
        if len(found):
            return float(torch.linalg.vector_norm(found, dim=1).min())
        reach *= 2
    return float("inf")

"""One node and its neighbours, as a scene: what a tool draws of an environment that it found."""

from __future__ import annotations

import numpy as np

from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.structures.structure import Structure
from equiviz.view.arrays import numbers
from equiviz.view.layers import Atoms, Bonds
from equiviz.view.scene import Scene

FIRST_SHELL = 1.25
"""Neighbours nearer than so many times the nearest are joined to the centre."""
SMALL, LARGE = 0.28, 0.42
"""Radii of neighbours and of the centre, in distances of the nearest neighbour."""


def neighbourhood_scene(structure: Structure, node: int, reach: float, title: str = "") -> Scene:
    """A node in the middle, larger than the others; those of its first shell are joined to it.

    Args:
        structure: where it is; periodic images are drawn where they are near.
        node: its number.
        reach: how far the neighbours are drawn, in the length unit of the structure.
        title: above the picture.
    """
    around = Neighbourhood.within(structure, reach)
    rows = around.receiver == node
    vectors = numbers(around.vectors[rows])  # [K, 3]
    senders = around.sender[rows].tolist()
    distances = np.linalg.norm(vectors, axis=1)
    nearest = float(distances[distances > 0].min()) if (distances > 0).any() else reach
    positions = np.concatenate([np.zeros((1, 3)), vectors])
    radii = nearest * np.where(np.arange(len(positions)) == 0, LARGE, SMALL)
    labels = [structure.labels[own] for own in (node, *senders)]
    hover = [f"node {node}, the centre"]
    unit = f" {structure.length_unit}" if structure.length_unit else ""
    hover += [f"node {own}, at {r:.3g}{unit}" for own, r in zip(senders, distances, strict=True)]
    layers: list[Atoms | Bonds] = [Atoms(positions, radii, labels=tuple(labels), hover=tuple(hover))]
    shell = 1 + np.flatnonzero(distances < FIRST_SHELL * nearest)
    if len(shell):
        pairs = np.stack([np.zeros_like(shell), shell], 1)
        layers.append(Bonds(pairs, 0.05 * nearest))
    return Scene(layers, title, structure.length_unit)

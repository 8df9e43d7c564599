"""What is drawn of an input: its points about the middle of each structure, several structures in a row.

Capitals: N points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.view.layers import Atoms, CellBox
from equiviz.view.show import show

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Points:
    """Points that can be drawn in any orientation.

    Attributes:
        arms: from the middle of a point's own structure, ``[N, 3]``.
        places: where that middle is drawn, ``[N, 3]``.
        radii: ``[N]``, in the same unit.
        labels: the species of each.
        edges: of periodic cells as one line about the middle, ``[n, 3]``, with NaN where the pen is lifted.
        edge_places: as `places`, ``[n, 3]``.
    """

    arms: NDArray[np.float64]
    places: NDArray[np.float64]
    radii: NDArray[np.float64]
    labels: tuple[str, ...]
    edges: NDArray[np.float64]
    edge_places: NDArray[np.float64]

    @classmethod
    def of(cls, x: ModelInput) -> Points | None:
        """The points of an input; None where it has none."""
        parts = [_centred(structure) for structure in _structures(x) if len(structure)]
        if not parts:
            return None
        reach = max(part.reach for part in parts)
        steps = [np.array([2.05 * reach * k, 0.0, 0.0]) for k in range(len(parts))]
        return cls(
            np.concatenate([part.arms for part in parts]),
            np.concatenate([part.places + step for part, step in zip(parts, steps, strict=True)]),
            np.concatenate([part.radii for part in parts]),
            tuple(label for part in parts for label in part.labels),
            np.concatenate([part.edges for part in parts]),
            np.concatenate([part.edge_places + step for part, step in zip(parts, steps, strict=True)]),
        )

    def __len__(self) -> int:
        """Number of points."""
        return len(self.arms)

    @property
    def reach(self) -> float:
        """How far a structure extends from its middle, whichever way it is turned."""
        far = np.linalg.norm(self.arms, axis=1) + self.radii
        corners = np.linalg.norm(self.edges[np.isfinite(self.edges).all(axis=1)], axis=1)
        return float(np.concatenate([far, corners]).max()) or 1.0

    @property
    def limits(self) -> tuple[list[float], list[float]]:
        """The lower and the upper corner of a box that holds every orientation."""
        return (self.places.min(axis=0) - self.reach).tolist(), (self.places.max(axis=0) + self.reach).tolist()

    def turned(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """The points ``[N, 3]``, each structure turned about its middle."""
        return self.arms @ matrix.T + self.places

    def turned_edges(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """The edges of the cells ``[n, 3]``, turned likewise."""
        return self.edges @ matrix.T + self.edge_places


def _structures(x: ModelInput) -> list[Structure]:
    if isinstance(x, Structure):
        return [x]
    if isinstance(x, Graph):
        return [_of_graph(x, number) for number in range(x.n_graphs)]
    if isinstance(x, TypedTensors):
        return [] if x.positions is None else [_alike(x.positions)]
    return list(x)


def _of_graph(graph: Graph, number: int) -> Structure:
    own = graph.batch == number
    pbc = (False, False, False) if graph.pbc is None else tuple(map(bool, graph.pbc[number].tolist()))
    cell = None if graph.cells is None or not any(pbc) else graph.cells[number]
    return Structure(
        graph.positions.detach()[own],
        graph.species[own],
        cell,
        pbc,  # type: ignore[arg-type]
        length_unit=graph.length_unit,
        species_names=graph.species_names,
    )


def _alike(positions: torch.Tensor) -> Structure:
    """Points of one kind."""
    return Structure(positions.detach(), torch.ones(len(positions), dtype=torch.long), species_names=("", "node"))


def _centred(structure: Structure) -> Points:
    scene = show(structure, slab=False)
    atoms = next(layer for layer in scene.layers if isinstance(layer, Atoms))
    boxes = [layer for layer in scene.layers if isinstance(layer, CellBox)]
    edges = boxes[0].path() if boxes else np.zeros((0, 3))
    corners = edges if boxes else atoms.positions
    middle = (np.nanmin(corners, axis=0) + np.nanmax(corners, axis=0)) / 2
    return Points(
        atoms.positions - middle,
        np.zeros_like(atoms.positions),
        atoms.radii,
        atoms.labels,
        edges - middle,
        np.zeros_like(edges),
    )

"""Copies of one graph, each turned by its own element of O(3), as one batch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from equiviz.equivariance.orbit import Orbit
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps

_VECTOR = O3Irreps("1x1o")


def turned_copies(graph: Graph, orbit: Orbit) -> Graph:
    """The graph turned by each element, one copy after another, each with the edges of the original in their order.

    Positions, cells, given edge vectors and typed attributes turn, in the graph's dtype; gradients flow through.

    Args:
        graph: N points, E edges, B structures.
        orbit: Q elements.

    Returns:
        a graph of Q N points, Q E edges, Q B structures.
    """
    count = len(orbit)
    steps = torch.arange(count, device=graph.batch.device)
    edges = graph.edge_index[:, None] + len(graph) * steps[:, None]  # [2, Q, E]
    given = graph.given_vectors
    return replace(
        graph,
        positions=_turned(graph.positions, orbit),
        species=graph.species.repeat(count),
        edge_index=edges.flatten(1),
        shifts=graph.shifts.repeat(count, 1),
        batch=(graph.batch + graph.n_graphs * steps[:, None]).flatten(),
        cells=None if graph.cells is None else _turned(graph.cells, orbit),
        node={name: _turned_field(item, orbit) for name, item in graph.node.items()},
        graph={name: _turned_field(item, orbit) for name, item in graph.graph.items()},
        n_graphs=graph.n_graphs * count,
        pbc=None if graph.pbc is None else graph.pbc.repeat(count, 1),
        names=graph.names * count,
        given_vectors=None if given is None else _turned(given, orbit),
    )


def _turned(vectors: Tensor, orbit: Orbit) -> Tensor:
    return orbit.turn(_VECTOR, vectors[None]).to(vectors.dtype).flatten(0, 1)


def _turned_field(item: Field, orbit: Orbit) -> Field:
    return item.with_values(orbit.turn(item.representation, item.values[None]).to(item.values.dtype).flatten(0, 1))

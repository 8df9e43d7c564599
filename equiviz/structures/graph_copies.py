"""Many copies of one graph side by side, as one batch: one pass of a model instead of many small ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field

# Shapes: K copies of N points, E edges, B structures.


def copies(graph: Graph, count: int, kept: Tensor | None = None) -> Graph:
    """The graph `count` times, without edges between the copies.

    Point n of copy k is point ``k N + n``, likewise edges and structures. The edges' receivers stay in order.

    Args:
        graph: what is repeated; edge vectors of its own (`Graph.with_edge_vectors`) are repeated, too.
        count: K.
        kept: ``[K, E]`` bool: which edges each copy keeps; by default all.
    """
    points, structures = len(graph), graph.n_graphs
    edges = graph.edge_index.shape[1]
    chosen = slice(None) if kept is None else kept.flatten()
    offsets = torch.arange(count, device=graph.batch.device)
    index = (graph.edge_index[:, None, :] + points * offsets[None, :, None]).reshape(2, count * edges)
    return replace(
        graph,
        positions=graph.positions.repeat(count, 1),
        species=graph.species.repeat(count),
        edge_index=index[:, chosen],
        shifts=graph.shifts.repeat(count, 1)[chosen],
        batch=(graph.batch[None] + structures * offsets[:, None]).flatten(),
        cells=None if graph.cells is None else graph.cells.repeat(count, 1, 1),
        node=_repeated(graph.node, count),
        graph=_repeated(graph.graph, count),
        n_graphs=structures * count,
        pbc=None if graph.pbc is None else graph.pbc.repeat(count, 1),
        names=graph.names * count,
        given_vectors=None if graph.given_vectors is None else graph.given_vectors.repeat(count, 1)[chosen],
    )


def _repeated(fields: Mapping[str, Field], count: int) -> dict[str, Field]:
    return {
        name: item.with_values(item.values.repeat(count, *(1 for _ in item.values.shape[1:])))
        for name, item in fields.items()
    }

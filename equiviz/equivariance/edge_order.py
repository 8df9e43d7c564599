"""Where the edges of a structure lie after it was turned, in a batch of several turned copies."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.structures.graph import Graph


def edge_orders(before: Graph, after: Graph, parts: int) -> Tensor | None:
    """The edge of each copy that corresponds to each edge of the original.

    Neighbour lists give the edges of one receiver in an order that depends on the orientation.

    Args:
        before: the graph of the original, N points and E edges.
        after: the graph of `parts` copies of it, one after another.
        parts: how many copies.

    Returns:
        ``[parts, E]``: edge e of the original is edge ``orders[p, e]`` of copy p, counted from that copy's first edge;
        None where neighbours came or went, so that edges do not correspond.
    """
    count = before.edge_index.shape[1]
    if after.edge_index.shape[1] != count * parts or len(after) != len(before) * parts:
        return None
    found = torch.cat([after.edge_index, after.shifts.T.to(after.edge_index)]).reshape(5, parts, count)
    found[:2] -= len(before) * torch.arange(parts, device=found.device)[:, None]
    expected = torch.cat([before.edge_index, before.shifts.T.to(before.edge_index)])[:, None]  # [5, 1, E]
    theirs, ours = _packed(torch.cat([found, expected.to(found)], 1)).split([parts, 1])  # [parts, E], [1, E]
    order, original = theirs.argsort(dim=1, stable=True), ours.argsort(dim=1, stable=True)
    if not bool((theirs.gather(1, order) == ours.gather(1, original)).all()):
        return None
    return order[:, original[0].argsort()]


def _packed(columns: Tensor) -> Tensor:
    """One integer for each column of five, ``[5, P, E] -> [P, E]``."""
    if not columns.numel():
        return columns[0]
    flat = columns.flatten(1)
    low = flat.amin(1)
    extent = flat.amax(1) - low + 1
    packed = torch.zeros_like(columns[0])
    for row, least, size in zip(columns, low, extent, strict=True):
        packed = packed * size + (row - least)
    return packed

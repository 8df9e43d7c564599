"""Messages of scalars and Cartesian vectors along edges (PaiNN, arXiv 2102.03150, equations 7 and 8), fused.

``scalar[i] = sum over edges e = (j -> i) of filters[e, 0] told[j, 0]``
``vector[i, k] = sum over e of filters[e, 1] told[j, 1] directions[e, k] + filters[e, 2] told[j, 2 + k]``

No tensor of size [E, 3, C] is made, forward or backward; on devices other than the CPU, or with ``compiled=False``, the
same sums are written in plain torch. Together with the upstream gradient the sum is linear in each of four factors, so
that four loops give all derivatives (`equiviz.nn.multilinear`).

Shapes: N nodes, E edges, C channels. `told` is [N, 5, C]: what scalars tell, what goes along directions, and vectors
that are carried on; or [N, 2, C] without these, and then `filters` is [E, 2, C] instead of [E, 3, C].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from equiviz.nn.multilinear import Multilinear
from equiviz.nn.neighbour_sum import SortedEdges


def vector_messages(
    told: Tensor, filters: Tensor, directions: Tensor, edges: SortedEdges, compiled: bool = True
) -> Tensor:
    """Sum messages over the edges of each receiver.

    Args:
        told: [N, 5, C] or [N, 2, C], see the module.
        filters: [E, 3, C] or [E, 2, C].
        directions: [E, 3].
        edges: sorted by receiver.
        compiled: whether to run compiled loops on the CPU.

    Returns:
        [N, 4, C]: one scalar, one vector. Differentiable to any order, backward and forward.
    """
    if compiled and told.device.type == "cpu":
        ways = torch.cat([directions.new_ones(len(directions), 1), directions], 1)  # [E, 4]
        return Multilinear.apply(partial(_derivative, edges, told.shape[1]), None, told, filters, ways)
    return _plain(told, filters, directions, edges)


def _plain(told: Tensor, filters: Tensor, directions: Tensor, edges: SortedEdges) -> Tensor:
    sent = told.index_select(0, edges.sender)  # [E, 5 or 2, C]
    vectors = (sent[:, 1] * filters[:, 1]).unsqueeze(1) * directions.unsqueeze(2)  # [E, 3, C]
    if told.shape[1] > 2:
        vectors = torch.addcmul(vectors, sent[:, 2:], filters[:, 2:])
    messages = torch.cat([sent[:, :1] * filters[:, :1], vectors], 1)
    return messages.new_zeros(edges.n_nodes, 4, told.shape[2]).index_add(0, edges.receiver, messages)


def _derivative(
    edges: SortedEdges,
    rows: int,
    got: Tensor | None,
    told: Tensor | None,
    filters: Tensor | None,
    ways: Tensor | None,
) -> Tensor:
    """Of the sum of messages times `got` [N, 4, C], the derivative in the factor that is None."""
    from equiviz.nn import vector_messages_kernels as kernels

    known = [_array(value) for value in (got, told, filters, ways) if value is not None]
    count, like = len(edges.sender), told if told is not None else got
    assert like is not None
    channels = like.shape[2]
    if got is None:
        loop, out = kernels.to_receivers, like.new_empty(edges.n_nodes, 4, channels)
    elif told is None:
        loop, out = kernels.to_senders, like.new_zeros(edges.n_nodes, rows, channels)
    elif filters is None:
        loop, out = kernels.to_filters, like.new_empty(count, 3 if rows > 2 else 2, channels)
    else:
        loop, out = kernels.to_directions, like.new_zeros(count, 4)
    return _filled(loop, [_array(edges.first), _array(edges.sender), *known], out)


def _filled(loop: Callable[..., None], arrays: list[Any], out: Tensor) -> Tensor:
    loop(*arrays, out.numpy())
    return out


def _array(values: Tensor) -> Any:
    return values.detach().contiguous().numpy()

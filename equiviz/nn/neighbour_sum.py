"""The sum over neighbours that every convolution here is made of, compiled, with all its derivatives.

`neighbour_sum(basis, features, edges)[i, q, c] = sum over edges e = (j -> i) of basis[e, q] * features[j, c]`

With the upstream gradient it makes a number that is linear in each of three factors (basis, features, upstream). The
sum is the derivative of that number in one factor, and its own derivatives are those in the others: first, second and
higher derivatives, backward and forward, all run through the same three compiled loops (`equiviz.nn.multilinear`). On
devices other than the CPU, or with ``compiled=False``, the same sums are written in plain torch.

Shapes: N nodes, E edges, Q basis functions, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from equiviz.nn.errors import ModelError
from equiviz.nn.multilinear import Multilinear


@dataclass(frozen=True, eq=False)
class SortedEdges:
    """Edges sorted by receiver, in compressed rows.

    Attributes:
        first: `[N + 1]` long: the edges of receiver i are ``first[i]:first[i + 1]``.
        sender: `[E]` long.
        receiver: `[E]` long, not decreasing.
    """

    first: Tensor
    sender: Tensor
    receiver: Tensor

    @staticmethod
    def from_index(sender: Tensor, receiver: Tensor, n_nodes: int) -> SortedEdges:
        """Compress edges whose receivers do not decrease. Raises ModelError when they do."""
        if bool((receiver[1:] < receiver[:-1]).any()):
            raise ModelError(
                "SortedEdges expects edges sorted by receiver, but the receivers decrease somewhere. "
                "Sort them first: order = receiver.argsort(stable=True)."
            )
        counts = torch.bincount(receiver, minlength=n_nodes)
        first = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return SortedEdges(first.contiguous(), sender.contiguous(), receiver.contiguous())

    @property
    def n_nodes(self) -> int:
        """Number of receivers N."""
        return len(self.first) - 1


def neighbour_sum(basis: Tensor, features: Tensor, edges: SortedEdges, compiled: bool = True) -> Tensor:
    """Sum `basis` `[E, Q]` times the senders' `features` `[N, C]` over the edges of each receiver: `[N, Q, C]`.

    Differentiable to any order in both. The dtypes must agree.
    """
    if compiled and basis.device.type == "cpu":
        return Multilinear.apply(partial(_compiled_sum, edges), basis, features, None)
    return _plain_gather(basis, features, edges)


def neighbour_mean(features: Tensor, edges: SortedEdges, compiled: bool = True) -> Tensor:
    """The mean of `features` [N, C] over each node and its neighbours: [N, C]. Differentiable to any order.

    The edges must hold every pair from both ends, as neighbour lists do: the derivative relies on it.
    """
    members = (1 + edges.first.diff())[:, None].to(features)  # [N, 1]
    if compiled and features.device.type == "cpu":
        return _SymmetricSum.apply(features, edges) / members
    return features.index_add(0, edges.receiver, features[edges.sender]) / members


def _plain_gather(basis: Tensor, features: Tensor, edges: SortedEdges) -> Tensor:
    messages = basis[:, :, None] * features[edges.sender][:, None, :]  # [E, Q, C]
    zeros = messages.new_zeros(edges.n_nodes, *messages.shape[1:])
    return zeros.index_add(0, edges.receiver, messages)  # [N, Q, C]


def arrays_of(edges: SortedEdges, *tensors: Tensor) -> list[Any]:
    """What a compiled loop takes: where each receiver's edges begin, the senders, and tensors as arrays."""
    return [t.detach().contiguous().numpy() for t in (edges.first, edges.sender, *tensors)]


def _compiled_sum(edges: SortedEdges, basis: Tensor | None, features: Tensor | None, upstream: Tensor | None) -> Tensor:
    """Of the sum over edges j -> i of basis[e, q] features[j, c] upstream[i, q, c], the derivative in the one left out.

    So [N, Q, C] without `upstream`, [N, C] without `features`, [E, Q] without `basis`.
    """
    from equiviz.nn.neighbour_sum_kernels import correlate, gather, scatter

    if basis is not None and features is not None:
        out = basis.new_empty(edges.n_nodes, basis.shape[1], features.shape[1])
        gather(*arrays_of(edges, basis, features, out))
        return out
    assert upstream is not None
    if basis is not None:
        out = basis.new_zeros(edges.n_nodes, upstream.shape[2])
        scatter(*arrays_of(edges, basis, upstream, out))
        return out
    assert features is not None
    out = upstream.new_zeros(len(edges.sender), upstream.shape[1])
    correlate(*arrays_of(edges, upstream, features, out))
    return out


class _SymmetricSum(torch.autograd.Function):
    """features [N, C] -> each node's own plus its neighbours' [N, C].

    It is its own transpose, for edges come in both directions.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, edges: SortedEdges) -> Tensor:
        from equiviz.nn.neighbour_sum_kernels import gather_unweighted

        ctx.edges = edges
        out = torch.empty_like(features, memory_format=torch.contiguous_format)
        gather_unweighted(*arrays_of(edges, features, out))
        return out

    @staticmethod  # torch's stub wants any number of upstream gradients, a function has a fixed one
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _SymmetricSum.apply(upstream, ctx.edges), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _SymmetricSum.apply(tangent, ctx.edges)

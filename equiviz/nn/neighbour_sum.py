"""The sum over neighbours that every convolution here is made of, compiled, with all its derivatives.

`neighbour_sum(basis, features, edges)[i, q, c] = sum over edges e = (j -> i) of basis[e, q] * features[j, c]`

It is trilinear in (basis, features, upstream gradient), and so are its two transposes; the three autograd functions
below
are each other's derivatives, hence first, second and higher derivatives all run through the same three compiled loops.
On devices other than the CPU, or with ``compiled=False``, the same sums are written in plain torch.

Shapes: N nodes, E edges, Q basis functions, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from equiviz.nn.errors import ModelError


@dataclass(frozen=True, eq=False)
class SortedEdges:
    """Edges sorted by receiver, in compressed rows.

    Attributes
    ----------
    first
        `[N + 1]` long: the edges of receiver i are ``first[i]:first[i + 1]``.
    sender
        `[E]` long.
    receiver
        `[E]` long, not decreasing.
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
        return _Gather.apply(basis, features, edges)
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


def _arrays(edges: SortedEdges, *tensors: Tensor) -> list[Any]:
    return [t.detach().contiguous().numpy() for t in (edges.first, edges.sender, *tensors)]


class _Gather(torch.autograd.Function):
    """(basis [E, Q], features [N, C]) -> [N, Q, C]."""

    @staticmethod
    def forward(ctx: Any, basis: Tensor, features: Tensor, edges: SortedEdges) -> Tensor:
        from equiviz.nn.neighbour_sum_kernels import gather

        ctx.save_for_backward(basis, features)
        ctx.edges = edges
        out = basis.new_empty(edges.n_nodes, basis.shape[1], features.shape[1])
        gather(*_arrays(edges, basis, features, out))
        return out

    @staticmethod  # torch's stub wants any number of upstream gradients, a function has a fixed one
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        basis, features = ctx.saved_tensors
        to_basis = _Correlate.apply(upstream, features, ctx.edges) if ctx.needs_input_grad[0] else None
        to_features = _Scatter.apply(basis, upstream, ctx.edges) if ctx.needs_input_grad[1] else None
        return to_basis, to_features, None


class _Scatter(torch.autograd.Function):
    """(basis [E, Q], upstream [N, Q, C]) -> [N, C]."""

    @staticmethod
    def forward(ctx: Any, basis: Tensor, upstream: Tensor, edges: SortedEdges) -> Tensor:
        from equiviz.nn.neighbour_sum_kernels import scatter

        ctx.save_for_backward(basis, upstream)
        ctx.edges = edges
        out = basis.new_zeros(edges.n_nodes, upstream.shape[2])
        scatter(*_arrays(edges, basis, upstream, out))
        return out

    @staticmethod  # torch's stub wants any number of upstream gradients, a function has a fixed one
    def backward(ctx: Any, change: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        basis, upstream = ctx.saved_tensors
        to_basis = _Correlate.apply(upstream, change, ctx.edges) if ctx.needs_input_grad[0] else None
        to_upstream = _Gather.apply(basis, change, ctx.edges) if ctx.needs_input_grad[1] else None
        return to_basis, to_upstream, None


class _Correlate(torch.autograd.Function):
    """(upstream [N, Q, C], features [N, C]) -> [E, Q]."""

    @staticmethod
    def forward(ctx: Any, upstream: Tensor, features: Tensor, edges: SortedEdges) -> Tensor:
        from equiviz.nn.neighbour_sum_kernels import correlate

        ctx.save_for_backward(upstream, features)
        ctx.edges = edges
        out = upstream.new_zeros(len(edges.sender), upstream.shape[1])
        correlate(*_arrays(edges, upstream, features, out))
        return out

    @staticmethod  # torch's stub wants any number of upstream gradients, a function has a fixed one
    def backward(ctx: Any, change: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        upstream, features = ctx.saved_tensors
        to_upstream = _Gather.apply(change, features, ctx.edges) if ctx.needs_input_grad[0] else None
        to_features = _Scatter.apply(change, upstream, ctx.edges) if ctx.needs_input_grad[1] else None
        return to_upstream, to_features, None


class _SymmetricSum(torch.autograd.Function):
    """features [N, C] -> each node's own plus its neighbours' [N, C]; its own transpose, for edges come in both
    directions.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, edges: SortedEdges) -> Tensor:
        from equiviz.nn.neighbour_sum_kernels import gather_unweighted

        ctx.edges = edges
        out = torch.empty_like(features, memory_format=torch.contiguous_format)
        gather_unweighted(*_arrays(edges, features, out))
        return out

    @staticmethod  # torch's stub wants any number of upstream gradients, a function has a fixed one
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _SymmetricSum.apply(upstream, ctx.edges), None

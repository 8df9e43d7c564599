"""The density of neighbours in shells and spherical harmonics, compiled, with all its derivatives.

`neighbour_density(harmonics, radial, features, edges)[i, q, k, c]
    = sum over edges e = (j -> i) of harmonics[e, q] * radial[e, k] * features[j, c]`

It is `neighbour_sum` of the products R_k Y_lm, which are never written down: there are Q K of them for each edge, while
the factors are Q + K. As there, all derivatives are sums of the same kind, with another factor left out.

Shapes: N nodes, E edges, Q harmonics, K radial functions, C channels.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from equiviz.nn.multilinear import Multilinear
from equiviz.nn.neighbour_convolution import edge_basis
from equiviz.nn.neighbour_sum import SortedEdges, arrays_of, neighbour_sum


def neighbour_density(
    harmonics: Tensor, radial: Tensor, features: Tensor, edges: SortedEdges, compiled: bool = True
) -> Tensor:
    """Sum `harmonics` [E, Q] times `radial` [E, K] times the senders' `features` [N, C] over edges: [N, Q, K, C].

    Differentiable to any order in all three. The dtypes must agree.
    """
    if compiled and harmonics.device.type == "cpu":
        return Multilinear.apply(partial(_compiled_density, edges), harmonics, radial, features, None)
    summed = neighbour_sum(edge_basis(radial, harmonics), features, edges, compiled=False)
    return summed.unflatten(1, (harmonics.shape[1], radial.shape[1]))


def _compiled_density(
    edges: SortedEdges,
    harmonics: Tensor | None,
    radial: Tensor | None,
    features: Tensor | None,
    upstream: Tensor | None,
) -> Tensor:
    """Of the sum over edges of the product of all four, the derivative in the one left out.

    `upstream` is [N, Q, K, C]; the others are as for `neighbour_density`.
    """
    from equiviz.nn import neighbour_density_kernels as kernels

    if upstream is None:
        assert harmonics is not None
        assert radial is not None
        assert features is not None
        shape = edges.n_nodes, harmonics.shape[1], radial.shape[1], features.shape[1]
        out = harmonics.new_empty(shape)
        kernels.gather(*arrays_of(edges, harmonics, radial, features, out))
    elif features is None:
        assert harmonics is not None
        assert radial is not None
        out = upstream.new_zeros(edges.n_nodes, upstream.shape[3])
        kernels.scatter(*arrays_of(edges, harmonics, radial, upstream, out))
    elif harmonics is None:
        assert radial is not None
        out = upstream.new_empty(len(edges.sender), upstream.shape[1])
        kernels.correlate_directions(*arrays_of(edges, radial, features, upstream, out))
    else:
        out = upstream.new_empty(len(edges.sender), upstream.shape[2])
        kernels.correlate_distances(*arrays_of(edges, harmonics, features, upstream, out))
    return out

"""A tensor-field convolution whose cost is moved from edges to nodes.

Thomas et al., arXiv 1802.08219, eq. 3: m_i = sum_j R(|r_ij|) Y(r_ij) (x) h_j, mixed by learned weights. Where the
radial function is linear in a fixed basis R_k, the sum over neighbours commutes with all that is learned:

1. per edge:  A_i[k, lm, c] = sum_j R_k(r_ij) Y_lm(r_ij) h_j[c], one compiled loop (`equiviz.nn.neighbour_sum`);
2. per node:  Clebsch-Gordan contraction of (lm) with the components of h;
3. per node:  one linear map over (path, k, channel).

An exact rewriting of e3nn's ``TensorProduct(..., "uvu")`` per edge, with weights R_k and K copies of the input, and a
`Linear`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from equiviz.nn.clebsch_gordan import couples, coupling
from equiviz.nn.neighbour_sum import SortedEdges, neighbour_sum
from equiviz.nn.product_path import ProductPath, natural, numbered
from equiviz.symmetry.representations import O3Irreps, Representation

# Shapes: N nodes, E edges, K radial functions, C channels, P paths. Features of degree l are [N, 2l+1, C], by degree.
Features = dict[int, Tensor]


def edge_basis(radial: Tensor, harmonics: Tensor) -> Tensor:
    """The products R_k Y_lm per edge: `[E, K]`, `[E, (L+1)^2]` -> `[E, (L+1)^2 K]`, k running fastest."""
    return (harmonics[:, :, None] * radial[:, None, :]).flatten(1)


class NeighbourConvolution(nn.Module):
    """Sum over neighbours, then coupling; the mixing of channels is left to the caller.

    Its paths (features x harmonics -> output) can be told apart, see `equiviz.nn.product_paths`.

    Args:
        channels: Degree -> number of channels of the input.
        degrees_out: Degrees of the output.
        filter_lmax: Largest degree of the harmonics on the edges.
        n_radial: K.
        scale: Divides the sums: the square root of the typical number of neighbours.
        compiled: Whether the sums run through numba on the CPU.
    """

    def __init__(
        self,
        channels: dict[int, int],
        degrees_out: tuple[int, ...],
        filter_lmax: int,
        n_radial: int,
        scale: float,
        compiled: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.n_radial, self.scale, self.compiled = dict(channels), n_radial, scale, compiled
        degrees = range(filter_lmax + 1)
        self.paths = [(i, f, o) for o in degrees_out for i in channels for f in degrees if couples(i, f, o)]

    def widths(self) -> dict[int, int]:
        """Degree -> number of channels of the output: K C for each path."""
        out: dict[int, int] = {}
        for i, _, o in self.paths:
            out[o] = out.get(o, 0) + self.n_radial * self.channels[i]
        return out

    def forward(self, features: Features, basis: Tensor, edges: SortedEdges) -> Features:
        """Convolve features [N, 2l+1, C] per degree with `basis` [E, (L+1)^2 K]: degree -> [N, 2l+1, widths[l]]."""
        sums = {i: self._sums(i, features[i], basis, edges) for i in self.channels}
        out: dict[int, list[Tensor]] = {}
        for i, f, o in self.paths:
            out.setdefault(o, []).append(self._couple(sums[i][:, f**2 : (f + 1) ** 2], (i, f, o)))
        return {o: torch.cat(parts, -1) for o, parts in out.items()}

    def product_paths(self) -> list[ProductPath]:
        """In the order of `paths`: features, harmonics, output."""
        return numbered([(natural(i), natural(f), natural(o)) for i, f, o in self.paths])

    def along(self, gates: Tensor, features: Features, basis: Tensor, edges: SortedEdges) -> Features:
        """As `forward`, the columns of each path times its gate; `gates` [P]."""
        out = self.forward(features, basis, edges)
        for o, values in out.items():
            places = [place for place, path in enumerate(self.paths) if path[2] == o]
            columns = torch.tensor([self.n_radial * self.channels[self.paths[place][0]] for place in places])
            out[o] = values * gates[places].repeat_interleave(columns.to(gates.device)).to(values)
        return out

    def representations_of(self, output: Features) -> list[Representation]:
        """Channels run fastest."""
        return [O3Irreps(f"{values.shape[-1]}x{natural(o)}", "ir_mul") for o, values in output.items()]

    def _sums(self, i: int, values: Tensor, basis: Tensor, edges: SortedEdges) -> Tensor:
        top = max(f for start, f, _ in self.paths if start == i)
        used = basis[:, : (top + 1) ** 2 * self.n_radial].contiguous()
        summed = neighbour_sum(used, values.flatten(1) / self.scale, edges, self.compiled)
        return summed.view(len(values), (top + 1) ** 2, self.n_radial, 2 * i + 1, self.channels[i])

    def _couple(self, block: Tensor, path: tuple[int, int, int]) -> Tensor:
        """[N, 2f+1, K, 2i+1, C] -> [N, 2o+1, K C]."""
        i, f, o = path
        width = self.n_radial * self.channels[i]
        lined = block.transpose(2, 3).reshape(len(block), (2 * f + 1) * (2 * i + 1), width)  # [N, (2f+1)(2i+1), K C]
        if o == f == i == 0:
            return lined
        # Always from float64, or a network cast from float32 to float64 would be equivariant to 1e-8 only. As in e3nn,
        # each component of the product has unit variance: the coupling's norm is sqrt(2o+1).
        matrix = coupling(f, i, o).permute(2, 0, 1).flatten(1) * math.sqrt(2 * o + 1)  # [2o+1, (2f+1)(2i+1)]
        return torch.matmul(matrix.to(lined), lined)

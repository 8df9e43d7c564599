"""The blocks of `equiviz.models.glassy`: the density's invariants, and the convolution with its gated residual."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from equiviz.models.glassy_geometry import DENSITY_LMAX, Geometry, GlassyConfig
from equiviz.nn.neighbour_convolution import Features, NeighbourConvolution

# Shapes: N nodes, S scalars, V vectors, W width of the embedding. Features of degree l are [N, 2l+1, channels], by
# degree.
_EXPECTED_NEIGHBOURS = 12.0


class DensityProjection(nn.Module):
    """Invariants of the first layer: learned products of density coefficients, `sum_m a_lm b_lm`, degree by degree."""

    def __init__(self, channels: int, products: int) -> None:
        super().__init__()
        self.left = nn.ModuleList(nn.Linear(channels, products, bias=False) for _ in range(DENSITY_LMAX + 1))
        self.right = nn.ModuleList(nn.Linear(channels, products, bias=False) for _ in range(DENSITY_LMAX + 1))
        self.norm = nn.BatchNorm1d((DENSITY_LMAX + 1) * products)

    def forward(self, density: Tensor) -> Tensor:
        """[N, 16, C] -> [N, 4 products]."""
        blocks = [density[:, degree**2 : (degree + 1) ** 2] for degree in range(DENSITY_LMAX + 1)]  # [N, 2l+1, C]
        pairs = zip(blocks, self.left, self.right, strict=True)
        return self.norm(torch.cat([(left(block) * right(block)).mean(1) for block, left, right in pairs], 1))


class Layer(nn.Module):
    """One convolution with a gated residual: scalars pass through a nonlinearity, vectors are scaled by a gate."""

    def __init__(self, config: GlassyConfig) -> None:
        super().__init__()
        s, v = config.scalars, config.vectors
        self.directed = config.messages == "equivariant"
        channels, filters = ({0: s, 1: v}, 2) if self.directed else ({0: s}, 0)
        degrees = (0, 1) if self.directed else (0,)
        self.gather = NeighbourConvolution(
            channels, degrees, filters, config.message_radial, _EXPECTED_NEIGHBOURS**0.5, config.compiled
        )
        widths = self.gather.widths()
        seen = widths[0] + (v if self.directed else 0)
        self.norm = nn.BatchNorm1d(seen)
        self.scalars = nn.Linear(seen + config.width, s)
        if self.directed:
            self.gates = nn.Linear(seen + config.width, v)
            self.vectors = nn.Linear(widths[1] + v, v, bias=False)

    def forward(self, h: Features, embedded: Tensor, geometry: Geometry) -> Features:
        """Features [N, 1, S] and [N, 3, V], embedding [N, W] -> features of the same shapes."""
        gathered = self.gather(h, geometry.basis, geometry.messages)
        invariants = [gathered[0][:, 0]] + ([h[1].square().mean(1)] if self.directed else [])
        seen = torch.cat([self.norm(torch.cat(invariants, 1)), embedded], 1)
        out = {0: h[0] + silu(self.scalars(seen))[:, None]}
        if self.directed:
            moved = h[1] + self.vectors(torch.cat([gathered[1], h[1]], 2))
            out[1] = moved * torch.sigmoid(self.gates(seen))[:, None]
        return out

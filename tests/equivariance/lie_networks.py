"""Networks and operations that are hard on forward-mode differentiation, or exact otherwise than the toy network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps
from tests.toy_networks import ToyNetwork, toy


class Moments(nn.Module):
    """Takes a Structure, in another memory layout."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(O3Irreps("2x0e+2x1o", layout="spherical"))

    def forward(self, structure: Structure) -> Tensor:
        arms = structure.positions - structure.positions.mean(0)  # [N, 3]
        scalars = arms.square().sum(1, keepdim=True)  # [N, 1]
        values = torch.cat([scalars, arms], 1)  # [N, 4]
        return self.stage(torch.stack([values, values * scalars], -1))


class Forces(ToyNetwork):
    """The toy network with forces by automatic differentiation: forward over reverse."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        with torch.enable_grad():
            positions = graph.positions.requires_grad_()
            out = super().forward(replace(graph, positions=positions))
            (gradient,) = torch.autograd.grad(out["energy"].values.sum(), positions)
        return {**out, "forces": Field(self.spoil(-gradient), "1x1o", "node")}

    def spoil(self, forces: Tensor) -> Tensor:
        return forces


class SpoiledForces(Forces):
    def spoil(self, forces: Tensor) -> Tensor:
        return forces + 0.1 * forces.relu()


class DetachedForces(Forces):
    """What many models do; dual numbers end there without a word."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        return super().forward(replace(graph, positions=graph.positions.detach()))


def with_forces(kind: type[Forces], dtype: torch.dtype = torch.float64) -> Forces:
    network = toy(dtype, velocity=True, spin=True)
    network.__class__ = kind
    return network  # type: ignore[return-value]


class Blocking(torch.autograd.Function):
    """The identity, without a formula for forward mode."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:  # type: ignore[override]
        return upstream


class Wrong(Blocking):
    """The identity, with a wrong formula for forward mode."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:  # type: ignore[override]
        return 1.01 * tangent

"""Small liquids for tests: positions at random, and a mobility that follows from the structure."""

from __future__ import annotations

import torch

from equiviz.datasets.glass.configuration import GlassConfiguration, liquid_structure
from equiviz.structures.neighbours import neighbours
from equiviz.symmetry.field import Field

EDGE = 6.0


def liquid(
    seed: int, count: int = 60, times: tuple[float, ...] = (1.0, 10.0), run: int | None = None
) -> GlassConfiguration:
    """A configuration whose propensity is the number of neighbours (t = 1) or of B neighbours (t = 10), plus 1."""
    draw = torch.Generator().manual_seed(seed)
    positions = EDGE * torch.rand(count, 3, generator=draw, dtype=torch.float64)
    types = (torch.arange(count) >= round(0.8 * count)).long()
    moved = 0.05 * torch.randn(count, 3, generator=draw, dtype=torch.float64)
    node = {"inherent_displacement": Field(moved, "1x1o", "node")}
    structure = liquid_structure(f"liquid_{seed}", positions, types.numpy(), [EDGE] * 3, node)
    found = neighbours(positions + moved, 1.5, structure.cell, structure.pbc)
    sender, receiver = found.edge_index
    near = torch.zeros(count, dtype=torch.float64).index_add(0, receiver, torch.ones(len(sender), dtype=torch.float64))
    near_b = torch.zeros(count, dtype=torch.float64).index_add(0, receiver, types[sender].double())
    pull = torch.zeros(count, 3, dtype=torch.float64).index_add(0, receiver, found.vectors)
    propensity = torch.stack([1 + near, 1 + near_b])[: len(times)]
    return GlassConfiguration(
        structure=structure,
        times=torch.tensor(times, dtype=torch.float64),
        propensity=propensity,
        half_propensities=torch.stack([propensity, propensity]),
        mean_displacement=(moved + 0.1 * pull).expand(len(times), -1, -1),
        temperature=0.5,
        run=run,
    )

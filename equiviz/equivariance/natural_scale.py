"""How large a block is by nature: what its rounding is to be measured by, where symmetry makes it cancel.

In a perfect crystal a vector on an atom is a sum of neighbours that cancel: nothing but rounding is left of it, and any
error is as large as the block. Rounding is relative to what was summed. That is seen once atoms are moved a little (in
a cell of few atoms, in a larger cell), and it is not less than a part of what else the stage carries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from equiviz.equivariance.round_off import MARGIN, base_tolerance
from equiviz.equivariance.squares import BlockName, BlockSquares
from equiviz.equivariance.transformed_input import shaken
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import ModelInput, prepared
from equiviz.features.precision import wide
from equiviz.nn.stage import Support


@dataclass(frozen=True)
class NaturalScales:
    """Root mean square per row of each block, where nothing cancels.

    Attributes:
        sizes: by stage and irrep.
        rows: of each stage in the reference.
    """

    sizes: Mapping[BlockName, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, model: nn.Module, x: ModelInput, reference: Capture, supports: Mapping[str, Support] | None, seed: int
    ) -> NaturalScales:
        """Run the model on the shaken input; where that fails, only the rest of each stage tells its scale."""
        try:
            near = record(model, prepared(model, shaken(x, torch.Generator().manual_seed(seed))), supports)
        except Exception:
            near = reference
        sizes: dict[BlockName, float] = {}
        for name, item in reference.items():
            whole = _rms(wide(item.values), len(item))
            for label in item.representation.labels():
                moved = near.get(name)
                own = 0.0 if moved is None else _rms(wide(moved[label]), len(moved))
                sizes[name, label] = max(whole, own)
        return cls(sizes, {name: len(item) for name, item in reference.items()})

    def floor(self, block: BlockName, squares: BlockSquares, dtype: torch.dtype) -> float:
        """The relative error that rounding may make of a block of this norm; 0 for one of zeros."""
        if not squares.trials or block not in self.sizes:
            return 0.0
        return self.floor_at(block, math.sqrt(squares.norm / squares.trials / max(1, self.rows[block[0]])), dtype)

    def floor_at(self, block: BlockName, size: float, dtype: torch.dtype) -> float:
        """As `floor`, for a block of this root mean square per row; 0 for one of zeros, or one that is not known."""
        known = math.isfinite(size) and size > 0 and block in self.sizes
        return base_tolerance(dtype) / MARGIN * self.sizes[block] / size if known else 0.0


def _rms(values: torch.Tensor, rows: int) -> float:
    size = float(values.abs().square().sum()) / max(1, rows)
    return math.sqrt(size) if math.isfinite(size) else 0.0

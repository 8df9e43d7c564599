"""What squared errors of many structures mean together: increase of the loss, effect, interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.interventions.ablation_run import Errors
from equiviz.symmetry.field import Field

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Tally:
    """Errors of all inputs, and what they mean together.

    Attributes:
        found: of each input.
        watched: the output of the first, for its type.
        supervised: whether there were targets.
        seed: of the resampling.
    """

    found: list[Errors]
    watched: Field
    supervised: bool
    seed: int

    @property
    def reference(self) -> Tensor:
        """Of all inputs ``[rows, K]``."""
        return torch.cat([errors.reference for errors in self.found])

    @property
    def resampled(self) -> str:
        """What intervals are resampled over."""
        if len(self.found) > 1:
            return "structures"
        return {"node": "nodes", "edge": "edges"}.get(self.watched.support, "rows")

    @property
    def loss(self) -> float:
        """Mean square error of the model as it is, per number; 0 without targets."""
        whole = torch.cat([errors.whole for errors in self.found])
        return float(whole.sum()) / max(1, self.reference.numel())

    @property
    def variance(self) -> float:
        """Of one number of the reference, in the square of its unit."""
        return float(self._spread().sum()) / max(1, self.reference.numel())

    def effect(self, ablated: Sequence[Tensor]) -> tuple[float, tuple[float, float, float]]:
        """Increase of the loss, and the effect with its 95 % interval.

        Args:
            ablated: squared errors of each input ``[rows]``.
        """
        more = [squares - errors.whole for squares, errors in zip(ablated, self.found, strict=True)]
        above, below = self._grouped(more), self._grouped(list(self._spread().split([len(part) for part in more])))
        draws = torch.randint(len(above), (RESAMPLES, len(above)), generator=torch.Generator().manual_seed(self.seed))
        total = float(below.sum())
        whole = float(above.sum()) / total if total else math.nan
        increase = float(above.sum()) / max(1, self.reference.numel())
        if len(above) < 2 or not total:
            return increase, (whole, math.nan, math.nan)
        resampled = above[draws].sum(1) / below[draws].sum(1)
        low, high = resampled.nanquantile(torch.tensor([0.025, 0.975], dtype=resampled.dtype)).tolist()
        return increase, (whole, low, high)

    def _grouped(self, parts: list[Tensor]) -> Tensor:
        """Sums over structures, or rows where there is one structure."""
        return torch.stack([part.sum() for part in parts]) if len(parts) > 1 else parts[0]

    def _spread(self) -> Tensor:
        """Squared distance of each row of the reference from what is known without any input ``[rows]``.

        That is the mean, for invariants; zero, for what turns with the input. Where all is equal (one energy), zero is
        taken too.
        """
        reference = self.reference
        invariant = torch.zeros(self.watched.representation.dim, dtype=torch.bool)
        for block in self.watched.blocks:
            invariant[block.indices.flatten()] = block.invariant
        if reference.shape[1] % max(1, len(invariant)) == 0:
            repeats = reference.shape[1] // max(1, len(invariant))
            centre = reference.mean(0) * invariant.repeat(repeats)
            spread = (reference - centre).square().sum(1)
            if float(spread.sum()) > 1e-20 * float(reference.square().sum()):
                return spread
        return reference.square().sum(1)

"""The power spectrum of a stage: for each irrep, the squared norms of its copies, summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from equiviz.features.precision import wide
from equiviz.symmetry.field import Field
from equiviz.symmetry.invariants import copies_of

QUANTITY = "squared norm (features²), summed over channels"
LOGARITHMIC = 300.0
"""From this ratio of the largest to the smallest on, an axis is logarithmic."""


@dataclass(frozen=True, eq=False)
class PowerSpectrum:
    """Numbers that no rotation changes; their unit is that of the features, squared.

    Attributes:
        labels: the irreps, in the order of the stage.
        values: mean over the rows of the sum over channels of the squared norm ``[irreps]``.
        rows: how many rows were averaged.
    """

    labels: list[str]
    values: NDArray[np.float64]
    rows: int

    @property
    def logarithmic(self) -> bool:
        """Whether the bars differ so much that only a logarithmic axis shows them all."""
        known = self.values[self.values > 0]
        return len(known) > 1 and bool(known.max() > LOGARITHMIC * known.min())


def power_spectrum(field: Field, rows: Sequence[int] | None = None) -> PowerSpectrum:
    """The spectrum of a stage, over all rows or some.

    With c one copy of an irrep: mean over rows of sum_copies |c|^2.
    """
    values = wide(field.values).abs()
    values = values if rows is None else values[list(rows)]
    labels = list(dict.fromkeys(block.label for block in field.blocks))
    copies = (copies_of(values, field.representation, label) for label in labels)
    power = [float(part.square().flatten(1).sum(1).mean()) if len(values) else 0.0 for part in copies]
    return PowerSpectrum(labels, np.array(power), len(values))

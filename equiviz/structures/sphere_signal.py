"""SphereSignal: signals on the icosahedral grid, typed: rotations act on them, and every tool works on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from equiviz.structures.tensor_rows import refusal
from equiviz.structures.typed_tensors import ONLY, TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.icosahedral_grid import FINEST, grid
from equiviz.symmetry.sphere_signals import SphereSignals


@dataclass(frozen=True, eq=False)
class SphereSignal(TypedTensors):
    """B spheres with scalars at V points each, as `TypedTensors` with one row per sphere."""

    @classmethod
    def of(cls, values: Tensor) -> SphereSignal:
        """From values ``[B, channels, V]``; V says the level of the grid.

        Raises:
            StructureError: a number of points that no grid has, or no channel.
        """
        known = {10 * 4**level + 2: level for level in range(FINEST + 1)}
        if values.ndim != 3 or values.shape[-1] not in known or not values.shape[1]:
            raise refusal(
                "Expected values of shape [spheres, channels, points] with 12, 42, 162, 642, 2562 ... points, got "
                f"{list(values.shape)}."
            )
        kind = SphereSignals(known[values.shape[-1]], values.shape[1])
        flat = values.reshape(len(values), kind.dim)
        return cls(
            fields={ONLY: Field(flat, kind, "node")},
            shapes={ONLY: tuple(values.shape)},
            count=len(values),
            form="one",
            order=(ONLY,),
        )

    @classmethod
    def sampled(cls, function: Callable[[Tensor], Tensor], level: int) -> SphereSignal:
        """One sphere with a function on it, of ``[V, 3]`` unit vectors (y up), giving ``[V]`` or ``[V, channels]``."""
        values = function(grid(level).positions)
        return cls.of(values.reshape(len(values), -1).T[None])

    @property
    def values(self) -> Tensor:
        """``[B, channels * V]``."""
        return self.fields[ONLY].values

    @property
    def representation(self) -> SphereSignals:
        """Level and channels."""
        return cast(SphereSignals, self.fields[ONLY].representation)

    @property
    def spread(self) -> Tensor:
        """``[B, channels, V]``."""
        return self.representation.spread(self.values)

    def repeated(self, count: int) -> SphereSignal:
        """As many copies, one after the other: spheres know nothing of each other."""
        return self if count == 1 else SphereSignal.of(self.spread.repeat(count, 1, 1))

    def apart(self) -> list[TypedTensors]:
        """One sphere each."""
        return [SphereSignal.of(one[None]) for one in self.spread]


def joined(signals: Sequence[SphereSignal]) -> SphereSignal:
    """Many as one. Raises StructureError where levels or channels differ."""
    kinds = {str(signal.representation) for signal in signals}
    if len(kinds) != 1:
        raise refusal(f"Expected signals on one grid with equal channels, got {' and '.join(sorted(kinds))}.")
    return SphereSignal.of(torch.cat([signal.spread for signal in signals]))

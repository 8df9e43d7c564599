"""Outputs before and after an intervention, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.features.capture import Capture
from equiviz.symmetry.field import Field

if TYPE_CHECKING:
    from pandas import DataFrame

# A number is told from zero only above this many rounding errors of the largest stage: sums of neighbours that cancel
# by symmetry leave a few of them.
_ROUNDING = 32


def side_by_side(columns: Mapping[str, Mapping[str, Field]]) -> DataFrame:
    """One row per output, row of it and component; a column for each kind of run.

    Args:
        columns: outputs by name, by the name of the column ("before", "after").
    """
    import pandas as pd

    first = next(iter(columns.values()))
    frames: list[DataFrame] = []
    for name, field in first.items():
        rows, width = len(field), field.values.flatten(1).shape[1]
        index = {"output": name, "support": field.support, "row": torch.arange(rows).repeat_interleave(width).numpy()}
        frame = pd.DataFrame({**index, "component": torch.arange(width).repeat(rows).numpy()})
        for column, outputs in columns.items():
            frame[column] = numbers(outputs[name].values).flatten().numpy()
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def numbers(values: Tensor) -> Tensor:
    """Real float64 numbers on the CPU ``[rows, K]``; of complex ones the absolute values."""
    plain = values.detach().cpu()
    return (plain.abs() if plain.is_complex() else plain).flatten(1).double()


def noise_floor(*captures: Capture) -> float:
    """The root mean square below which an output is zero, by symmetry or by rounding.

    It is what rounding leaves of the largest stage or output of these passes; so an output whose unit makes it smaller
    than that counts as zero too.
    """
    sizes = [_ROUNDING * _eps(field) * rms(field) for capture in captures for _, field in capture.items()]
    return max(filter(math.isfinite, sizes), default=0.0)


def rms(field: Field) -> float:
    """Root mean square of all its numbers; 0 of none."""
    return _rms(numbers(field.values))


def relative_change(before: Field, after: Field, floor: float = 0.0) -> float:
    """Root mean square of the change over the root mean square of the output before.

    Args:
        before, after: outputs.
        floor: of `noise_floor`. What lies below it is zero: of an output that was zero, the change is 0 or infinite.
    """
    size, moved = rms(before), _rms(numbers(after.values - before.values))
    if size > floor:
        return moved / size
    return math.inf if moved > floor else 0.0


def share_of_the_way(before: Field, after: Field, goal: Field, floor: float = 0.0) -> float:
    """How far the output went from `before` towards `goal`: 0 not at all, 1 all the way, along the line between them.

    NaN where both agree already, to rounding.

    Args:
        before, after, goal: outputs.
        floor: of `noise_floor`; a way shorter than that is none.
    """
    way, moved = numbers(goal.values) - numbers(before.values), numbers(after.values) - numbers(before.values)
    if _rms(way) <= max(1e3 * _eps(before) * rms(before), floor):
        return math.nan
    return float((way * moved).sum()) / float(way.square().sum())


def told_of_zero(before: Field, after: Field, floor: float) -> str | None:
    """What is to be said of an output that was zero; None of all others."""
    if rms(before) > floor:
        return None
    if not relative_change(before, after, floor):
        return "is zero by symmetry or rounding, before and after"
    return f"was zero by symmetry or rounding, and has an rms of {rms(after):.2g} after"


def _rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt()) if values.numel() else 0.0


def _eps(field: Field) -> float:
    """Rounding of its dtype; 0 of whole numbers."""
    dtype = field.values.dtype
    return torch.finfo(dtype).eps if dtype.is_floating_point or dtype.is_complex else 0.0

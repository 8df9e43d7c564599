"""What an output should be, structure by structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from equiviz.explain.errors import InterventionError
from equiviz.symmetry.field import Field

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Targets: TypeAlias = "Field | ArrayLike | Tensor | Sequence[Field | ArrayLike | Tensor]"
"""One array with the rows of all structures, one after the other; or a list with an array for each structure."""


def named_targets(targets: Targets | Mapping[str, Targets] | None, output: str | None) -> tuple[object, str | None]:
    """Targets, and the output that they are of: the key of a dict with one entry, unless an output is named.

    Raises:
        InterventionError: a dict with several entries, none of which is asked for.
    """
    if not isinstance(targets, Mapping):
        return targets, output
    if output is None and len(targets) == 1:
        return next(iter(targets.values())), next(iter(targets))
    if output is None or output not in targets:
        raise InterventionError(f"Targets are given for {', '.join(targets)}: say output= one of these.")
    return targets[output], output


def split_targets(targets: object, rows: Sequence[int], columns: int) -> list[Tensor | None]:
    """One float64 tensor ``[rows, columns]`` for each structure; None where there are no targets.

    Args:
        targets: see `Targets`.
        rows: of the output, for each structure.
        columns: of the output.

    Raises:
        InterventionError: no numbers, not finite, or of another shape.
    """
    if targets is None:
        return [None] * len(rows)
    listed = cast("Sequence[object]", targets) if isinstance(targets, (list, tuple)) else []
    if len(listed) == len(rows) and all(_is_array(entry) for entry in listed):
        parts = [_array(entry, columns) for entry in listed]
        if [len(part) for part in parts] == list(rows):
            return list(parts)
    whole = _array(targets, columns)
    if len(whole) != sum(rows):
        raise InterventionError(
            f"Expected targets with {sum(rows)} rows of {columns} numbers, as the output over all {len(rows)} "
            f"structures has, got {len(whole)} rows."
        )
    return list(whole.split(list(rows)))


def _is_array(entry: object) -> bool:
    return isinstance(entry, (Field, Tensor, np.ndarray, list, tuple))


def _array(given: object, columns: int) -> Tensor:
    value = given.values if isinstance(given, Field) else given
    try:
        made = torch.as_tensor(value if isinstance(value, Tensor) else np.asarray(value)).detach().cpu().double()
    except (TypeError, ValueError) as problem:
        raise InterventionError(f"Expected targets as arrays of numbers, got {type(given).__name__}.") from problem
    if made.numel() % max(1, columns) or made.ndim > 2 or (made.ndim == 2 and made.shape[1] != columns):
        raise InterventionError(f"Expected targets with {columns} numbers per row, got shape {list(made.shape)}.")
    if not bool(made.isfinite().all()):
        raise InterventionError("The targets hold values that are not finite; leave these structures out.")
    return made.reshape(-1, columns)

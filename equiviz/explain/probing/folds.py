"""Which environments are held out together: whole structures, or slabs of space where there are few structures."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError

SLABS_PER_FOLD = 2


def groups(positions: list[Tensor], folds: int) -> Tensor:
    """A group number for each environment [N]: groups are never split between training and test.

    With as many structures as folds, or more, a group is a structure (those without chosen environments do not count).
    With fewer, neighbouring atoms must not be split
    at random, for they share their environments: each structure is cut into slabs of equal counts along its widest
    axis.

    Args:
        positions: [n, 3] of the chosen environments of each structure.
        folds: number of folds, at least 3 (nested cross-validation leaves two out).

    Raises:
        ProbeError: fewer than 3 folds, fewer than 10 environments for each, or fewer groups than folds.
    """
    total = sum(len(part) for part in positions)
    if folds < 3:
        raise ProbeError(f"Nested cross-validation needs at least 3 folds, got folds={folds}.")
    if total < 10 * folds:
        raise ProbeError(
            f"{total} environments are too few for {folds} folds: give at least {10 * folds}, in more structures."
        )
    filled = [part for part in positions if len(part)]
    slabs = 1 if len(filled) >= folds else -(-folds * SLABS_PER_FOLD // len(filled))
    numbered = [_slabs(part, slabs) + i * slabs for i, part in enumerate(filled)]
    group = torch.unique(torch.cat(numbered), return_inverse=True)[1]
    if int(group.max()) + 1 < folds:
        raise ProbeError(
            f"The environments fall into {int(group.max()) + 1} groups, too few for {folds} folds: give structures of "
            "similar size, or fewer folds."
        )
    return group


def folds_of(group: Tensor, folds: int) -> Tensor:
    """Fold of each environment [N]: consecutive groups share one, so that few slabs border on the training set."""
    count = int(group.max()) + 1
    return group * folds // count


def _slabs(points: Tensor, count: int) -> Tensor:
    widest = (points.amax(0) - points.amin(0)).argmax()
    rank = points[:, widest].argsort().argsort()
    return rank * count // len(points)

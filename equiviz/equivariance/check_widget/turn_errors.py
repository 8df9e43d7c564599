"""The relative error of every block of every stage while the input is turned about one axis.

Shapes: Q angles, B blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.orbit_runs import OrbitRuns
from equiviz.features.model_state import as_found
from equiviz.features.precision import wide
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3

STEP = 10
"""Degrees between two angles."""
ANGLES = tuple(range(-180, 181, STEP))


@dataclass(frozen=True, eq=False)
class TurnErrors:
    """Errors about one axis.

    Attributes:
        axis: ``[3]``, of any length.
        blocks: stages and irreps, in the order of the stages.
        errors: ||D(g^-1) f(g x) - f(x)|| over the rms of ||f(x)|| and ||f(g x)||, ``[Q, B]``; zero where both are
            zero, infinite where they are not finite. The angles are `ANGLES`.
        left_out: stages that could not be compared, and why.
    """

    axis: Tensor
    blocks: list[tuple[str, str]]
    errors: Tensor
    left_out: dict[str, str]

    def at(self, angle: int) -> dict[tuple[str, str], float]:
        """The error of each block at an angle out of `ANGLES`, in degrees."""
        return dict(zip(self.blocks, self.errors[ANGLES.index(angle)].tolist(), strict=True))

    @property
    def largest(self) -> Tensor:
        """The largest error of any block, ``[Q]``."""
        return self.errors.amax(1) if self.blocks else torch.zeros(len(ANGLES), dtype=torch.float64)


def turn_errors(runs: OrbitRuns, axis: Tensor, tell: Callable[[int], None]) -> TurnErrors:
    """Run the model at all angles, many in one batch.

    Args:
        runs: the model and its input.
        axis: of the turns, ``[3]``.
        tell: is told how many angles are done, after each batch.

    Raises:
        CheckError: the model raises on a turned input.
    """
    orbit = Orbit.of(torch.stack([turn(axis, angle).matrix for angle in ANGLES]))
    found: dict[tuple[str, str], list[Tensor]] = {}
    done = 0
    with as_found(runs.model):
        for part, stages in runs.over(orbit):
            for block, errors in _errors(runs, part, stages):
                found.setdefault(block, []).append(errors)
            done += len(part)
            tell(done)
    whole = {block: torch.cat(parts) for block, parts in found.items() if block[0] not in runs.left_out}
    table = torch.stack(list(whole.values()), 1) if whole else torch.zeros(len(ANGLES), 0, dtype=torch.float64)
    return TurnErrors(axis, list(whole), table, dict(runs.left_out))


def turn(axis: Tensor, angle: float) -> O3:
    """The rotation about an axis by an angle in degrees."""
    return O3.rotation(axis, angle * torch.pi / 180)


def _errors(runs: OrbitRuns, part: Orbit, stages: dict[str, Tensor]) -> list[tuple[tuple[str, str], Tensor]]:
    """Errors ``[q]`` of all blocks for one batch of elements."""
    return [
        ((name, label), error)
        for name, item in runs.reference.items()
        if name in stages
        for label, error in _of_stage(item, part.turn(item.representation, stages[name], back=True))
    ]


def _of_stage(expected: Field, found: Tensor) -> list[tuple[str, Tensor]]:
    """Errors ``[q]`` by irrep, of values ``[q, rows, ..., dim]`` that were turned back."""
    before = expected.with_values(wide(expected.values))
    rows = found.flatten(0, 1)  # [q * rows, ..., dim]
    after = before.with_values(rows)
    count = len(found)
    return [
        (label, _relative(after[label].unflatten(0, (count, -1)), before[label]))
        for label in before.representation.labels()
    ]


def _relative(found: Tensor, expected: Tensor) -> Tensor:
    """``[q, rows, ...]`` against ``[rows, ...]``: ``[q]``."""
    difference = (found - expected[None]).flatten(1).norm(dim=1)
    scale = ((found.flatten(1).norm(dim=1).square() + expected.norm().square()) / 2).sqrt()
    error = torch.where(scale == 0, 0.0, difference / scale)
    return torch.where(error.isfinite(), error, torch.inf).cpu()

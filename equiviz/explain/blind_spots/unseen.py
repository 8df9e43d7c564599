"""`unseen_directions(model, structure, stage)`: how may the points move without the stage noticing, to first order?

The Jacobian of the stage's invariants by the positions has a row for each invariant. Displacements that it takes to
zero are unseen. Motions of the whole are always among them, and are left out. What remains is a certificate: with K
unseen directions no read-out of these invariants, however clever, feels a small step along any of the K.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equiviz.explain.blind_spots.stage_invariants import stage_invariants, usable
from equiviz.explain.blind_spots.unseen_report import UnseenReport
from equiviz.explain.errors import BlindSpotError
from equiviz.explain.finite import refuse_not_finite
from equiviz.explain.function_of_positions import FunctionOfPositions, derivative
from equiviz.explain.rigid_motions import carries_directions, rigid_basis
from equiviz.features.model_input import Given
from equiviz.nn.equivariant_model import title_of

MOST_INVARIANTS = 4_000
MOST_COORDINATES = 6_000
READ = 1e-8
"""Slope along a turn, of the largest slope or of the largest value per length, from which on it is no rounding."""
ABOVE_NOISE = 10
"""How many times the noise a singular value must be, to count as seen."""


def unseen_directions(
    model: nn.Module, x: Given, stage: str, *, at: int | None = None, cutoff: float | None = None
) -> UnseenReport:
    """Find the displacements that the invariants of a stage do not feel, to first order.

    The threshold for zero comes from the measurement itself: the Jacobian must take motions of the whole to zero, and
    what it makes of them instead is its noise (not less than the rounding of float64).

    Args:
        model: anything that `equiviz.capture` takes; run in float64 where it can be copied.
        x: one structure.
        stage: its name, as `capture` lists it.
        at: number of the node whose invariants are meant, for a stage on nodes; None for all of them.
        cutoff: of the graph, for a model that does not prepare its own.

    Raises:
        BlindSpotError: no such stage or node; no gradient reaches the positions; more invariants or coordinates than
            fit into memory.
    """
    function = FunctionOfPositions.of(model, x, cutoff, refusal=BlindSpotError)
    jacobian = jacobian_at(function, function.start, stage, at)
    rigid = rigid_basis(function.structure)  # [K, 3N]
    reached = jacobian.reshape(len(jacobian), -1, 3).abs().amax((0, 2)) > 0  # [N]
    if not reached.any():
        raise BlindSpotError(f"Stage {stage!r} has no slope in any position here: to first order it sees nothing.")
    inside = reached.repeat_interleave(3)  # [3N]
    _, sizes, directions = torch.linalg.svd(jacobian[:, inside], full_matrices=False)
    noise = float((jacobian @ rigid.mT).norm(dim=0).max())
    if carries_directions(function.structure) and noise > READ * max(float(sizes[0]), _steepness(function, stage, at)):
        # The model reads what did not turn along: turned positions are another structure, and tell nothing of rounding.
        rigid = rigid_basis(function.structure, turning=False)
        noise = float((jacobian @ rigid.mT).norm(dim=0).max())
    rounding = torch.finfo(torch.float64).eps * max(jacobian.shape) * float(sizes[0])
    threshold = ABOVE_NOISE * max(noise, rounding)
    hidden = _complement(torch.cat([directions[sizes > threshold], rigid[:, inside]]))  # [U, 3 reached]
    unseen = jacobian.new_zeros(len(hidden), len(inside))
    unseen[:, inside] = hidden
    title = title_of(model)
    return UnseenReport(
        title, stage, at, function.structure, sizes, threshold, noise, len(rigid), reached, unseen, function.held
    )


def jacobian_at(function: FunctionOfPositions, positions: Tensor, stage: str, node: int | None) -> Tensor:
    """Of the invariants of a stage ``[F]`` by the positions: ``[F, 3 N]``.

    Raises:
        BlindSpotError: as `unseen_directions`.
    """
    moving = positions.detach().clone().requires_grad_()
    values = checked_invariants(function, moving, stage, node)
    if len(values) > MOST_INVARIANTS or positions.numel() > MOST_COORDINATES:
        raise BlindSpotError(
            f"Stage {stage!r} gives {len(values)} invariants of {positions.numel()} coordinates here, more than "
            f"{MOST_INVARIANTS} and {MOST_COORDINATES}. Ask for one node, at=0, or take a smaller structure."
        )
    found = derivative(values, moving)
    if found is None:
        raise BlindSpotError(
            f"No gradient of stage {stage!r} reaches the positions: it does not depend on them, or the model leaves "
            f"autograd on the way{_held_words(function)}."
        )
    return found


def checked_invariants(function: FunctionOfPositions, positions: Tensor, stage: str, node: int | None) -> Tensor:
    """Of a stage, on the autograd graph of the positions, ``[F]``.

    Raises:
        BlindSpotError: no such stage or node; values that are not finite.
    """
    recorded = function.at(positions)
    field = usable(recorded, [stage])[stage]
    refuse_not_finite(recorded, BlindSpotError, [stage])
    if node is not None and not 0 <= node < len(function.structure):
        raise BlindSpotError(f"Expected at= from 0 to {len(function.structure) - 1}, the nodes, got {node}.")
    return stage_invariants(field, node)


def _steepness(function: FunctionOfPositions, stage: str, node: int | None) -> float:
    """Slope to expect of invariants that depend on the positions at all: the largest value per spread of the points."""
    spread = float((function.start - function.start.mean(0)).norm(dim=1).max())
    return float(checked_invariants(function, function.start, stage, node).abs().max()) / (spread or 1.0)


def _held_words(function: FunctionOfPositions) -> str:
    return f" (it reads {', '.join(function.held)}, measured beforehand)" if function.held else ""


def _complement(rows: Tensor) -> Tensor:
    """Orthonormal rows that span what is orthogonal to the given ones, [U, 3N]."""
    columns = rows.shape[1]
    _, sizes, directions = torch.linalg.svd(rows, full_matrices=True)
    rank = int((sizes > 1e-8 * sizes[0]).sum())
    return directions[rank:columns]

"""`find_blind_spot(model, structure, stage)`: another arrangement of the points that the stage takes for this one.

The search starts some way off and walks back to the same features by Gauss-Newton steps of least norm, while steps that
the stage does not see (the null space of the Jacobian) keep it away from where it came from. No step lets points
overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from equiviz.equivariance.late_bar import counting_runs
from equiviz.explain.blind_spots.crystals_apart import crystals_apart
from equiviz.explain.blind_spots.found_report import PROVED, FoundReport
from equiviz.explain.blind_spots.superposition import Apart, apart
from equiviz.explain.blind_spots.unseen import checked_invariants, jacobian_at
from equiviz.explain.errors import BlindSpotError
from equiviz.explain.function_of_positions import FunctionOfPositions
from equiviz.explain.pair_distances import close_pairs, shortest_distance
from equiviz.explain.rigid_motions import best_rotation, rigid_basis
from equiviz.features.model_input import Given
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

SAME = 1e-9
"""Of how much features vary over displacements of the same size: below this they are the same."""
SAMPLES = 6
CLOSEST = 0.8
"""Of the shortest distance in the structure: nearer than this no two points come."""
USUAL_DISTANCE = 0.25
"""Of the shortest distance: how far apart the two arrangements are to be, where nothing else is asked."""
CUT = 1e-8
"""Of the largest singular value: smaller ones say nothing about the way."""
HALVINGS = 6


def find_blind_spot(
    model: nn.Module,
    x: Given,
    stage: str,
    *,
    at: int | None = None,
    distance: float | None = None,
    attempts: int = 4,
    steps: int = 60,
    cutoff: float | None = None,
    seed: int = 0,
    progress: bool = True,
) -> FoundReport:
    """Look for an arrangement with the same features, at some distance, that no superposition brings onto the first.

    In a cell only sorted distances (images included) prove that two arrangements differ; where these agree nothing is
    called found, and the report says that a difference is not proved.

    Args:
        model: anything that `equiviz.capture` takes, through which gradients reach the positions; run in float64 where
            it can be copied. What it measures on the structure besides is held fixed.
        x: one structure.
        stage: its name, as `capture` lists it.
        at: number of the node whose invariants are meant, for a stage on nodes; None for those of all rows. The node
            itself stays.
        distance: root mean square displacement of the points on which the features depend, in the structure's length
            unit; None for a quarter of the shortest distance. What is found may lie somewhat nearer or farther.
        attempts: starts, each in another direction.
        steps: at most, per attempt.
        cutoff: of the graph, for a model that does not prepare its own.
        seed: of the starts.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        BlindSpotError: no such stage or node, no gradients, a distance that is not positive, fewer than two points.
    """
    function = FunctionOfPositions.of(model, x, cutoff, refusal=BlindSpotError)
    if len(function.structure) < 2 or attempts < 1:
        raise BlindSpotError("Expected at least two points and one attempt.")
    wanted = USUAL_DISTANCE * shortest_distance(function.structure) if distance is None else float(distance)
    if not wanted > 0:
        raise BlindSpotError(f"Expected a distance above 0, got {distance}.")
    walk = _Walk.of(function, stage, at, wanted, seed)
    with counting_runs(function.model, "looking for a blind spot", progress=progress):
        found = [walk.walked(start, steps) for start in walk.starts(attempts, seed)]
    best = min(found, key=lambda end: (end.ratio > SAME, end.ratio if end.ratio > SAME else -end.apart.at_least))
    title = title_of(model)
    same = sum(end.ratio <= SAME and end.apart.at_least > PROVED * wanted for end in found)
    moved = replace(function.structure, positions=best.positions)
    shift = Field(best.positions - function.start, "1o", "node")
    return FoundReport(
        title, stage, at, function.structure, moved, shift, best.ratio, best.apart, wanted, (same, attempts),
        function.held,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _End:
    """Where an attempt ended.

    Attributes:
        positions: [N, 3].
        ratio: distance of the features over how much they vary.
        apart: of the environment there from the one at the start.
    """

    positions: Tensor
    ratio: float
    apart: Apart


@dataclass(frozen=True, eq=False)
class _Walk:
    """What an attempt needs to know."""

    function: FunctionOfPositions
    stage: str
    node: int | None
    wanted: float
    movers: Tensor  # [N], bool
    target: Tensor  # [F]
    scale: Tensor  # [F]

    @classmethod
    def of(cls, function: FunctionOfPositions, stage: str, node: int | None, wanted: float, seed: int) -> _Walk:
        jacobian = jacobian_at(function, function.start, stage, node)
        movers = jacobian.reshape(len(jacobian), -1, 3).abs().amax((0, 2)) > 0
        if node is not None:
            movers[node] = False
        if not movers.any():
            raise BlindSpotError(f"Stage {stage!r} depends on no point here: every change is a blind spot.")
        target = checked_invariants(function, function.start, stage, node).detach()
        made = cls(function, stage, node, wanted, movers, target, torch.ones_like(target))
        others = torch.stack([made._features(start) for start in made.starts(SAMPLES, seed + 1)])
        varies = (others - target).square().mean(0).sqrt()
        largest = float(varies.max()) or 1.0
        return replace(made, scale=varies.clamp(min=1e-6 * largest) * len(target) ** 0.5)

    def starts(self, count: int, seed: int) -> Iterator[Tensor]:
        """Displacements of all movers in random directions, without rigid motions, that let no points overlap."""
        generator = torch.Generator().manual_seed(seed)
        rigid = rigid_basis(self.function.structure)
        for _ in range(count):
            step = torch.randn(self.movers.shape[0], 3, generator=generator, dtype=torch.float64)
            step = (step.flatten() - rigid.mT @ (rigid @ step.flatten())).reshape(-1, 3) * self.movers[:, None]
            step = step * (1.3 * self.wanted / self._size(step))
            while self._overlaps(self.function.start + step):
                step = step / 2
            yield self.function.start + step

    def walked(self, positions: Tensor, steps: int) -> _End:
        """From one start to the nearest place with the same features."""
        residual = self._residual(positions)
        for _ in range(steps):
            if float(residual.norm()) < SAME / 100 and self._away(positions) >= self.wanted:
                break
            taken = self._stepped(positions, residual)
            if taken is None:
                break
            positions, residual = taken
        return _End(positions, float(residual.norm()), self._apart(positions))

    def _stepped(self, positions: Tensor, residual: Tensor) -> tuple[Tensor, Tensor] | None:
        """One step back to the features, and away from the start where the stage does not see it; None for no way."""
        jacobian = jacobian_at(self.function, positions, self.stage, self.node) / self.scale[:, None]
        jacobian = jacobian * self.movers.repeat_interleave(3)
        left, sizes, right = torch.linalg.svd(jacobian, full_matrices=False)
        kept = sizes > CUT * sizes[0]
        left, sizes, right = left[:, kept], sizes[kept], right[kept]
        back = -(right.mT @ ((left.mT @ residual) / sizes)).reshape(-1, 3)
        back = back * min(1.0, self.wanted / self._size(back)) if bool(back.any()) else back
        off = self._off(positions)
        hidden = (off.flatten() - right.mT @ (right @ off.flatten())).reshape(-1, 3)
        lack = self.wanted - self._away(positions)
        far_off = lack <= 0 or not bool(hidden.any())
        outward = None if far_off else hidden * (min(lack, self.wanted / 4) / self._size(hidden))
        return self._accepted(positions, residual, back, outward)

    def _accepted(
        self, positions: Tensor, residual: Tensor, back: Tensor, outward: Tensor | None
    ) -> tuple[Tensor, Tensor] | None:
        """The longest fraction of the step that brings features nearer without overlap; outward steps may cost some."""
        for halving in range(HALVINGS):
            share = 0.5**halving
            tried = positions + share * (back if outward is None else back + outward)
            if self._overlaps(tried):
                continue
            left = self._residual(tried)
            if float(left.norm()) < float(residual.norm()) or (outward is not None and float(left.norm()) < 0.1):
                return tried, left
        return self._accepted(positions, residual, back, None) if outward is not None else None

    def _features(self, positions: Tensor) -> Tensor:
        with torch.no_grad():
            return checked_invariants(self.function, positions, self.stage, self.node)

    def _residual(self, positions: Tensor) -> Tensor:
        return (self._features(positions) - self.target) / self.scale

    def _overlaps(self, positions: Tensor) -> bool:
        structure = self.function.structure
        return close_pairs(replace(structure, positions=positions), CLOSEST * shortest_distance(structure))

    def _size(self, step: Tensor) -> float:
        """Root mean square displacement of the movers."""
        return float(step[self.movers].square().sum(1).mean().sqrt())

    def _off(self, positions: Tensor) -> Tensor:
        """How far the environment has changed its shape, [N, 3]: the best rotation (about the node) is taken off."""
        inside = self._inside()
        known = _around(self.function.structure, inside, self.node).positions
        moved = positions[inside] + (known - self.function.start[inside])  # the same images
        node = None if self.node is None else int(inside[: self.node].sum())
        p, q = (points - (points.mean(0) if node is None else points[node]) for points in (known, moved))
        turn = best_rotation(q, p)
        off = torch.zeros_like(positions)
        off[inside] = q - p @ turn.mT
        return off * self.movers[:, None]

    def _away(self, positions: Tensor) -> float:
        return self._size(self._off(positions))

    def _inside(self) -> Tensor:
        """The movers, and the node."""
        inside = self.movers.clone()
        if self.node is not None:
            inside[self.node] = True
        return inside

    def _apart(self, positions: Tensor) -> Apart:
        """Of what the features depend on: the movers and the node."""
        inside = self._inside()
        centre = None if self.node is None else int(inside[: self.node].sum())
        known = self.function.structure.select(inside)
        moved = replace(known, positions=positions[inside])
        return crystals_apart(known, moved, centre) if any(known.pbc) else apart(known, moved, centre)


def _around(structure: Structure, inside: Tensor, node: int | None) -> Structure:
    """Some points of a structure, as a cloud without a cell; in a cell, one image of each, near the node.

    These images measure how far the search has come. They prove nothing: in a skew cell others may be nearer."""
    chosen = structure.select(inside)
    if structure.cell is None or not any(structure.pbc):
        return chosen
    origin = structure.positions[node if node is not None else int(inside.nonzero()[0])]
    fractional = (chosen.positions - origin) @ torch.linalg.inv(structure.cell)
    periods = torch.tensor(structure.pbc)
    wrapped = torch.where(periods, fractional - fractional.round(), fractional)
    return replace(chosen, positions=origin + wrapped @ structure.cell, cell=None, pbc=(False, False, False))

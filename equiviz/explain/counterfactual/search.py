"""An output as a function of positions, with its slope; and what the result of a search is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.counterfactual.solver import Problem, Solution
from equiviz.explain.errors import CounterfactualError
from equiviz.explain.function_of_positions import FunctionOfPositions, derivative
from equiviz.explain.outputs import AskedNumber
from equiviz.explain.pair_distances import shortest_distance
from equiviz.explain.rigid_motions import rigid_basis
from equiviz.symmetry.errors import EquivizError

KICK = 0.02
"""Of the shortest distance: how far atoms are moved at random, where the gradient vanishes by symmetry."""
KICKS = 3
FLAT = 1e9
"""A slope that would need atoms to move so many times the shortest distance, is none but rounding."""
RANDOM = 24
PROBES = 3
SMALL = 1e-4
"""Of the shortest distance: the step of finite differences."""


@dataclass(frozen=True, eq=False)
class Search:
    """One output of a model, at positions that may move."""

    function: FunctionOfPositions
    output: AskedNumber

    def tangent(self, positions: Tensor) -> tuple[float, Tensor]:
        """The value at positions [N, 3], and its gradient [N, 3]: zeros where nothing depends on them."""
        moving = positions.detach().clone().requires_grad_()
        value = self.output.values(self.function.at(moving))  # [1]
        slope = derivative(value, moving)
        return float(value.detach()), torch.zeros_like(positions) if slope is None else slope.reshape(-1, 3)

    def value(self, positions: Tensor) -> float:
        """At positions [N, 3]."""
        return float(self.output.values(self.function.seen_at(positions)))

    def slope_error(self, seed: int) -> float:
        """How far slopes are from finite differences, relative to the larger of both: 0 but for rounding and curvature.

        Raises:
            CounterfactualError: the output changes with the positions, and autograd does not know.
        """
        start, unit = self.function.start, shortest_distance(self.function.structure)
        before, gradient = self.tangent(start)
        true, known = [0.0], [0.0]
        for direction in self._random(PROBES, seed):
            ahead, back = (self.value(start + sign * SMALL * unit * direction) for sign in (1, -1))
            true.append((ahead - back) / (2 * SMALL * unit))
            known.append(float((gradient * direction).sum()))
        slopes, found = torch.tensor(true), torch.tensor(known)
        largest = float(torch.maximum(slopes.abs(), found.abs()).max())
        if not bool(gradient.any()) and largest * unit > 1e-9 * max(abs(before), 1e-12):
            held = f" (it reads {', '.join(self.function.held)}, measured beforehand)" if self.function.held else ""
            raise CounterfactualError(
                f"The output {self.output} changes with the positions, but its gradient does not reach them: the "
                f"model leaves autograd on the way{held}. A smallest change needs gradients."
            )
        return float((slopes - found).abs().max()) / largest if largest else 0.0

    def solved(self, problem: Problem, steps: int, seed: int) -> Solution | None:
        """From where the structure is; from slightly beside it, where the slope vanishes there. None for no slope."""
        unit = shortest_distance(self.function.structure)
        starts = [torch.zeros_like(self.function.start)]
        starts += [KICK * unit * direction * len(direction) ** 0.5 for direction in self._random(KICKS, seed)]
        for start in starts:
            slope = self.tangent(self.function.start + start)[1]
            if float(slope.norm()) * FLAT * unit > abs(problem.asked):
                return problem.solved(start, steps)
        return None

    def random_changes(self, size: float, seed: int) -> Tensor:
        """Changes of the output by random displacements of this norm, [RANDOM]."""
        before = self.value(self.function.start)
        moved = [self.value(self.function.start + size * d) - before for d in self._random(RANDOM, seed + 1)]
        return torch.tensor(moved, dtype=torch.float64)

    def change_anew(self, positions: Tensor) -> float | None:
        """With everything measured again on the moved structure; None where that fails, or nothing is measured."""
        if not self.function.held:
            return None
        try:
            moved = self.output.values(self.function.measured_anew_at(positions))
        except EquivizError:
            return None
        return float(moved) - self.value(self.function.start)

    def _random(self, count: int, seed: int) -> list[Tensor]:
        """Directions of norm 1 without motions of the whole, [N, 3] each."""
        generator = torch.Generator().manual_seed(seed)
        rigid = rigid_basis(self.function.structure)
        flat = torch.randn(count, rigid.shape[1], generator=generator, dtype=torch.float64)
        flat = flat - flat @ rigid.mT @ rigid
        return list((flat / flat.norm(dim=1, keepdim=True)).reshape(count, -1, 3).to(self.function.start))

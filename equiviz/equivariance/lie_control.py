"""The control of forward mode: derivatives can be lost in silence, and finite differences notice."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from equiviz.equivariance.finite_differences import step_for
from equiviz.equivariance.lie_runs import Block, LieRuns
from equiviz.equivariance.round_off import MARGIN
from equiviz.symmetry.generators import Generator

FINER = 64
"""How much finer a second step is: kinks then disturb finite differences eight times less. What rounding does, at most
1e-5 * 64 of float32 values per radian, is still less than what a lost derivative does."""
# Doubts are one to three times the errors at kinks and of rounding (measured, relu networks and exact ones). No larger
# margin is needed here, since a gap has to persist besides.
_DISPROOF = 3.0


def disproved(
    runs: LieRuns, generator: Generator, forward: Mapping[str, Tensor], floors: Mapping[Block, float]
) -> list[str]:
    """Stages whose forward derivative finite differences disprove.

    The two must disagree by more than they may be wrong, and about as much with a finer step: errors of finite
    differences, such as those at the kinks of ReLU, shrink with the step; a derivative that was lost stays lost.

    Args:
        runs: the model and its input.
        generator: along which to try.
        forward: by stage, the Lie derivative along it by forward mode.
        floors: by block, what rounding does to that.
    """
    step = step_for(runs.dtype)
    coarse = _gaps(runs, generator, forward, step, smooth=True)
    suspects = {b for b, (gap, doubt) in coarse.items() if gap > MARGIN * (doubt + floors.get(b, 0.0))}
    if not suspects:
        return []
    fine = _gaps(runs, generator, forward, step / FINER, smooth=False)
    return sorted({b[0] for b in suspects if fine[b][0] >= max(coarse[b][0] / 2, _DISPROOF * fine[b][1])})


def _gaps(
    runs: LieRuns, generator: Generator, forward: Mapping[str, Tensor], step: float, smooth: bool
) -> dict[Block, tuple[float, float]]:
    """How far the two are apart, and how wrong the differences may be, block by block."""
    found = runs.differences(generator, step)
    gaps: dict[Block, tuple[float, float]] = {}
    for stage, values in forward.items():
        doubts = runs.doubts(stage, found, smooth)
        for irrep, gap in runs.norms(stage, values - found.lie(stage)).items():
            gaps[stage, irrep] = (gap, doubts[irrep])
    return gaps

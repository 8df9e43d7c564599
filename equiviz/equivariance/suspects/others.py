"""What is told when nothing that was tried explains the break: the kind of place where to look."""

from __future__ import annotations

import math

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis


def batch_mixing(case: Case) -> list[Diagnosis]:
    """A structure changes in company."""
    if case.kind != "batch":
        return []
    fix = "Look for means, maxima or normalisations over all atoms of a batch; use the batch index."
    cause = "structures in one batch change each other"
    return [case.found("batch-dependence", cause, "a structure alone and beside a copy", math.nan, fix)]


def order_hint(case: Case) -> list[Diagnosis]:
    """The order of atoms counts."""
    if case.kind != "permutation":
        return []
    fix = "Look for running sums, indices used as features, and neighbour lists that are cut by number."
    cause = "the result depends on the order in which atoms are listed"
    return [case.found("order-dependence", cause, "other orders of the atoms", math.nan, fix, sure=False)]


def choice_hint(case: Case) -> list[Diagnosis]:
    """Something is chosen by the size of components: the nearest along x, the first in a sorted list."""
    acts = sorted({name for name, _ in case.acts.of("choice")})
    if case.kind not in ("rotation", "inversion") or not acts or case.rare:
        return []
    names = ", ".join(f"torch.{name}" for name in acts)
    cause = f"{names} before {case.stage} may treat components one by one, or all together, as no rotation does"
    fix = "Choose and measure by invariants (distances, norms, angles between vectors), or not at all."
    return [case.found("choice", cause, "other orientations", math.nan, fix, sure=False)]


def rare_directions(case: Case) -> list[Diagnosis]:
    """Most elements are fine, a few are far off: a branch, not a formula."""
    if case.kind not in ("rotation", "inversion") or not case.rare:
        return []
    errors = case.sums.inherited[case.kind].block(case.stage, case.irrep).errors
    failed = case.failed(errors)
    cause = f"only {failed} of {len(errors)} elements break it: a branch, a threshold or a frame that jumps"
    fix = "Look for if, torch.where, sorting and argmax on components, and frames that are chosen by a rule."
    return [case.found("rare-directions", cause, f"{len(errors)} elements", math.nan, fix, sure=False)]

"""What is told when nothing that was tried explains the break: the kind of place where to look."""

from __future__ import annotations

import math

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.round_off import tolerance


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


def rare_directions(case: Case) -> list[Diagnosis]:
    """Most elements are fine, a few are far off: a branch, not a formula."""
    if case.kind not in ("rotation", "inversion"):
        return []
    errors = case.sums.inherited[case.kind].block(case.stage, case.irrep).errors
    bound = tolerance(case.sums.dtype, 0.0)
    failed = sum(error > bound for error in errors)
    if not errors or failed > len(errors) / 3:
        return []
    cause = f"only {failed} of {len(errors)} elements break it: a branch, a threshold or a frame that jumps"
    fix = "Look for if, torch.where, sorting and argmax on components, and frames that are chosen by a rule."
    return [case.found("rare-directions", cause, f"{len(errors)} elements", math.nan, fix, sure=False)]

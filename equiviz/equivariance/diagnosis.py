"""Why does it break? Each suspect is tried by changing one thing and measuring the error again.

A suspect is a function in the table of `equiviz.equivariance.suspects`. It sees the case (model, input, where it breaks
first, under which transformations) and answers with a `Diagnosis` that carries the evidence, or with nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.equivariance.claims import Kind
from equiviz.features.model_input import ModelInput

if TYPE_CHECKING:
    from equiviz.equivariance.measurement import Measurement

# Below this part of the error that was, what is left is told as gone. Smaller parts would take what merely grew beside
# the error for a cure.
CURED = 1e-3


@dataclass(frozen=True)
class Diagnosis:
    """A cause, with what was tried.

    Attributes:
        code: for programs: "pointwise-nonlinearity", "transpose", "training-mode" ...
        cause: for readers, a clause that follows "Cause found:".
        stage, irrep, group: the break that it explains.
        tried: what was changed.
        before, after: the relative error as it was, and with the change.
        fix: what to do, as an imperative.
        sure: whether the change made the error go away; else it is a hint.
    """

    code: str
    cause: str
    stage: str
    irrep: str
    group: Kind
    tried: str
    before: float
    after: float
    fix: str
    sure: bool = True


def diagnose(
    sums: Measurement, claimed: frozenset[Kind], x: ModelInput, seed: int, step: Callable[[], object] = bool
) -> list[Diagnosis]:
    """All suspects against the first break of each kind; the surest and those of the earliest stage first.

    `step` is called after each suspect, for a bar.
    """
    from equiviz.equivariance.case import cases
    from equiviz.equivariance.suspects import SUSPECTS

    found: list[Diagnosis] = []
    for case in cases(sums, claimed, x, seed):
        own: list[Diagnosis] = []
        for suspect in SUSPECTS:
            own += suspect(case)
            step()
            if any(one.sure for one in own):  # the order of suspects is from the particular to the general
                break
        known = {(one.code, one.stage) for one in found}
        found += [one for one in own if (one.code, one.stage) not in known]
        if case.kind == "determinism" and any(one.sure for one in own):
            break  # a model that differs from call to call seems to break everything
    explained = {(one.group, one.stage) for one in found if one.sure}
    groups, stages = {group for group, _ in explained}, {stage for _, stage in explained}
    order = list(sums.reference)
    return sorted(
        (one for one in found if one.sure or (one.group not in groups and one.stage not in stages)),
        key=lambda one: (not one.sure, order.index(one.stage) if one.stage in order else 0),
    )

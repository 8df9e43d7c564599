"""Numbers: not finite, or of less precision than the model's."""

from __future__ import annotations

import math

import torch

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.double_twin import rebuilt_twin
from equiviz.equivariance.round_off import REAL
from equiviz.equivariance.suspects.components import exchanged_axes


def not_finite(case: Case) -> list[Diagnosis]:
    """NaN or infinity: where, and whether already in the input as it came."""
    if math.isfinite(case.error):
        return []
    values = case.runs.reference[case.stage][case.irrep]
    wrong = ~torch.isfinite(values)
    if bool(wrong.any()):
        rows = wrong.flatten(1).any(1).nonzero()[:, 0].tolist()
        where = f"in {int(wrong.sum())} of {wrong.numel()} numbers, at {case.runs.reference[case.stage].support} "
        where += ", ".join(map(str, rows[:5])) + (" ..." if len(rows) > 5 else "")
        tried = "looking at the input as it came"
    else:
        where, tried = "on some transformed inputs only", "looking at the transformed inputs"
    fix = "Look for a division by a norm that may be zero, a square root or an arc cosine at the end of its range."
    return [case.found("not-finite", f"{case.irrep} is not finite {where}", tried, math.inf, fix)]


def single_precision(case: Case) -> list[Diagnosis]:
    """float32 within a float64 model: constants that were made under another default, or casts."""
    if case.kind not in ("rotation", "inversion"):
        return []
    fix = "Build the model under torch.set_default_dtype(torch.float64), and remove .float() and dtype=torch.float32."
    for act in case.acts.of("precision"):
        after = case.error_with(without=frozenset({act}))
        if case.cured(after):
            cause = f"between stages the model computes in less than its precision (Tensor.{act[0]})"
            return [case.found("float32-constants", cause, f"leaving out Tensor.{act[0]}", after, fix)]
    if case.sums.dtype != torch.float64 or not case.error < 100 * REAL:
        return []
    twin = rebuilt_twin(case.model)
    if twin.model is not None:
        after = case.error_with(model=twin.model)
        if case.cured(after):
            cause = "constants were rounded to float32 when the model was built"
            return [case.found("float32-constants", cause, "building it anew under float64", after, fix)]
    if case.error > 1e-6 or case.error < 1e-10 or case.rare:
        return []
    cause = "an error of this size in float64 may be that of float32: constants or steps of lower precision"
    exact = exchanged_axes(case)  # rounding treats components one by one, so exchanges of axes are free of it
    tried = "exchanges of the axes only, which rounding does not break,"
    return [case.found("float32-constants", cause, tried, exact, fix, sure=case.cured(exact))]

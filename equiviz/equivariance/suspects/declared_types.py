"""Types that were declared otherwise than computed: the order of blocks, Cartesian tensors, axes of the input."""

from __future__ import annotations

from itertools import permutations

import torch

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.trials import Trial
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.symmetry.irreps import Irreps
from equiviz.symmetry.representations import O3Irreps, Representation

# Orders of more terms than this are not tried.
MOST_TERMS = 4
_AXES = "xyz"


def block_order(case: Case) -> list[Diagnosis]:
    """The blocks of a stage in another order than declared."""
    carried = _declared(case)
    if carried is None or not 1 < len(list(carried.irreps)) <= MOST_TERMS or carried.layout == "spherical":
        return []
    terms = list(carried.irreps)
    for other in dict.fromkeys(permutations(terms)):
        if list(other) == terms:
            continue
        actual = O3Irreps(Irreps(other), carried.layout)
        after = case.error_with(expected=lambda field, trial, actual=actual: _turned_as(field, trial, actual))
        if case.cured(after):
            cause = f"{case.stage} is declared as {carried}, and turns as {actual}: blocks are in another order"
            tried = f"turning it as {actual}"
            return [case.found("block-order", cause, tried, after, f"Declare it as {actual}, or reorder the blocks.")]
    return []


def cartesian(case: Case) -> list[Diagnosis]:
    """Nine numbers xx, xy, xz, yx ..., declared as the irreps that they could be turned into."""
    carried = _declared(case)
    if carried is None or carried.dim % 9:
        return []
    after = case.error_with(expected=_turned_as_cartesian)
    cause = f"{case.stage} holds Cartesian components (xx, xy, xz, yx ...), and is declared as {carried}"
    fix = "Declare it as a Cartesian tensor (equiviz.symmetry.CartesianTensor(2)), or change the basis to irreps."
    return case.if_cured("cartesian", cause, "turning it as Cartesian tensors of rank 2", after, fix)


def axes_of_input(case: Case) -> list[Diagnosis]:
    """The model reads (x, y, z) of all its inputs in another order: it follows the rotation P g P^-1."""
    if case.kind not in ("rotation", "inversion"):
        return []
    for order in permutations(range(3)):
        if order == (0, 1, 2):
            continue
        exchange = torch.eye(3, dtype=torch.float64)[list(order)]
        after = case.error_with(expected=lambda field, trial, p=exchange: _conjugated(field, trial, p))
        if case.cured(after):
            read = ", ".join(_AXES[axis] for axis in order)
            cause = f"{case.stage} follows rotations as if the input's axes were ({read})"
            fix = "Give x, y, z in that order to the part that reads them; e3nn >= 0.5 takes (x, y, z)."
            return [case.found("axis-order", cause, f"turning it with the axes read as ({read})", after, fix)]
    return []


def _declared(case: Case) -> O3Irreps | None:
    """The irreps of the broken stage, where rotations break it."""
    if case.kind != "rotation" or case.stage not in case.runs.reference:
        return None
    carried = case.runs.reference[case.stage].representation
    return carried if isinstance(carried, O3Irreps) else None


def _turned_as(field: Field, trial: Trial, actual: Representation) -> Field:
    return field if trial.g is None else field.with_values(actual.transform(trial.g, field.values))


def _turned_as_cartesian(field: Field, trial: Trial) -> Field:
    assert isinstance(trial.g, O3)
    matrix = torch.kron(trial.g.matrix, trial.g.matrix).to(field.values)
    parts = field.values.unflatten(-1, (-1, 9))
    return field.with_values((parts @ matrix.mT).flatten(-2))


def _conjugated(field: Field, trial: Trial, exchange: torch.Tensor) -> Field:
    assert isinstance(trial.g, O3)
    return field.transform(O3(exchange @ trial.g.matrix @ exchange.T))

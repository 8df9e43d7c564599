"""Conventions: the block turns, but by another matrix than its type says."""

from __future__ import annotations

from dataclasses import replace

import torch

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.suspects.inputs import attributes_of
from equiviz.equivariance.transformed_input import disturbed
from equiviz.equivariance.trials import Trial
from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.symmetry.representations import Position


def transposed(case: Case) -> list[Diagnosis]:
    """R against its transpose."""
    if case.kind not in ("rotation", "inversion"):
        return []

    def backwards(field: Field, trial: Trial) -> Field:
        assert isinstance(trial.g, O3)
        return field.transform(trial.g.inverse())

    return case.if_cured(
        "transpose",
        f"{case.irrep} turns by the transposed matrix, R^T for R",
        "turning the block by the inverse element",
        case.error_with(expected=backwards),
        "Turn column vectors by R @ v, rows by v @ R.T.",
    )


def parity(case: Case) -> list[Diagnosis]:
    """o for e."""
    if case.kind != "inversion" or "rotation" in case.broken:
        return []

    def flipped(field: Field, trial: Trial) -> Field:
        turned = field.transform(trial.g) if trial.g is not None else field
        sign = trial.g.det if isinstance(trial.g, O3) else 1
        return turned.with_values(turned.values * sign)

    other = case.irrep[:-1] + ("e" if case.irrep.endswith("o") else "o")
    after = case.error_with(expected=flipped)
    if case.cured(after):
        cause = f"{case.irrep} behaves as {other}: a parity is mislabelled"
        return [
            case.found("parity-mislabelled", cause, f"treating the block as {other}", after, f"Declare it as {other}.")
        ]
    fix = "Keep even and odd irreps apart: a cross product of two vectors is 1e, a triple product 0o. Or claim SE(3)."
    cause = f"{case.irrep} holds a sum of even and odd parts"
    return [case.found("parity-mixed", cause, f"treating the block as {other}", after, fix, sure=False)]


def unturned(case: Case) -> list[Diagnosis]:
    """A block that does not turn at all: computed from an attribute, a constant or a cache that stays as it was."""
    if case.kind not in ("rotation", "inversion"):
        return []
    after = case.error_with(expected=lambda field, _: field)
    if not case.cured(after):
        return []
    name = _attribute_held(case)
    if name is not None:
        return [
            case.found(
                "attribute-not-rotated",
                f"the attribute {name!r} is not turned with the positions: {case.irrep} holds it as it first came",
                "expecting the block not to change at all",
                after,
                f"Turn {name!r} with the positions; read it from the input, not from a copy.",
            )
        ]
    if _is_deaf(case):
        return [
            case.found(
                "stale-cache",
                f"{case.stage} is the same whatever the positions are: it is kept from an earlier call",
                "expecting the block not to change at all, and moving all atoms",
                after,
                "Compute it anew in each call, or key the cache by the positions themselves.",
            )
        ]
    return [
        case.found(
            "attribute-not-rotated",
            f"{case.irrep} does not turn at all: it comes from an attribute, or a constant, that is not turned",
            "expecting the block not to change at all",
            after,
            "Turn typed attributes with the positions; read them from the input, not from a copy.",
        )
    ]


def _attribute_held(case: Case) -> str | None:
    """The attribute whose numbers the block holds, up to a factor."""
    values = case.runs.reference[case.stage][case.irrep].double().flatten(1)
    for name, field in attributes_of(case.x).items():
        own = field.values.detach().double().flatten(1)
        if own.shape == values.shape and own.numel() and bool(own.any()):
            factor = (own * values).sum() / own.square().sum()
            if float((values - factor * own).norm()) < 1e-5 * float(values.norm()):
                return name
    return None


def _moved(case: Case) -> ModelInput:
    """The input with its atoms moved at random, and its attributes as they were."""
    moved = disturbed(case.x, 0.1, torch.Generator().manual_seed(case.seed))
    if isinstance(moved, TypedTensors) and isinstance(case.x, TypedTensors):
        still = {n: f for n, f in case.x.fields.items() if not isinstance(f.representation, Position)}
        return moved.with_values(still)
    if isinstance(moved, (Structure, Graph)) and isinstance(case.x, (Structure, Graph)):
        return replace(moved, node=case.x.node)
    return moved


def _is_deaf(case: Case) -> bool:
    """Whether the stage stays what it was when all atoms move at random."""
    moved = _moved(case)
    after = case.error_with([Trial("determinism", "other positions", moved)], forced=False)
    return case.cured(after)

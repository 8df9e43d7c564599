"""Affine maps that act on components as if they were channels: a bias, an `nn.Linear` over all of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.round_off import base_tolerance
from equiviz.equivariance.trials import Trial
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.representations import O3Irreps

# A fit that leaves more than this, relative to the values, is no affine map.
EXACT = 1e-6
_TURNS = 6


def bias(case: Case) -> list[Diagnosis]:
    """A constant added to components: f - c turns as it should."""
    if case.kind not in ("rotation", "inversion") or case.irrep in ("0e",):
        return []
    constant = _constant(case)
    if constant is None:
        return []

    def without(field: Field, trial: Trial) -> Field:
        bare = _shifted(field, case.irrep, -constant)
        return _shifted(bare if trial.g is None else bare.transform(trial.g), case.irrep, constant)

    after = case.error_with(expected=without)
    # To rounding, and not only mostly: exp(x) is nearly 1 + x.
    if not after <= base_tolerance(case.sums.dtype):
        return []
    size = float(constant.norm(dim=-1).max())
    cause = f"a constant is added to the components of {case.irrep} (of length {size:.3g} in the largest copy)"
    fix = "A bias may be added to 0e only; switch it off for other irreps (e3nn's o3.Linear adds none to them)."
    return case.if_cured("bias", cause, "subtracting that constant before turning", after, fix)


def mixing(case: Case) -> list[Diagnosis]:
    """An affine map of what passed before, over components of different irreps."""
    if case.kind not in ("rotation", "inversion") or case.stage not in case.runs.reference or case.rare:
        return []
    if case.runs.reference[case.stage].values.is_complex():
        return []
    for name, before, after in _samples(case):
        fitted = _affine(before, after)
        if fitted is None:
            continue
        evidence = f"one matrix, fitted to half of what passed, gives the other half to {fitted:.0e}"
        cause = f"{case.irrep} is a linear map of all components of {name} together, which mixes irreps ({evidence})"
        fix = "Mix copies of the same irrep only, with one weight for all components of a copy (e3nn's o3.Linear)."
        return [case.found("linear-mixing", cause, f"fitting one matrix from {name}", math.nan, fix)]
    return []


def _constant(case: Case) -> Tensor | None:
    """The constant ``[mul, size]`` that makes f - c turn, by least squares over rows and turns."""
    reference = case.runs.reference.get(case.stage)
    if reference is None or not isinstance(reference.representation, O3Irreps) or reference.values.is_complex():
        return None
    turns = case.turns + haar(_TURNS, case.seed + 5, "SO(3)")
    systems, sides = list[Tensor](), list[Tensor]()
    for trial in case.at(turns):
        try:
            record, matching = case.runs.forced(trial)
            pair = matching.pair(case.stage, record[case.stage].values)
        except Exception:
            return None
        if pair is None or not bool(pair.found.values.isfinite().all()):
            return None
        assert isinstance(trial.g, O3)
        matrix = O3Irreps(case.irrep).matrix(trial.g)
        systems.append(torch.eye(len(matrix), dtype=matrix.dtype) - matrix)
        sides.append((pair.found[case.irrep] - pair.expected[case.irrep]).double().cpu().mean(0))  # [mul, size]
    if not sides or any(side.ndim != 2 for side in sides):
        return None
    solved = torch.linalg.lstsq(torch.cat(systems), torch.cat([side.T for side in sides])).solution.T
    return solved if bool(solved.isfinite().all()) and float(solved.norm()) else None


def _shifted(field: Field, irrep: str, constant: Tensor) -> Field:
    values, start = field.values.clone(), 0
    for block in field.blocks:
        if block.label == irrep:
            part = constant[start : start + block.multiplicity].to(values)
            values[..., block.indices] = values[..., block.indices] + part
            start += block.multiplicity
    return field.with_values(values)


def _samples(case: Case) -> list[tuple[str, Tensor, Tensor]]:
    """What passed before, ``[samples, dim]``, beside the block ``[samples, own dim]``, by name."""
    names = list(case.runs.reference)
    place, own = names.index(case.stage), case.runs.reference[case.stage]
    stages = [n for n in names[:place][-1:] if case.runs.reference[n].support == own.support]
    given = case.x.fields if isinstance(case.x, TypedTensors) and not stages else {}
    given = {n: f for n, f in given.items() if len(f) == len(own)}
    before: dict[str, list[Tensor]] = {n: [] for n in (*stages, *given)}
    after: list[Tensor] = []
    for trial in case.at(haar(_TURNS, case.seed + 5, "SO(3)")):
        try:
            record = case.runs.forced(trial)[0]
        except Exception:
            return []
        expected = {n: case.runs.reference[n].transform(trial.g) for n in stages if trial.g is not None}
        turned = trial.x.fields if isinstance(trial.x, TypedTensors) else {}
        if case.stage not in record or any(len(f) != len(record[case.stage]) for f in expected.values()):
            return []
        for name, parts in before.items():
            parts.append((expected.get(name) or turned[name]).values.detach().double().cpu().flatten(1))
        after.append(record[case.stage][case.irrep].double().cpu().flatten(1))
    return [(name, torch.cat(parts), torch.cat(after)) for name, parts in before.items()]


def _affine(before: Tensor, after: Tensor) -> float | None:
    """What the best affine map leaves of unseen samples, relative; None where it does not fit, or could not help to."""
    system = torch.cat([before, before.new_ones(len(before), 1)], 1)
    half = len(system) // 2
    if half < 2 * system.shape[1] or not bool(system.isfinite().all() & after.isfinite().all()):
        return None
    matrix = torch.linalg.lstsq(system[:half], after[:half], driver="gelsd").solution
    left = float((system[half:] @ matrix - after[half:]).norm() / after[half:].norm())
    return left if left < EXACT else None

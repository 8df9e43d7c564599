"""Another basis: the block turns as its irrep does, once its components are mixed by one constant matrix.

If the block holds B^-1 v where v turns as declared, then B f(g x) = D(g) B f(x) for every g: linear in B, so that the
smallest singular vector of what was measured is B. Whatever people confuse is in it: (x, y, z) with (y, z, x), the
order and the signs of m, a coordinate frame that is turned, components on different scales.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.trials import Trial
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.representations import Block, O3Irreps

# A second matrix that explains the block nearly as well: too little was measured to tell.
UNIQUE = 1e-3
# A matrix that is nearly singular loses components; that is no basis.
CONDITION = 1e-2
_TURNS = 4
_FIX = "Bring it into the declared basis once, at the border; e3nn >= 0.5 has l = 1 as (x, y, z), m from -l to l."


def layout(case: Case) -> list[Diagnosis]:
    """mul_ir for ir_mul: copies and components are taken for each other."""
    block = _block(case)
    if block is None or block.multiplicity == 1 or block.size == 1:
        return []
    there = torch.arange(block.indices.numel()).reshape(block.size, block.multiplicity).T.flatten()
    after = case.error_with(expected=lambda field, trial: _turned_in_layout(field, trial, case.irrep, there))
    cause = f"{case.irrep} is stored component by component, and declared copy by copy (ir_mul for mul_ir)"
    fix = "Transpose the last two axes before flattening, or declare the layout that it has."
    return case.if_cured("layout", cause, "reading the block in the other layout", after, fix)


def basis(case: Case) -> list[Diagnosis]:
    """The components are those of another basis."""
    block = _block(case)
    if block is None or block.size == 1 or case.rare:
        return []
    matrix = _fitted(case, case.at(haar(_TURNS, case.seed + 7, "SO(3)")))
    if matrix is None:
        return []
    after = case.error_with(expected=lambda field, trial: _turned_in_basis(field, trial, case.irrep, matrix))
    if not case.cured(after):
        return []
    code, words = _named(matrix)
    cause = f"{case.irrep} is in another basis than declared: {words}"
    return [case.found(code, cause, "reading the components in that basis", after, _FIX)]


def _block(case: Case) -> Block | None:
    """The block, where rotations break it and its irreps are those of O(3)."""
    if case.kind != "rotation" or case.stage not in case.runs.reference:
        return None
    reference = case.runs.reference[case.stage]
    if not isinstance(reference.representation, O3Irreps) or reference.values.is_complex():
        return None
    blocks = [block for block in reference.blocks if block.label == case.irrep]
    return blocks[0] if len(blocks) == 1 else None


def _fitted(case: Case, trials: Sequence[Trial]) -> Tensor | None:
    """B of determinant +-1 with B f(g x) = D(g) B f(x), or None where there is none, or more than one."""
    reference = case.runs.reference[case.stage]
    before = _copies(reference, case.irrep)
    equations: list[Tensor] = []
    for trial in trials:
        try:
            record, matching = case.runs.forced(trial)
            pair = matching.pair(case.stage, record[case.stage].values)
        except Exception:
            return None
        if pair is None or pair.found.values.shape != reference.values.shape or pair.origin is not None:
            return None
        after = _copies(pair.found, case.irrep)
        matrix = _matrix(case.irrep, trial)
        size = before.shape[1]
        # Row by row of B, flattened: (after^T (x) 1 - before^T (x) D) vec(B), columns of B stacked.
        identity = torch.eye(size, dtype=torch.float64)
        one = torch.einsum("rj,ik->rijk", after, identity) - torch.einsum("rj,ik->rijk", before, matrix)
        equations.append(one.permute(0, 1, 3, 2).reshape(-1, size * size))  # unknown B[k, j]
    system = torch.cat(equations)
    scale = float(before.square().mean().sqrt())
    if not scale or not bool(system.isfinite().all()):
        return None
    gram = system.T @ system / (scale**2 * len(system))
    values, vectors = torch.linalg.eigh(gram)
    found = vectors[:, 0].reshape(before.shape[1], before.shape[1])
    singular = torch.linalg.svdvals(found)
    if values[1] < UNIQUE**2 or values[0] > 1e-4 * values[1] or singular[-1] < CONDITION * singular[0]:
        return None
    sign = found.gather(1, found.abs().argmax(1, keepdim=True)).sum().sign()  # -B serves as well as B
    return sign * found / singular.log().mean().exp()


def _copies(field: Field, irrep: str) -> Tensor:
    """All copies in all rows ``[rows * mul, size]``."""
    return field[irrep].detach().double().cpu().flatten(0, -2)


def _matrix(irrep: str, trial: Trial) -> Tensor:
    assert isinstance(trial.g, O3)
    return O3Irreps(irrep).matrix(trial.g)


def _turned_in_basis(field: Field, trial: Trial, irrep: str, matrix: Tensor) -> Field:
    """The field transformed as if the block's components were multiplied by the inverse of the matrix."""
    turned = field if trial.g is None else field.transform(trial.g)
    own = torch.linalg.solve(matrix, _matrix(irrep, trial) @ matrix).to(field.values)
    values = turned.values.clone()
    for block in field.blocks:
        if block.label == irrep:
            values[..., block.indices] = torch.einsum("ij,...mj->...mi", own, field.values[..., block.indices])
    return turned.with_values(values)


def _turned_in_layout(field: Field, trial: Trial, irrep: str, there: Tensor) -> Field:
    """The field transformed as if the block were stored component by component."""
    values, back = field.values.clone(), there.argsort()
    places = [block.indices.flatten() for block in field.blocks if block.label == irrep]
    for place in places:
        values[..., place] = field.values[..., place[there]]
    turned = field.with_values(values)
    turned = turned if trial.g is None else turned.transform(trial.g)
    out = turned.values.clone()
    for place in places:
        out[..., place] = turned.values[..., place[back]]
    return turned.with_values(out)


def _named(matrix: Tensor) -> tuple[str, str]:
    """A code, and the matrix in words."""
    rounded = matrix.round()
    if bool(((matrix - rounded).abs() < 1e-4).all()) and bool((rounded.abs().sum(0) == 1).all()):
        places, signs = rounded.abs().argmax(1), rounded.sum(1)
        names = "xyz" if len(matrix) == 3 else [str(m) for m in range(-(len(matrix) // 2), len(matrix) // 2 + 1)]
        flipped = ", ".join(name for name, sign in zip(names, signs.tolist(), strict=True) if sign < 0)
        if places.tolist() == list(range(len(matrix))):
            return "component-signs", f"the sign of {flipped} is the opposite"
        stored = ", ".join(names[place] for place in places.argsort().tolist())
        words = f"it is stored in the order ({stored})" + ("" if len(matrix) == 3 else " of m")
        return "axis-order", words + (f", with the opposite sign of {flipped}" if flipped else "")
    diagonal = matrix.diagonal()
    if bool(((matrix - torch.diag(diagonal)).abs() < 1e-4 * diagonal.abs().max()).all()):
        scales = diagonal.abs().max() / diagonal  # the block holds B^-1 v
        return "component-scale", f"components are on different scales, {_numbers(scales)}"
    if bool(((matrix @ matrix.T - torch.eye(len(matrix), dtype=matrix.dtype)).abs() < 1e-4).all()):
        return "other-basis", "it is turned by a constant matrix, as by another coordinate frame"
    return "other-basis", "its components are mixed by a constant matrix"


def _numbers(values: Tensor) -> str:
    return " : ".join(f"{value:.3g}" for value in values.tolist())

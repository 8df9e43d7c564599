"""What goes in: attributes of another type than declared, a cell that is not turned, absolute positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeGuard

from torch import Tensor

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.transformed_input import listed, transformed
from equiviz.equivariance.trials import Trial
from equiviz.features.model_input import ModelInput, prepared
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, GroupElement, Permutation, Translation
from equiviz.symmetry.representations import O3Irreps, Position, Representation

_UNTURNED = "that does not turn"
Reading = Callable[[Field, GroupElement], Field]


def attribute(case: Case) -> list[Diagnosis]:
    """Typed inputs that the model reads as something else."""
    if case.kind not in ("rotation", "inversion"):
        return []
    # Leaving the only thing that turns unturned would cure everything.
    alone = isinstance(case.x, TypedTensors) and sum(map(_turns, case.x.fields.values())) < 2
    for name, field in attributes_of(case.x).items():
        for words, reading in _readings(field).items():
            if alone and words == _UNTURNED:
                continue
            trials = [replace(t, x=_with(t.x, name, reading(field, t.g))) for t in case.trials if t.g is not None]
            after = case.error_with(trials)
            if case.cured(after):
                cause = f"the input {name!r}, declared as {field.representation}, is read as something {words}"
                fix = f"Declare {name!r} as what it is, or turn it where the model reads it."
                # Whatever breaks through an input is cured when that input stays as it is: no proof.
                sure = words != _UNTURNED
                return [case.found("attribute-not-rotated", cause, f"giving {name!r} {words}", after, fix, sure)]
    return []


def constant_that_turns(case: Case) -> list[Diagnosis]:
    """A constant whose rows are vectors, such as a cell, that should have turned with the rest."""
    if case.kind not in ("rotation", "inversion") or not isinstance(case.x, TypedTensors):
        return []
    for name, values in case.x.constants.items():
        if not _holds_vectors(values):
            continue
        trials = [replace(t, x=_turned_constant(t, name, values)) for t in case.trials if isinstance(t.g, O3)]
        after = case.error_with(trials)
        if case.cured(after):
            cause = f"the constant {name!r} holds vectors that stay as they are while the rest is turned"
            kind = "3x1o per graph" if values.shape == (3, 3) else "1o"
            fix = f"Declare it by its type, {name!r}: {kind!r}."
            code = "cell-not-rotated" if values.shape == (3, 3) else "attribute-not-rotated"
            return [case.found(code, cause, f"turning {name!r} too", after, fix)]
    return []


def _holds_vectors(values: object) -> TypeGuard[Tensor]:
    return isinstance(values, Tensor) and values.is_floating_point() and values.ndim > 0 and values.shape[-1] == 3


def _turned_constant(trial: Trial, name: str, values: Tensor) -> ModelInput:
    assert isinstance(trial.x, TypedTensors)
    assert isinstance(trial.g, O3)
    turned = values @ trial.g.matrix.T.to(values)
    return replace(trial.x, constants={**trial.x.constants, name: turned})


def cell(case: Case) -> list[Diagnosis]:
    """A cell that stays as it was while the positions turn: nothing breaks without one, and none that comes is read."""
    if case.kind not in ("rotation", "inversion") or not isinstance(case.x, Structure) or case.x.cell is None:
        return []
    alone = replace(case.x, cell=None, pbc=(False, False, False))
    trials = [Trial(t.kind, t.words, transformed(alone, t.g), g=t.g) for t in case.trials if t.g is not None]
    after = case.error_with(trials, reference=alone)
    if not case.cured(after):
        return []
    fix = "Use the cell of the structure that came; turn it when you turn the positions: cell @ R.T."
    if _is_deaf_to_cells(case):
        cause = "the cell is not turned with the positions: the one that comes with them is not read"
        return [case.found("cell-not-rotated", cause, "the same atoms without a cell", after, fix)]
    cause = (
        "only edges to images in other cells break it: a cell that is not turned, shifts, or what acts on them alone"
    )
    return [case.found("cell-not-rotated", cause, "the same atoms without a cell", after, fix, sure=False)]


def _is_deaf_to_cells(case: Case) -> bool:
    """Whether the error stays what it is when the graph that comes has the cell of the input as it first came."""
    first = case.runs.reference.graph
    graphs = [(t, prepared(case.model, t.x)) for t in case.trials if t.g is not None]
    # Edge vectors that were computed before hide whether the cell is read.
    if first is None or first.cells is None or first.given_vectors is not None or not graphs:
        return False
    held = [replace(t, x=replace(g, cells=first.cells)) for t, g in graphs if isinstance(g, Graph)]
    other = case.error_with(held)
    return len(held) == len(graphs) and abs(other - case.error_with([t for t, _ in graphs])) < 1e-3 * other


def constant_per_node(case: Case) -> list[Diagnosis]:
    """A constant that has one row for each node, and should have been reordered with them."""
    if case.kind != "permutation" or not isinstance(case.x, TypedTensors):
        return []
    for name, values in case.x.constants.items():
        if not isinstance(values, Tensor) or values.ndim == 0 or len(values) != case.x.count:
            continue
        trials = [replace(t, x=_reordered_constant(t, name, values)) for t in case.trials]
        after = case.error_with(trials)
        if case.cured(after):
            cause = f"the constant {name!r} has one row per node, and stays while the nodes are reordered"
            fix = f"Declare {name!r} as 'label', or by its irreps."
            return [case.found("constant-per-node", cause, f"reordering {name!r} too", after, fix)]
    return []


def _reordered_constant(trial: Trial, name: str, values: Tensor) -> ModelInput:
    assert isinstance(trial.x, TypedTensors)
    assert isinstance(trial.g, Permutation)
    return replace(trial.x, constants={**trial.x.constants, name: values[trial.g.order.to(values.device)]})


def centre(case: Case) -> list[Diagnosis]:
    """Absolute positions: nothing breaks once the centre of the atoms is subtracted."""
    if case.kind != "translation" and not (case.kind in ("rotation", "inversion") and "translation" in case.broken):
        return []
    centred = _centred(case.x)
    trials = [replace(t, x=_centred(t.x), g=None if case.kind == "translation" else t.g) for t in case.trials]
    return case.if_cured(
        "centre-dependence",
        "absolute positions are read: the result depends on where the origin is",
        "subtracting the centre of the atoms first",
        case.error_with(trials, reference=centred),
        "Read differences of positions only, or subtract the centre first.",
    )


def attributes_of(x: ModelInput) -> Mapping[str, Field]:
    """The typed inputs besides positions."""
    if isinstance(x, TypedTensors):
        return {name: f for name, f in x.fields.items() if not isinstance(f.representation, Position)}
    return x.node if isinstance(x, (Structure, Graph)) else {}


def _with(x: ModelInput, name: str, field: Field) -> ModelInput:
    if isinstance(x, TypedTensors):
        return x.with_values({name: field})
    assert isinstance(x, (Structure, Graph))
    return replace(x, node={**x.node, name: field})


def _readings(field: Field) -> dict[str, Reading]:
    """Other ways to transform a field, in words."""
    readings: dict[str, Reading] = {}
    if not all(block.invariant for block in field.blocks):
        readings[_UNTURNED] = lambda f, g: f
        readings["that turns by the transposed matrix"] = lambda f, g: f.transform(g.inverse())
        readings["of the other parity"] = lambda f, g: _times(f.transform(g), g.det if isinstance(g, O3) else 1)
    if isinstance(field.representation, O3Irreps) and field.representation.layout == "mul_ir":
        by_component = O3Irreps(field.representation.irreps, "ir_mul")
        readings["stored component by component (ir_mul for mul_ir)"] = _read_as(by_component)
    if field.dim and field.dim % 3 == 0 and isinstance(field.representation, O3Irreps):
        for parity in "oe":
            other = O3Irreps(f"{field.dim // 3}x1{parity}")
            readings[f"of type {other}"] = _read_as(other)
    return readings


def _read_as(other: Representation) -> Reading:
    return lambda f, g: f.with_values(other.transform(g, f.values))


def _turns(field: Field) -> bool:
    return not all(block.invariant for block in field.blocks)


def _times(field: Field, sign: int) -> Field:
    return field.with_values(field.values * sign)


def _centred(x: ModelInput) -> ModelInput:
    if isinstance(x, TypedTensors):
        return x if x.positions is None else x.transform(Translation(-x.positions.detach().double().mean(0)))
    if isinstance(x, Graph):
        return x.transform(Translation(-x.positions.detach().double().mean(0)))
    moved = [s.transform(Translation(-s.positions.double().mean(0))) if len(s) else s for s in listed(x)]
    return moved[0] if isinstance(x, Structure) else moved

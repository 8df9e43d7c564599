"""`lie_derivative(model, x)`: how fast does each stage leave the motion of its input, generator by generator?

For a generator X of a group (E(3), U(n)) and a stage f whose input and output carry representations rho_in and rho_out,

    L_X f = d/dt at 0 of rho_out(exp(-tX)) f(rho_in(exp(tX)) x) = J_f(x)[drho_in(X) x] - drho_out(X) f(x),

which vanishes for all X exactly where f is equivariant to first order (Gruver, Finzi, Goldblum, Wilson, "The Lie
derivative for measuring learned equivariance", arXiv 2210.02984). One forward pass with dual numbers per generator
gives it for all stages at once, exact to rounding; forces that a model takes by `torch.autograd.grad` included. The
neighbour list stays as it is.

What `detach`, numpy, or an autograd function without `jvp` does to dual numbers is not always an error: derivatives may
be lost in silence. So one random combination of generators is tried by finite differences too, and stages that disagree
are measured that way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from equiviz.equivariance.claims import claimed_kinds
from equiviz.equivariance.lie_finding import LieFinding, LieStatus, Motion
from equiviz.equivariance.lie_measurement import LieMeasurement, Size
from equiviz.equivariance.lie_report import LieReport
from equiviz.equivariance.lie_runs import Block, LieRuns
from equiviz.equivariance.round_off import DROWNED, MARGIN, tolerance
from equiviz.equivariance.subject import as_subject
from equiviz.equivariance.transformed_input import spread
from equiviz.features.model_input import ModelInput, measured, prepared
from equiviz.features.model_state import as_found
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.equivariant_model import claimed_group
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs
from equiviz.symmetry.named_groups import of_kind


def lie_derivative(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    *,
    group: str | None = None,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
    seed: int = 0,
) -> LieReport:
    """Measure the Lie derivative of every typed tensor along the generators of what acts on the input.

    Of what lies in space these are the six generators of E(3); of representations of U(n) the n^2 of u(n).

    Its size is ||L_X f|| / ||f|| of each irrep block: per radian for rotations about the origin and for U(n), for
    translations per shift by the spread of the points (the root mean square distance from their centre, at least one
    length unit).

    Args:
        model: anything that `equiviz.capture` takes. It is run in the mode in which it comes, and left as it was.
        x: a Structure, a list of Structures, or a Graph. What the model measures on structures (`model.measure`) is
            attached first, and turns along.
        group: the symmetry to hold the model to, instead of what it claims (``model.group``, else "E(3)").
        supports: as in `equiviz.capture`.
        inputs, outputs, per: types of a function's tensors, as in `equiviz.check`.
        seed: of the random combinations, and of the model's own chance (dropout), which is the same in all passes. The
            global random state is restored.

    Raises:
        CheckError: unknown group; the model raises on slightly moved input.
        NoSmallMotionError: nothing moves the input smoothly.
        CaptureError, ModelError, StructureError: the model or the input is not typed; the message says what to declare.
    """
    with torch.inference_mode(False), as_found(model):
        torch.manual_seed(seed)
        subject, taken = as_subject(model, x, inputs, outputs, per, seed)
        claimed = claimed_group(subject) if group is None else group
        kinds = claimed_kinds(claimed)
        runs = LieRuns.of(subject, prepared(subject, measured(subject, taken)), seed, supports or {})
        sums = LieMeasurement.make(runs)
    findings = [
        _finding(sums, (stage, irrep), norm, motion, name, claimed=motion in kinds)
        for stage in runs.reference
        for irrep, norm in runs.norms(stage).items()
        for motion, along in sums.generators.items()
        for name in along
        if (stage, irrep, name) in sums.sizes
    ]
    stages, title = list(runs.reference), runs.reference.model
    return LieReport(title, claimed, findings, stages, runs.dtype, sums.reasons, _notes(subject))


def _finding(
    sums: LieMeasurement, block: Block, norm: float, motion: Motion, generator: str, claimed: bool
) -> LieFinding:
    runs, (stage, irrep) = sums.runs, block
    size = sums.sizes[stage, irrep, generator]
    known = of_kind(motion)
    per_length = known is not None and known.length_like
    length = spread(runs.x) if per_length else 1.0
    value, floor = (_ratio(length * number, norm) for number in (size.norm, size.doubt))
    bound = tolerance(runs.dtype, floor)
    return LieFinding(
        stage=stage,
        support=runs.reference[stage].support,
        irrep=irrep,
        generator=generator,
        motion=motion,
        value=value,
        floor=floor,
        tolerance=bound,
        per=f"{length:.3g} {_length_unit(runs.x)}" if per_length else "radian",
        method=size.method,
        claimed=claimed,
        status=_status(size, value, floor, bound),
    )


def _ratio(size: float, norm: float) -> float:
    """Infinite where a block that is zero changes; NaN where nothing happens in it."""
    if norm > 0:
        return size / norm
    return math.inf if size > 0 else math.nan


def _status(size: Size, value: float, floor: float, bound: float) -> LieStatus:
    if not math.isfinite(size.norm):
        return "not finite"
    if math.isnan(value):
        return "all zero"
    if math.isinf(value):
        return "breaks" if size.norm > MARGIN * size.doubt else "all zero"
    if floor > DROWNED:
        return "drowned in rounding"
    return "holds" if value <= bound else "breaks"


def _length_unit(x: ModelInput) -> str:
    first = x[0] if isinstance(x, Sequence) else x
    return str(getattr(first, "length_unit", "length units"))


def _notes(model: nn.Module) -> list[str]:
    if any(module.training for module in model.modules()):
        return ["The model is in training mode: one draw of its chance was kept fixed. Call model.eval() first."]
    return []

"""`check(model, x)`: run the model on transformed input, and compare with its transformed record, stage by stage.

The relative error of an irrep block b of a stage, over elements g, is rms_g ||D_b(g) f_b(x) - f_b(g x)|| divided by
rms_g ||f_b||. It is *inherited* in the full run, and *local* when the stage is handed the exactly transformed output of
the stages before it: only the guilty stage has a local error. It is never absolute: a network scaled by 1e5 has the
same errors. What rounding alone does is measured, by disturbing the input by one unit in the last place, and by running
the same weights in float64.

The instrument knows no model and no attribute: an input transforms itself (cell and typed attributes included), and a
field transforms itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from equiviz.equivariance.check_report import CheckReport
from equiviz.equivariance.claims import claimed_kinds
from equiviz.equivariance.diagnosis import diagnose
from equiviz.equivariance.e3nn_arguments import Asked, asked_group
from equiviz.equivariance.errors import CheckError, NotEquivariant
from equiviz.equivariance.late_bar import late_bar
from equiviz.equivariance.measurement import Measurement
from equiviz.equivariance.subject import as_subject
from equiviz.equivariance.sweep import default_count
from equiviz.features.model_input import ModelInput, measured
from equiviz.features.model_state import as_found
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.equivariant_model import claimed_group
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs


def check(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    elements: int = 10,
    seed: int = 0,
    *,
    group: str | None = None,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
    wide: int | None = None,
    rebuild: Callable[[], nn.Module] | None = None,
) -> CheckReport:
    """Measure how far the model is from the symmetry that it claims, at every typed tensor.

    Args:
        model: anything that `equiviz.capture` takes; or any function or module on tensors, with `inputs` and `outputs`.
            It is run in the mode in which it comes, and left as it was.
        x: a Structure, a list of Structures, or a Graph. What the model measures on structures (`model.measure`) is
            attached before they are turned. With `inputs`: one tensor ``[nodes, dim]``, or a dict of tensors.
        elements: number of random rotations that are compared stage by stage; half as many improper elements are tried
            beside them.
        seed: of the elements, translations and orders; the same seed gives the same report. The global random states of
            torch, numpy and Python are restored.
        group: the symmetry to hold the model to, instead of what it claims (``model.group``, else "E(3)").
        supports: as in `equiviz.capture`.
        inputs: the type of the tensor, or of each by name: irreps such as ``"8x0e+4x1o"``, ``"position"`` (translations
            move it too), ``"index"`` (integers that number nodes), ``"label"`` (one per node that nothing turns:
            species), ``"constant"``; ``"1o per edge"`` where the number of rows does not tell what they are. A tuple of
            types for a tuple of tensors.
        outputs: the type of what the function returns, or of each entry of the tuple or dict that it returns.
        per: what the rows of outputs are, "node", "edge" or "graph"; inferred from their number where None.
        wide: number of further rotations, for breaks that show in few directions; None takes as many as fit into about
            a second.
        rebuild: makes a model of the same shape; called with float64 as torch's default dtype, so that the float64 copy
            has no constants that were rounded to float32. The project's own models need none.

    Raises:
        CheckError: unknown group; no elements; the model raises on a transformed input.
        CaptureError, ModelError, StructureError: the model or the input is not typed; the message says what to declare.
    """
    if elements < 1:
        raise CheckError(f"Expected at least one element to try, got elements={elements}.")
    with as_found(model), late_bar("checking") as bar:
        torch.manual_seed(seed)
        subject, taken = as_subject(model, x, inputs, outputs, per, seed)
        claimed = claimed_group(subject) if group is None else group
        kinds, further = claimed_kinds(claimed), default_count(taken) if wide is None else wide
        torch.manual_seed(seed)  # types are inferred only where none are declared: the same draws in both cases
        taken = measured(subject, taken)
        sums = Measurement.make(subject, taken, elements, seed, supports, further, rebuild, bar.update)
        found = diagnose(sums, kinds, sums.x, seed, bar.update)
        sums.release()
    return CheckReport(
        sums.reference.model, claimed, sums.findings(kinds), list(sums.reference), sums.dtype, sums.notes, found, sums
    )


def assert_equivariant(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object] | None = None,
    elements: int | None = None,
    seed: int = 0,
    *,
    group: str | None = None,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
    wide: int | None = None,
    rebuild: Callable[[], nn.Module] | None = None,
    args_in: Sequence[object] | None = None,
    irreps_in: object = None,
    irreps_out: object = None,
    ntrials: int | None = None,
    do_parity: bool = True,
    do_translation: bool = True,
) -> CheckReport:
    """`check`, for test suites: returns the report when the model passes. Arguments as there, and some of e3nn's.

    It stands where `e3nn.util.test.assert_equivariant` stood, and takes its arguments: `args_in` for `x`, `irreps_in`
    for `inputs` and `irreps_out` for `outputs`, each of them irreps, "cartesian_points" (a position), or a list of
    those, one for each argument; None in the list is a constant. Where they are left out, the module's own `irreps_in`
    (or `irreps_in1`, `irreps_in2`) and `irreps_out` count. Without `x`, inputs ``[7, dim]`` are drawn from the normal
    distribution, in torch's default dtype. `ntrials` stands for `elements`; `do_parity=False` holds the model to
    rotations and translations alone, `do_translation=False` to rotations and mirrors. There is no ``tolerance=``: the
    tolerance is relative, and follows from the dtype and from measured rounding. It finds NaN, small errors and rare
    directions, and accepts a model of any scale.

    Raises:
        NotEquivariant: an AssertionError whose message says what breaks, where, and by how much.
        CheckError: nothing was informative, so that passing would mean nothing; nothing says what the model takes; an
            argument came under both its names.
    """
    asked = Asked(x, inputs, outputs).with_e3nns(args_in, irreps_in, irreps_out).completed(model, seed)
    if elements is not None and ntrials is not None:
        raise CheckError("elements= came under e3nn's name for it, ntrials=, too: give one of them.")
    tried = elements if ntrials is None else ntrials
    declared = {"group": asked_group(group, do_parity, do_translation), "supports": supports, "per": per}
    declared |= {"inputs": asked.inputs, "outputs": asked.outputs}
    report = check(model, asked.x, 10 if tried is None else tried, seed, wide=wide, rebuild=rebuild, **declared)  # type: ignore[arg-type]
    if not report.passed:
        raise NotEquivariant(report.describe())
    if not report.informative:
        raise CheckError(report.describe() + "\nGive an input on which the model is not silent.")
    return report

"""`check(model, x)`: run the model on transformed input, and compare with its transformed record, stage by stage.

The relative error of an irrep block b of a stage, over elements g, is rms_g ||D_b(g) f_b(x) - f_b(g x)|| divided by
rms_g ||f_b||. It is never absolute: a network scaled by 1e5 has the same errors. What rounding alone does is measured,
by disturbing the input by one unit in the last place.

The instrument knows no model and no attribute: an input transforms itself (cell and typed attributes included), and a
field transforms itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from equiviz.equivariance.check_report import CheckReport
from equiviz.equivariance.claims import claimed_kinds
from equiviz.equivariance.errors import CheckError, NotEquivariant
from equiviz.equivariance.measurement import Measurement
from equiviz.features.model_input import ModelInput, measured
from equiviz.nn.stage import Support


def check(
    model: nn.Module,
    x: ModelInput,
    elements: int = 10,
    seed: int = 0,
    *,
    group: str | None = None,
    supports: Mapping[str, Support] | None = None,
) -> CheckReport:
    """Measure how far the model is from the symmetry that it claims, at every typed tensor.

    Args:
        model: anything that `equiviz.capture` takes. It is run in the mode in which it comes, and left as it was.
        x: a Structure, a list of Structures, or a Graph. What the model measures on structures (`model.measure`) is
            attached before they are turned.
        elements: number of random rotations; half as many improper elements are tried beside them.
        seed: of the elements, translations and orders; the same seed gives the same report. The global random state is
            restored.
        group: the symmetry to hold the model to, instead of what it claims (``model.group``, else "E(3)").
        supports: as in `equiviz.capture`.

    Raises:
        CheckError: unknown group; no elements.
        CaptureError: as `equiviz.capture`.
    """
    if elements < 1:
        raise CheckError(f"Expected at least one element to try, got elements={elements}.")
    claimed = str(getattr(model, "group", "E(3)")) if group is None else group
    kinds = claimed_kinds(claimed)
    with torch.random.fork_rng(devices=_cuda_devices(model)):
        sums = Measurement.make(model, measured(model, x), elements, seed, supports)
    findings = sums.findings(kinds)
    return CheckReport(type(model).__name__, claimed, findings, list(sums.reference), sums.dtype, sums.notes)


def assert_equivariant(
    model: nn.Module, x: ModelInput, elements: int = 10, seed: int = 0, *, group: str | None = None
) -> CheckReport:
    """`check`, for test suites: returns the report when the model passes.

    Raises:
        NotEquivariant: an AssertionError whose message says what breaks, where, and by how much.
        CheckError: nothing was informative, so that passing would mean nothing.
    """
    report = check(model, x, elements, seed, group=group)
    if not report.passed:
        raise NotEquivariant(report.describe())
    if not report.informative:
        raise CheckError(report.describe() + "\nGive an input on which the model is not silent.")
    return report


def _cuda_devices(model: nn.Module) -> list[torch.device]:
    return list({parameter.device for parameter in model.parameters() if parameter.is_cuda})

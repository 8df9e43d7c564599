"""The model and the input behind a report, for the parts of the widget that run it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.orbit_runs import OrbitRuns
from equiviz.features.model_input import ModelInput

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport
    from equiviz.equivariance.measurement import Measurement

GONE = "This report holds no measurements (it was made or loaded without its model and input): run equiviz.check again."


def measurement(report: CheckReport) -> Measurement:
    """What was measured.

    Raises:
        CheckError: the report holds none.
    """
    if report.sums is None:
        raise CheckError(GONE)
    return report.sums


def input_of(report: CheckReport) -> ModelInput | None:
    """The input as it came; None where the report holds no measurements."""
    return None if report.sums is None else report.sums.x


def orbit_runs(report: CheckReport) -> OrbitRuns:
    """The model, ready to be run on many orientations of the input.

    Raises:
        CheckError: the report holds no measurements.
        Exception: whatever the model raises.
    """
    sums = measurement(report)
    return OrbitRuns.of(sums.runs.model, sums.x, sums.runs.supports)

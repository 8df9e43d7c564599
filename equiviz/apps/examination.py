"""`examine(model, x)`: everything the instrument knows of one model and one input, on one page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.check_report import CheckReport
from equiviz.equivariance.claims import claimed_kinds
from equiviz.equivariance.errors import NoSmallMotionError
from equiviz.equivariance.lie_derivative import lie_derivative
from equiviz.equivariance.lie_report import LieReport
from equiviz.equivariance.spectrum import spectrum
from equiviz.equivariance.spectrum_report import SpectrumReport
from equiviz.equivariance.sphere_map import SphereMap, sphere_map
from equiviz.features.model_input import ModelInput
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from ipywidgets import DOMWidget
    from pandas import DataFrame
    from plotly.graph_objects import Figure

Found = TypeVar("Found")

_CHECK = (
    "Each stage is compared with its own turned record: inherited is what the model as a whole does there, local what "
    "the stage does when it reads exactly what it should."
)
_SPECTRUM = (
    "The mean over the whole group, by a quadrature that is exact up to the band limit: how much of each stage is not "
    "of its type, and as which irrep of the orientation it varies instead."
)
_LIE = (
    "How fast each stage leaves the motion of its input, for each of the six generators of rotations and translations, "
    "by exact derivatives."
)
_SPHERE = "The error of the outputs over all axes of rotation, for one angle: breaks in few directions show as spots."


@dataclass(eq=False, repr=False)
class Examination(Report):
    """Several reports on one model.

    Attributes:
        checked: what breaks, where, and why.
        varies: over the whole group; None where the model claims no rotations.
        drifts: under the generators; None where nothing acts on the input that has some.
        sphere: over the axes; None likewise.
        seconds: wall time of each, in s.
    """

    checked: CheckReport
    varies: SpectrumReport | None
    drifts: LieReport | None
    sphere: SphereMap | None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Equivariance of {self.checked.model}, examined"

    @property
    def passed(self) -> bool:
        """Whether all of them pass."""
        others = (report for report in (self.drifts, self.varies) if report is not None)
        return self.checked.passed and all(report.passed for report in others)

    def to_frame(self) -> DataFrame:
        """The table of the check; the others have their own."""
        return self.checked.to_frame()

    def figure(self) -> Figure:
        """The picture of the check."""
        return self.checked.figure()

    def describe(self) -> str:
        """The check in words, then what the others add."""
        told = [self.checked.describe()]
        told += [f"{heading}: {report.describe()}" for heading, _, report in self._others()]
        return "\n\n".join(told)

    def to_dict(self) -> dict[str, object]:
        """As `CheckReport.to_dict`, with the words of the others."""
        others = {heading: report.describe().splitlines() for heading, _, report in self._others()}
        return {**self.checked.to_dict(), "passed": self.passed, "examination": others, "seconds": dict(self.seconds)}

    def sections(self) -> list[Section]:
        """One of each report, then the numbers of the check."""
        told = [Section("Where does it break?", _CHECK, self.checked)]
        told += [
            Section(heading, f"{prose}\n\n{report.describe()}", report) for heading, prose, report in self._others()
        ]
        return [*told, Section("The numbers", "", self.to_frame())]

    def widget(self) -> DOMWidget:
        """The widget of the check."""
        return self.checked.widget()

    def _others(self) -> list[tuple[str, str, Report]]:
        rows: list[tuple[str, str, Report | None]] = [
            ("How does it vary?", _SPECTRUM, self.varies),
            ("How fast does it drift?", _LIE, self.drifts),
            ("In which directions?", _SPHERE, self.sphere),
        ]
        return [(heading, prose, report) for heading, prose, report in rows if report is not None]


def examine(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    band_limit: int = 6,
    *,
    group: str | None = None,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
    axes: int = 200,
    elements: int = 10,
    seed: int = 0,
) -> Examination:
    """Check, spectrum, Lie derivative and the map over the axes, of one model on one input.

    Args:
        model: anything that `equiviz.check` takes.
        x: as in `equiviz.check`.
        band_limit: of the spectrum; on O(3) if the model claims inversion, else on SO(3).
        group, supports, inputs, outputs, per, elements, seed: as in `equiviz.check`.
        axes: about how many axes the map has, each turned about by a quarter turn.

    Raises:
        BandLimitError: band limit out of range.
        CheckError, CaptureError, ModelError, StructureError: as `equiviz.check`.
    """
    told: dict[str, Any] = {"supports": supports, "inputs": inputs, "outputs": outputs, "per": per}
    seconds: dict[str, float] = {}
    checked = _timed(seconds, "check", lambda: check(model, x, elements, seed, group=group, **told))
    kinds = claimed_kinds(checked.claimed)
    drifts = _timed(seconds, "lie_derivative", lambda: _drifts(model, x, group, seed, told))
    if "rotation" not in kinds:
        return Examination(checked, None, drifts, None, seconds)
    rotations = "O(3)" if "inversion" in kinds else "SO(3)"
    varies = _timed(seconds, "spectrum", lambda: spectrum(model, x, band_limit, rotations, **told))
    sphere = _timed(seconds, "sphere_map", lambda: sphere_map(model, x, points=axes, **told))
    return Examination(checked, varies, drifts, sphere, seconds)


def _drifts(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    group: str | None,
    seed: int,
    told: Mapping[str, Any],
) -> LieReport | None:
    try:
        return lie_derivative(model, x, group=group, seed=seed, **told)
    except NoSmallMotionError:
        return None


def _timed(seconds: dict[str, float], name: str, run: Callable[[], Found]) -> Found:
    started = time.perf_counter()
    found = run()
    seconds[name] = time.perf_counter() - started
    return found

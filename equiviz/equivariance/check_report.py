"""What `check` returns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import torch

from equiviz.equivariance.check_words import sentences
from equiviz.equivariance.claims import Kind, claimed_kinds, told_kinds
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.finding import Broken, Finding, Verdict, verdict
from equiviz.equivariance.percent import percent
from equiviz.equivariance.round_off import base_tolerance, tolerance_words
from equiviz.view.report import Report

if TYPE_CHECKING:
    from ipywidgets import VBox
    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import Tensor

    from equiviz.equivariance.measurement import Measurement


@dataclass(eq=False, repr=False)
class CheckReport(Report):
    """Does the model turn with its input, and where does it break first?

    Attributes:
        model: class name.
        claimed: the symmetry group that the model claims.
        findings: one per stage, irrep and kind of transformation, in the order of the stages.
        stages: their names, in the order in which they are passed.
        dtype: the coarsest floating type among parameters and stages; the tolerance follows from it.
        notes: what else was seen (training mode, neighbours that came or went).
        diagnoses: causes, with what was tried; the surest first.
        sums: what was measured; None in a report that was made without.
    """

    model: str
    claimed: str
    findings: list[Finding]
    stages: list[str]
    dtype: torch.dtype
    notes: list[str] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    sums: Measurement | None = None

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Equivariance of {self.model}"

    @property
    def passed(self) -> bool:
        """No block that was informative breaks a symmetry that the model claims."""
        return not any(finding.alarming for finding in self.findings)

    @property
    def informative(self) -> bool:
        """Whether anything could be said of a claimed symmetry of space or of order: not all zero, empty, or noise."""
        return any(f.passed is not None for f in self.findings if f.claimed and f.group != "determinism")

    @property
    def first_broken(self) -> Broken | None:
        """(stage, irrep) of the first block in the forward pass that breaks a claimed symmetry, by itself."""
        alarms = [finding for finding in self.findings if finding.alarming]
        alarms = [finding for finding in alarms if finding.guilty] or alarms
        if not alarms:
            return None
        first = min(alarms, key=lambda finding: self.stages.index(finding.stage))
        return Broken(first.stage, first.irrep)

    @property
    def groups(self) -> dict[Kind, Verdict]:
        """The verdict on each kind: rotation, inversion, translation, permutation, lattice, batch, determinism.

        Where another group is claimed or acts on the input, its kinds: unitary, real rotation, diagonal phase.
        """
        claimed = claimed_kinds(self.claimed)
        told = told_kinds(self.claimed, {finding.group for finding in self.findings})
        return {k: verdict(k, k in claimed, [f for f in self.findings if f.group == k]) for k in told}

    def to_frame(self) -> DataFrame:
        """One row per stage, irrep and group of transformations. Errors are relative, without unit.

        stage, support, irrep, group; inherited, local, floor, precise (the inherited error in float64), tolerance;
        claimed, status, passed, guilty, trials, worst. See `equiviz.equivariance.finding.Finding`.
        """
        import pandas as pd

        names = ["stage", "support", "irrep", "group", "inherited", "local", "floor", "precise", "tolerance", "claimed"]
        names += ["status", "passed", "guilty", "trials", "worst"]
        rows = [[getattr(finding, name) for name in names] for finding in self.findings]
        return pd.DataFrame(rows, columns=names)

    def node_errors(self) -> Tensor | None:
        """The share of each node in the squared error of the first broken block, [N], of sum 1; None where unknown."""
        first, broken = self.first_broken, [f for f in self.findings if f.alarming and f.guilty]
        if first is None or self.sums is None or not broken:
            return None
        kind: Kind = next(f.group for f in broken if (f.stage, f.irrep) == tuple(first))
        return self.sums.node_shares(kind, first.stage, first.irrep)

    def to_dict(self) -> dict[str, object]:
        """All of it as JSON holds it: passed, first_broken, groups, diagnoses, findings."""
        return {
            "model": self.model,
            "claimed": self.claimed,
            "dtype": str(self.dtype).removeprefix("torch."),
            "passed": self.passed,
            "informative": self.informative,
            "first_broken": None if self.first_broken is None else self.first_broken._asdict(),
            "groups": {kind: _plain(verdict_) for kind, verdict_ in self.groups.items()},
            "diagnoses": [_plain(one) for one in self.diagnoses],
            "findings": [_plain(finding) for finding in self.findings],
            "notes": list(self.notes),
        }

    def figure(self) -> Figure:
        """Stage against irrep: the largest relative error under any claimed transformation, on a logarithmic scale."""
        import pandas as pd

        from equiviz.view.maps import error_heat_map

        shown = [f for f in self.findings if f.claimed] or self.findings
        irreps = list(dict.fromkeys(f.irrep for f in shown))
        errors = pd.DataFrame(math.nan, index=self.stages, columns=irreps)
        notes = pd.DataFrame("not informative", index=self.stages, columns=irreps)
        for finding in shown:
            before = errors.loc[finding.stage, finding.irrep]
            if finding.passed is not None and not before >= finding.error:
                errors.loc[finding.stage, finding.irrep] = finding.error
                notes.loc[finding.stage, finding.irrep] = _hover(finding)
        return error_heat_map(errors, self.title, floor=base_tolerance(self.dtype) / 1e3, notes=notes)

    def widget(self) -> VBox:
        """The report as a live widget: heat maps linked to the structure, a slider that turns the input, sphere map.

        Raises:
            MissingLibrary: ipywidgets or anywidget is absent.
        """
        from equiviz.equivariance.check_widget.face import check_widget

        return check_widget(self)

    def describe(self) -> str:
        """The result in words: what breaks, where first, and the likely reason; or that nothing does, and how sure."""
        lines = sentences(self.model, self.findings, self.groups.values(), self.diagnoses)
        return "\n".join([*lines, *self.notes, tolerance_words(self.dtype)])


def _hover(finding: Finding) -> str:
    return f"{finding.group}: {percent(finding.error)}, floor {percent(finding.floor)}, worst at {finding.worst}"


def _plain(record: Finding | Verdict | Diagnosis) -> dict[str, object]:
    """A record with numbers that JSON knows: None for NaN, "inf" for infinity."""
    return {name: _number(value) for name, value in asdict(record).items()}


def _number(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else "inf"

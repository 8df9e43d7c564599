"""What `lie_derivative` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from equiviz.equivariance.finding import Broken
from equiviz.equivariance.lie_finding import LieFinding
from equiviz.equivariance.lie_words import per, sentences
from equiviz.equivariance.percent import percent
from equiviz.equivariance.round_off import base_tolerance, tolerance_words
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure


@dataclass(eq=False, repr=False)
class LieReport(Report):
    """How fast does each stage leave the motion of its input, generator by generator?

    Attributes:
        model: class name.
        claimed: the symmetry group that the model claims.
        findings: one per stage, irrep and generator, in the order of the stages.
        stages: their names, in the order in which they are passed.
        dtype: the coarsest floating type among parameters and stages; the tolerance follows from it.
        reasons: why forward mode was no use, for the stages that were found by finite differences.
        notes: what else was seen.
    """

    model: str
    claimed: str
    findings: list[LieFinding]
    stages: list[str]
    dtype: torch.dtype
    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Lie derivatives of {self.model}"

    @property
    def passed(self) -> bool:
        """No informative block leaves a motion that the model claims to follow."""
        return not any(finding.alarming for finding in self.findings)

    @property
    def informative(self) -> bool:
        """Whether anything could be said of a claimed symmetry."""
        return any(finding.claimed and finding.passed is not None for finding in self.findings)

    @property
    def first_broken(self) -> Broken | None:
        """(stage, irrep) of the first block, in the order of the forward pass, that breaks a claimed symmetry."""
        alarms = [finding for finding in self.findings if finding.alarming]
        return Broken(alarms[0].stage, alarms[0].irrep) if alarms else None

    def to_frame(self) -> DataFrame:
        """One row per stage, irrep and generator: stage, support, irrep, generator, value, floor, tolerance, per,
        method, claimed, status, passed. `value`, `floor` and `tolerance` are relative to the block's own norm, per
        radian, or per shift by the length in `per`."""
        import pandas as pd

        names = ["stage", "support", "irrep", "generator", "value", "floor", "tolerance", "per", "method", "claimed"]
        names += ["status", "passed"]
        return pd.DataFrame([[getattr(finding, name) for name in names] for finding in self.findings], columns=names)

    def figure(self) -> Figure:
        """Stage against irrep: the largest Lie derivative along any claimed generator, on a logarithmic scale."""
        import pandas as pd

        from equiviz.view.maps import error_heat_map

        shown = [finding for finding in self.findings if finding.claimed] or self.findings
        irreps = list(dict.fromkeys(finding.irrep for finding in shown))
        values = pd.DataFrame(math.nan, index=self.stages, columns=irreps)
        notes = pd.DataFrame("not informative", index=self.stages, columns=irreps)
        for finding in shown:
            if finding.passed is not None and not values.loc[finding.stage, finding.irrep] >= finding.value:
                values.loc[finding.stage, finding.irrep] = finding.value
                notes.loc[finding.stage, finding.irrep] = _hover(finding)
        floor = base_tolerance(self.dtype) / 1e3
        return error_heat_map(values, self.title, floor=floor, notes=notes, colour_title="Lie derivative")

    def describe(self) -> str:
        """In words: what breaks, where first, how fast; how it was found; and what it cannot say."""
        lines = sentences(self.model, self.findings, self.reasons)
        return "\n".join([*lines, *self.notes, tolerance_words(self.dtype)])


def _hover(finding: LieFinding) -> str:
    return (
        f"{finding.generator}: {percent(finding.value)} {per(finding)}, floor {percent(finding.floor)} "
        f"({finding.method})"
    )

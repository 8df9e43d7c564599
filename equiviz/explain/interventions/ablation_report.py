"""What `ablate` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.ablation_words import ablation_sentences
from equiviz.explain.interventions.changes import How
from equiviz.explain.interventions.parts import By
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import nn

    from equiviz.explain.interventions.ablation_run import AblationRun, Shown
    from equiviz.explain.interventions.prune_report import PruneReport
    from equiviz.explain.interventions.tally import Tally

UNUSED = 0.01
"""An effect below this counts as none: a hundredth of the variance."""


@dataclass(frozen=True)
class AblationScore:
    """What one ablation does.

    Attributes:
        stage: which; of a path, the module that holds it.
        part: what was taken away of it.
        how: in which way.
        loss: mean square error after it (without targets: mean square change), in the square of the output's unit.
        increase: of the loss, in that unit.
        effect: the increase over the variance of the reference.
        low, high: 95 % interval of the effect; NaN where there is nothing to resample.
    """

    stage: str
    part: str
    how: How
    loss: float
    increase: float
    effect: float
    low: float
    high: float

    def unused(self, threshold: float = UNUSED) -> bool:
        """Whether the effect is below the threshold, with its whole interval where there is one."""
        return (self.effect if self.high != self.high else max(self.effect, self.high)) < threshold


@dataclass(frozen=True, eq=False)
class AblationSubject:
    """What was measured, kept for `AblationReport.prune`."""

    model: nn.Module
    shown: list[Shown]
    job: AblationRun
    tally: Tally


@dataclass(eq=False, repr=False)
class AblationReport(Report):
    """Which parts of which stages does an output need?

    Attributes:
        model: what it is called.
        output: what was watched.
        by: kind of the parts.
        ways: how they were taken away.
        supervised: whether the loss is against targets.
        scores: one per part and way, in the order in which stages pass.
        irreps: of each stage.
        loss: of the model as it is, in the square of the output's unit; 0 without targets.
        variance: of the reference, in that unit.
        nothing: the largest change of the output where each stage is replaced by itself: the control.
        structures, rows: how many there were.
        resampled: what intervals are resampled over.
        subject: what was measured.
    """

    model: str
    output: str
    by: By
    ways: tuple[How, ...]
    supervised: bool
    scores: list[AblationScore]
    irreps: dict[str, str]
    loss: float
    variance: float
    nothing: float
    structures: int
    rows: int
    resampled: str
    subject: AblationSubject

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return (
            f"What {self.output} of {self.model} needs, {'stage by stage' if self.by == 'stage' else f'by {self.by}'}"
        )

    def to_frame(self) -> DataFrame:
        """One row per stage, part and way: loss and its increase in the output's unit squared; effect (share of the
        variance) with its 95 % interval low, high."""
        import pandas as pd

        frame = pd.DataFrame([asdict(score) for score in self.scores])
        return frame.rename(columns={"loss": "loss_unit2", "increase": "increase_unit2"})

    def table(self, how: How | None = None) -> DataFrame:
        """Effects as a table, stage by part; the first way by default."""
        wanted = how or self.ways[0]
        if wanted not in self.ways:
            raise InterventionError(
                f"Parts were changed by {', '.join(self.ways)}, not by {wanted!r}; ask ablate for it."
            )
        frame = self.to_frame()
        chosen = frame[frame["how"] == wanted]
        wide = chosen.pivot(index="stage", columns="part", values="effect")
        return wide.loc[list(dict.fromkeys(chosen["stage"])), sorted(dict.fromkeys(chosen["part"]), key=_natural)]

    def unused(self, threshold: float = UNUSED, how: How = "zero") -> list[AblationScore]:
        """The parts whose effect is below a threshold, the least first; empty where this way was not tried."""
        found = [score for score in self.scores if score.how == how and score.unused(threshold)]
        return sorted(found, key=lambda score: abs(score.effect))

    def prune(self, threshold: float = UNUSED) -> PruneReport:
        """Take away for good what is unused, as much as together stays below the threshold; see `PruneReport`.

        Raises:
            InterventionError: parts were not set to zero (``how="zero"``), so that nothing is known of what is unused.
        """
        from equiviz.explain.interventions.pruning import pruned

        return pruned(self, threshold)

    def figure(self) -> Figure:
        """Effect of each part of each stage, one map for each way; intervals on hover."""
        from equiviz.view.maps import HeatMap, heat_map_row

        top = max([0.05, *(score.effect for score in self.scores if score.effect == score.effect)])
        ends = (0.0, min(1.0, top))
        panels = [HeatMap(self.table(how), self._heading(how), ends, notes=self._notes(how)) for how in self.ways]
        return heat_map_row(panels, self.title)

    def _heading(self, how: How) -> str:
        done = {"zero": "set to zero", "mean": "its mean", "shuffle": "shuffled", "rotate": "turned at random"}[how]
        return f"{'loss in R2' if self.supervised else 'share of variance changed'}, {done}"

    def _notes(self, how: How) -> DataFrame:
        import pandas as pd

        table = self.table(how)
        notes = pd.DataFrame("", index=table.index, columns=table.columns)
        for score in self.scores:
            if score.how == how and score.low == score.low:
                notes.loc[score.stage, score.part] = f"95 %: {score.low:.3f} to {score.high:.3f}"
        return notes

    def describe(self) -> str:
        """What is needed, what is not, and whether directions count or norms alone."""
        return "\n\n".join(ablation_sentences(self))


def _natural(name: str) -> tuple[object, ...]:
    """Numbers in names by their size: 1o[2] before 1o[10]."""
    import re

    return tuple((0, int(piece)) if piece.isdecimal() else (1, piece) for piece in re.split(r"(\d+)", name) if piece)

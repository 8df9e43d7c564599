"""What `probe` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from equiviz.explain.probe_gain import Gain, best_gains, gains_at
from equiviz.explain.probe_words import crowded_sentence, gain_sentences, probe_sentences
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

Control: TypeAlias = Literal["trained", "random weights", "shuffled"]


@dataclass(frozen=True)
class ProbeScore:
    """How well one descriptor is read off one stage.

    Attributes:
        stage, target: which.
        control: "trained"; "random weights": a network that learned nothing; "shuffled": targets of other environments.
        r2: of all held-out predictions; NaN for a constant target. Below 0 is worse than the mean.
        low, high: 95 % interval, by resampling the groups that were held out together; of random weights, the hull of
            the intervals of all random networks, whose mean is `r2`.
    """

    stage: str
    target: str
    control: Control
    r2: float
    low: float
    high: float


@dataclass(eq=False, repr=False)
class ProbeReport(Report):
    """Which expert descriptors does each stage know?

    Attributes:
        model: class name.
        scores: one per stage, target and control.
        environments: number of nodes in the sample.
        groups: number of structures, or slabs, that were held out together.
        invariants: what was read of each stage.
        features: number of regression columns by stage.
        networks: how many networks with random weights there were.
    """

    model: str
    scores: list[ProbeScore]
    environments: int
    groups: int
    invariants: tuple[str, ...]
    features: dict[str, int] = field(default_factory=dict)
    networks: int = 0

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What the stages of {self.model} know of expert descriptors"

    def to_frame(self) -> DataFrame:
        """One row per stage, target and control: r2 with its 95 % interval low, high (no unit)."""
        import pandas as pd

        return pd.DataFrame([asdict(score) for score in self.scores])

    def table(self, control: Control = "trained") -> DataFrame:
        """R2 as a table, stage by target."""
        frame = self.to_frame()
        chosen = frame[frame["control"] == control]
        wide = chosen.pivot(index="stage", columns="target", values="r2")
        return wide.loc[list(dict.fromkeys(chosen["stage"])), list(dict.fromkeys(chosen["target"]))]

    def learned(self) -> DataFrame:
        """R2 of the trained network minus that of random weights, stage by target."""
        return self.table() - self.table("random weights")

    def gains(self, stage: str | None = None) -> list[Gain]:
        """Trained beside random weights: descriptor by descriptor at one stage, or each at its own best stage."""
        return best_gains(self.scores) if stage is None else gains_at(self.scores, stage)

    def crowded(self) -> dict[str, int]:
        """The stages with a feature for every four environments or fewer, and their numbers of features."""
        return {name: count for name, count in self.features.items() if 4 * count >= self.environments}

    def figure(self) -> Figure:
        """R2 of the trained network, descriptor against stage, and beside it what training added to random weights.

        Intervals and controls on hover.
        """
        from equiviz.view.maps import HeatMap, heat_map_row

        notes = self._notes()
        panels = [HeatMap(self.table().T, "R2 of the trained network", (0, 1), notes=notes)]
        if self.networks:
            panels.append(HeatMap(self.learned().T, "R2: trained minus random weights", (-0.5, 0.5), True, notes))
        return heat_map_row(panels, self.title)

    def _notes(self) -> DataFrame:
        import pandas as pd

        table = self.table().T
        notes = pd.DataFrame("", index=table.index, columns=table.columns)
        for score in self.scores:
            text = f"{score.control}: {score.r2:.3f} [{score.low:.3f}, {score.high:.3f}]; "
            notes.loc[score.target, score.stage] += text
        return notes

    def describe(self) -> str:
        """Where each descriptor is known best, what the controls say, and why an R2 may be below one."""
        lead = (
            f"Ridge regression from {' and '.join(self.invariants)} of each stage, on {self.environments} "
            f"environments, held out in {self.groups} groups."
        )
        lines = [lead, *gain_sentences(self.gains(), self.networks), *probe_sentences(self.scores)]
        return "\n".join([*lines, *crowded_sentence(self.crowded(), self.environments)])

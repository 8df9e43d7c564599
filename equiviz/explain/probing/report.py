"""What `probe` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.gain import Gain, best_gains, gains_at
from equiviz.explain.probing.words import (
    crowded_sentence,
    gain_sentences,
    missed_sentences,
    probe_sentences,
    silent_sentence,
)
from equiviz.view.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import Tensor

    from equiviz.explain.probing.missed import StageMissed
    from equiviz.explain.probing.missed_report import MissedReport
    from equiviz.structures.structure import Structure

Control: TypeAlias = Literal["trained", "random weights", "shuffled", "species counts"]
COMPOSITION: Literal["species counts"] = "species counts"
"""The control of composition alone; it stands in the place of a stage, too."""


@dataclass(frozen=True)
class ProbeScore:
    """How well one descriptor is read off one stage.

    Attributes:
        stage, target: which.
        control: "trained"; "random weights": a network that learned nothing; "shuffled": targets of other environments;
            "species counts": read off the species of the node and how many neighbours of each it has, no stage at all.
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
        unexplained: each stage regressed on all descriptors together; None where there is nothing to regress.
        places: number of the structure and of the node in it, of each environment [N, 2].
        structures: those of the probe, to draw; None where they came one by one or have no positions.
        reach: of the first shell, in the length unit of the structures.
    """

    model: str
    scores: list[ProbeScore]
    environments: int
    groups: int
    invariants: tuple[str, ...]
    features: dict[str, int] = field(default_factory=dict)
    networks: int = 0
    unexplained: dict[str, StageMissed | None] = field(default_factory=dict)
    places: Tensor | None = None
    structures: Sequence[Structure] | None = None
    reach: float = 1.0

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

    def missed(self, stage: str) -> MissedReport:
        """The other direction: how much of a stage all descriptors together miss, and in which environments.

        Raises:
            ProbeError: an unknown stage, or one that is the same everywhere.
        """
        from equiviz.explain.probing.missed_report import MissedReport

        if stage not in self.unexplained:
            raise ProbeError(f"No stage {stage!r} in this probe; it has {', '.join(self.unexplained) or 'none'}.")
        found = self.unexplained[stage]
        if found is None or self.places is None:
            raise ProbeError(f"Stage {stage!r}, or every descriptor, is the same everywhere: nothing can be missed.")
        names = list(dict.fromkeys(score.target for score in self.scores))
        return MissedReport(self.model, found, self.places, names, self.structures, self.reach)

    def silent(self) -> list[str]:
        """The stages in which there was nothing to read: no l > 0 for what was asked, or the same everywhere."""
        return [name for name, count in self.features.items() if count == 0]

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
            where = table.columns if score.control == COMPOSITION else [score.stage]
            notes.loc[score.target, where] += text
        return notes

    def describe(self) -> str:
        """Where each descriptor is known best, what the controls say, and why an R2 may be below one."""
        lead = (
            f"Ridge regression from {' and '.join(self.invariants)} of each stage, on {self.environments} "
            f"environments, held out in {self.groups} groups."
        )
        warnings = silent_sentence(self.silent(), self.invariants)
        warnings += crowded_sentence(self.crowded(), self.environments)
        first = [lead, *gain_sentences(self.gains(), self.networks)]
        parts = [first, probe_sentences(self.scores), missed_sentences(self.unexplained), warnings]
        return "\n\n".join("\n".join(part) for part in parts if part)

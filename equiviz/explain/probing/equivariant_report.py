"""What `equivariant_probe` returns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.symmetry.field import Field
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

EquivariantControl: TypeAlias = Literal["trained", "random weights", "turned"]
SUSPICIOUS = 0.05
MOST = 12


@dataclass(frozen=True)
class EquivariantScore:
    """How well one irrep of a target is read off one stage.

    Attributes:
        stage, target, irrep: which.
        control: "trained"; "random weights"; "turned": targets turned at random, each node's by itself.
        r2: 1 - squared error / squared length (of invariants: variance), over held-out nodes; NaN where the stage has
            no channel of this irrep, or the target is zero (an invariant: constant) everywhere.
        low, high: 95 % interval, by resampling the groups that were held out together.
        channels: of the stage with this irrep.
    """

    stage: str
    target: str
    irrep: str
    control: EquivariantControl
    r2: float
    low: float
    high: float
    channels: int


@dataclass(frozen=True, eq=False)
class EquivariantMap:
    """The fitted map of one irrep from a stage to a target.

    Attributes:
        stage, target, irrep: which.
        weights: one for each pair of channels [target copies, stage channels].
        constant: [target copies]; zero but for 0e.
    """

    stage: str
    target: str
    irrep: str
    weights: Tensor
    constant: Tensor

    @classmethod
    def fitted(cls, stage: str, target: str, irrep: str, weights: Tensor, constant: Tensor) -> EquivariantMap:
        """From weights [channels, copies] of a regression."""
        return cls(stage, target, irrep, weights.T.contiguous(), constant)

    def __call__(self, field: Field) -> Field:
        """The prediction, a field of this irrep, from a field of the stage."""
        channels = field[self.irrep]  # [N, mul, size]
        found = self.weights.to(channels) @ channels + self.constant.to(channels)[:, None]
        return Field(found.flatten(1), f"{len(self.weights)}x{self.irrep}", field.support)


@dataclass(eq=False, repr=False)
class EquivariantProbeReport(Report):
    """Which vectors and tensors does each stage know?

    Attributes:
        model: class name.
        scores: one per stage, target, irrep and control.
        maps: the fitted maps of the trained network, from all environments.
        environments: number of nodes in the sample.
        groups: number of structures, or slabs, that were held out together.
    """

    model: str
    scores: list[EquivariantScore]
    maps: Sequence[EquivariantMap]
    environments: int
    groups: int

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Which vectors and tensors the stages of {self.model} know"

    def map(self, stage: str, target: str, irrep: str | None = None) -> EquivariantMap:
        """The fitted map; of a target with several irreps, say which.

        Raises:
            ProbeError: there is none: the names, or the stage has no channels of this irrep.
        """
        same = [one for one in self.maps if (one.stage, one.target) == (stage, target)]
        found = [one for one in same if irrep in (None, one.irrep)]
        if len(found) != 1:
            known = ", ".join(f"{one.stage} -> {one.target} ({one.irrep})" for one in self.maps[:MOST]) or "none"
            raise ProbeError(f"Expected one map of {stage!r} to {target!r}, found {len(found)}. There are: {known}.")
        return found[0]

    def to_frame(self) -> DataFrame:
        """One row per stage, target, irrep and control: r2 with its 95 % interval (no unit), number of channels."""
        import pandas as pd

        return pd.DataFrame([asdict(score) for score in self.scores])

    def table(self, control: EquivariantControl = "trained") -> DataFrame:
        """R2 as a table, stage by target; empty where a stage has no channel of the irrep."""
        frame = self.to_frame()
        chosen = frame[frame["control"] == control]
        chosen = chosen.assign(target=chosen["target"] + " (" + chosen["irrep"] + ")")
        wide = chosen.pivot(index="stage", columns="target", values="r2")
        return wide.loc[list(dict.fromkeys(chosen["stage"])), list(dict.fromkeys(chosen["target"]))]

    def figure(self) -> Figure:
        """R2 of the trained network; intervals and controls on hover."""
        from equiviz.view.maps import heat_map

        table = self.table()
        notes = table.map(lambda _: "")
        for score in self.scores:
            told = "no channel of this irrep" if score.channels == 0 else self._told(score)
            notes.loc[score.stage, f"{score.target} ({score.irrep})"] += f"{score.control}: {told}; "
        return heat_map(table, "R2, held out", self.title, value_range=(0, 1), notes=notes)

    def describe(self) -> str:
        """Where each target is known best, beside its controls, and which stages cannot hold it."""
        lead = (
            f"An equivariant linear map (one weight per pair of channels of one irrep) from each stage, on "
            f"{self.environments} environments, held out in {self.groups} groups."
        )
        kinds = list(dict.fromkeys((score.target, score.irrep) for score in self.scores))
        return "\n".join([lead, *(self._best(*kind) for kind in kinds[:MOST]), *self._turned()])

    def _best(self, target: str, irrep: str) -> str:
        own = [s for s in self.scores if (s.target, s.irrep) == (target, irrep)]
        lacking = [s.stage for s in own if s.control == "trained" and s.channels == 0]
        none = f" No channel of {irrep}: {', '.join(lacking)}." if lacking else ""
        known = [s for s in own if s.control == "trained" and not math.isnan(s.r2)]
        if not known:
            return f"{target} ({irrep}) {self._why(own, irrep)}.{none}"
        best = max(known, key=lambda score: score.r2)
        line = f"{target} ({irrep}) is known best at {best.stage}: R2 {self._told(best)}"
        if best.low <= 0:
            told = f"R2 {self._told(best)} at best, at {best.stage}, where knowing nothing gives 0"
            line = f"No stage knows {target} ({irrep}): {told}"
        fresh = [s for s in own if s.control == "random weights" and s.stage == best.stage]
        return line + (f"; random weights reach {self._told(fresh[0])}" if fresh else "") + f".{none}"

    @staticmethod
    def _why(own: Sequence[EquivariantScore], irrep: str) -> str:
        """Why there is no R2 at all."""
        if all(score.channels == 0 for score in own):
            return f"cannot be read off any stage: an equivariant linear map makes {irrep} of channels of {irrep} alone"
        return "is zero everywhere, or the same everywhere if no rotation changes it: there is nothing to read"

    def _turned(self) -> list[str]:
        highest = max((s.r2 for s in self.scores if s.control == "turned" and not math.isnan(s.r2)), default=math.nan)
        if math.isnan(highest):
            return []
        if highest > SUSPICIOUS:
            return [f"Targets turned at random reach R2 {highest:.3f}, where 0 is due: too few environments."]
        return [f"Targets turned at random, node by node, reach R2 {highest:.3f} at most, as they should."]

    @staticmethod
    def _told(score: EquivariantScore) -> str:
        return f"{score.r2:.3f} [{score.low:.3f}, {score.high:.3f}]"

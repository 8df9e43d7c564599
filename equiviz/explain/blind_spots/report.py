"""What `blind_spots` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from equiviz.explain.blind_spots.pairs import Pair
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import Scene

Verdict: TypeAlias = Literal["tells apart", "only weakly", "cannot tell apart", "constant"]
WEAK = 1e-3
"""Of the spread: a difference that a read-out would have to magnify a thousand times."""
ABOVE_NOISE = 10
FLOOR = 1e-12
"""Of the spread: less than this is rounding of float64, whatever the turned copies say."""


@dataclass(frozen=True)
class Sight:
    """What one stage makes of one pair; distances of features in units of their standard deviations.

    Attributes:
        stage, pair: which.
        distance: between the two environments.
        spread: between unrelated ones, root mean square; 0 for a stage that is the same for all of them.
        noise: between the first environment and turned copies of it: rounding, or a broken symmetry.
    """

    stage: str
    pair: str
    distance: float
    spread: float
    noise: float

    @property
    def ratio(self) -> float:
        """Distance over spread; NaN where nothing varies."""
        return self.distance / self.spread if self.spread else math.nan

    @property
    def verdict(self) -> Verdict:
        """Whether the difference stands out of the noise, and whether it is of any size."""
        if not self.spread:
            return "constant"
        if self.distance <= max(ABOVE_NOISE * self.noise, FLOOR * self.spread):
            return "cannot tell apart"
        return "only weakly" if self.ratio < WEAK else "tells apart"


@dataclass(eq=False, repr=False)
class BlindSpotReport(Report):
    """Which pairs of environments can each stage not tell apart?

    Attributes:
        model: what it is called.
        sights: one per stage and pair; the control (an unrelated environment) for each stage among them.
        pairs: as they were shown, in the model's length unit.
        skipped: pairs that the model does not take, and why.
    """

    model: str
    sights: list[Sight]
    pairs: list[Pair]
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Blind spots of {self.model}"

    def verdict(self, stage: str, pair: str) -> Verdict:
        """One of them. Raises KeyError for an unknown stage or pair."""
        found = [sight for sight in self.sights if (sight.stage, sight.pair) == (stage, pair)]
        if not found:
            raise KeyError(f"no verdict on {pair!r} at {stage!r}; see to_frame()")
        return found[0].verdict

    def to_frame(self) -> DataFrame:
        """One row per stage and pair: distance and noise (in standard deviations), ratio to the spread, verdict."""
        import pandas as pd

        rows = [(s.stage, s.pair, s.verdict, s.ratio, s.distance, s.spread, s.noise) for s in self.sights]
        return pd.DataFrame(rows, columns=["stage", "pair", "verdict", "ratio", "distance", "spread", "noise"])

    def table(self) -> DataFrame:
        """Verdicts, stage by pair."""
        return self._wide("verdict")

    def certificates(self) -> DataFrame:
        """One row per pair: what is the same and how well (relative to the longest bond), how far the two are apart."""
        import pandas as pd

        unit = self.pairs[0].first.length_unit
        rows = [(pair.name, pair.source, pair.certificate()) for pair in self.pairs]
        columns = ["pair", "what_is_the_same", "differs_by", f"rms_distance_{unit}", "source"]
        return pd.DataFrame([[n, c.same, c.difference, c.apart.rms, s] for n, s, c in rows], columns=columns)

    def figure(self) -> Figure:
        """Distance of the pair over that of unrelated environments, stage by pair: dark cells are blind spots."""
        from equiviz.view.maps import error_heat_map

        notes = self._wide("verdict").map(lambda verdict: verdict if isinstance(verdict, str) else "")
        return error_heat_map(
            self._wide("ratio"),
            self.title,
            floor=FLOOR,
            x_title="pair of environments that differ",
            colour_title="feature distance / spread",
            notes=notes,
        )

    def scenes(self) -> list[Scene]:
        """Both environments of each pair, in 3D."""
        from equiviz.view.show import show

        return [
            show(structure, title=f"{pair.name}, {which}", bonds=False)
            for pair in self.pairs
            for which, structure in (("first", pair.first), ("second", pair.second))
        ]

    def sections(self) -> list[Section]:
        """The map, what proves the pairs, and the numbers."""
        return [
            Section("Who tells which apart", _LEGEND, self.figure()),
            Section("What proves that the pairs differ", _PROOF, self.certificates()),
            Section("Numbers", "", self.to_frame()),
        ]

    def describe(self) -> str:
        """Stage by stage, what it cannot tell apart; and what the control says."""
        lines = [
            f"{len(self.pairs)} pairs of environments that differ were shown to {self.model}; each stage was asked for "
            "its rotation invariants up to products of two values."
        ]
        lines += [self._sentence(stage) for stage in dict.fromkeys(sight.stage for sight in self.sights)]
        lines += [f"The pair {name!r} was left out: {why}" for name, why in self.skipped.items()]
        return "\n".join(lines)

    def _sentence(self, stage: str) -> str:
        own = {sight.pair: sight.verdict for sight in self.sights if sight.stage == stage}
        control = next((verdict for name, verdict in own.items() if name.startswith("control")), "tells apart")
        pairs = {name: verdict for name, verdict in own.items() if not name.startswith("control")}
        if control != "tells apart" or all(verdict == "constant" for verdict in pairs.values()):
            return f"{stage} fails the control: it is the same for unrelated environments too."
        blind = [name for name, verdict in pairs.items() if verdict in ("cannot tell apart", "constant")]
        weak = [name for name, verdict in pairs.items() if verdict == "only weakly"]
        parts = [f"{verb} {_listed(names)}" for verb, names in ((_BLIND, blind), (_WEAKLY, weak)) if names]
        return f"{stage} {' and '.join(parts) or 'tells all of them apart'}."

    def _wide(self, column: str) -> DataFrame:
        frame = self.to_frame()
        wide = frame.pivot(index="stage", columns="pair", values=column)
        return wide.loc[list(dict.fromkeys(frame["stage"])), list(dict.fromkeys(frame["pair"]))]


_BLIND, _WEAKLY = "cannot tell apart", "tells only weakly apart"
_LEGEND = (
    "Each cell is the distance between the features of the two environments of a pair, divided by the distance between "
    "those of unrelated environments. 1 means as different as any two; 1e-12 or less is rounding: the stage is blind. "
    "The control is a pair of unrelated environments, which every stage with eyes must tell apart; the cells of a "
    "stage that is the same for all of them stay empty."
)
_PROOF = (
    "What the two environments of a pair share, by how much it differs after all (rounding), and how far apart they "
    "are at best over rotations and exchanges of equal points (reflections too, except for mirror images)."
)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]

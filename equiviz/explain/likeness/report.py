"""What `likeness` returns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

Measure: TypeAlias = Literal["cka", "cca", "mi", "correlation"]
TITLES: dict[Measure, str] = {
    "cka": "linear CKA, debiased",
    "cca": "mean canonical correlation, held out",
    "mi": "mutual information (nats)",
    "correlation": "Pearson's correlation",
}
WORDS: dict[Measure, str] = {
    "cka": "Linear CKA (debiased): 1, the same up to a rotation and a scale of the invariants; 0, nothing in common.",
    "cca": "Mean canonical correlation on held-out environments: 1, an invertible linear map of each other; 0, "
    "nothing in common.",
    "mi": "Mutual information in nats of the best pair of leading components, by nearest neighbours: 0, independent. "
    "It is a lower bound of what the whole stages tell of each other.",
    "correlation": "Pearson's correlation of single invariants with single descriptors.",
}
MOST = 8


@dataclass(frozen=True)
class Pair:
    """Two sets of columns, compared.

    Attributes:
        first, second: names.
        value: of the measure; NaN where one is the same everywhere.
        chance: what the size of the measure does not exceed in 95 % of the runs with shuffled environments.
    """

    first: str
    second: str
    value: float
    chance: float

    @property
    def real(self) -> bool:
        """Whether it is beyond chance."""
        return abs(self.value) > self.chance


@dataclass(eq=False, repr=False)
class LikenessReport(Report):
    """How alike are the stages of a model to each other, to those of another, or to descriptors?

    Attributes:
        names: of what is compared: a model, and another one or descriptors.
        measure: how.
        pairs: all that were compared.
        environments: number of nodes.
        shuffles: how often environments were shuffled.
        among_themselves: whether both sides are the same.
    """

    names: tuple[str, str]
    measure: Measure
    pairs: list[Pair]
    environments: int
    shuffles: int
    among_themselves: bool

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        one, other = self.names
        return f"How alike are the stages of {one}" if self.among_themselves else f"How alike are {one} and {other}"

    def to_frame(self) -> DataFrame:
        """One row per pair: first, second, value and chance (of mutual information in nats, else without unit)."""
        import pandas as pd

        unit = "_nats" if self.measure == "mi" else ""
        names = {"value": f"{self.measure}{unit}", "chance": f"chance_95{unit}"}
        return pd.DataFrame([asdict(pair) for pair in self.pairs]).rename(columns=names)

    def table(self) -> DataFrame:
        """The measure as a table."""
        return self._table("value")

    def chance(self) -> DataFrame:
        """The noise floor as a table."""
        return self._table("chance")

    def _table(self, what: str) -> DataFrame:
        import pandas as pd

        frame = pd.DataFrame([asdict(pair) for pair in self.pairs])
        wide = frame.pivot(index="first", columns="second", values=what)
        return wide.loc[list(dict.fromkeys(frame["first"])), list(dict.fromkeys(frame["second"]))]

    def figure(self) -> Figure:
        """The measure as a heat map; what shuffled environments give on hover."""
        from equiviz.view.maps import heat_map

        signed = self.measure == "correlation"
        ends = None if self.measure == "mi" else (-1.0, 1.0) if signed else (0.0, 1.0)
        notes = self.chance().map(lambda value: "" if math.isnan(value) else f"shuffled environments: {value:.3f}")
        return heat_map(self.table(), TITLES[self.measure], self.title, value_range=ends, signed=signed, notes=notes)

    def describe(self) -> str:
        """What the measure is, which pairs are most alike, and which are not beyond chance."""
        known = [pair for pair in self.pairs if not math.isnan(pair.value) and not self._same(pair)]
        lead = f"{WORDS[self.measure]} Over {self.environments:,} environments."
        if not known:
            return f"{lead}\nThere is nothing to compare: one side is the same in all environments."
        return "\n".join([lead, *self._strongest(known), *self._weakest(known), *self._constant()])

    def _same(self, pair: Pair) -> bool:
        return self.among_themselves and pair.first == pair.second

    def _strongest(self, known: list[Pair]) -> list[str]:
        ordered = sorted(known, key=lambda pair: -abs(pair.value))
        best, least = ordered[0], ordered[-1]
        lines = [f"Most alike: {best.first} and {best.second}, {best.value:.3f} (shuffled {best.chance:.3f})."]
        if len(ordered) > 1:
            lines.append(f"Least alike: {least.first} and {least.second}, {least.value:.3f}.")
        return lines

    def _weakest(self, known: list[Pair]) -> list[str]:
        lost = [f"{pair.first} and {pair.second}" for pair in known if not pair.real]
        if not lost:
            return [f"All are beyond what {self.shuffles} shuffles of the environments give."]
        more = f"; and {len(lost) - MOST} more" if len(lost) > MOST else ""
        return [
            f"Not beyond chance ({self.shuffles} shuffles of the environments give as much): "
            f"{'; '.join(lost[:MOST])}{more}."
        ]

    def _constant(self) -> list[str]:
        empty = {pair.first for pair in self.pairs if math.isnan(pair.value)}
        full = {pair.first for pair in self.pairs if not math.isnan(pair.value)}
        gone = sorted(empty - full)
        return [f"The same in all environments, so not compared: {', '.join(gone[:MOST])}."] if gone else []

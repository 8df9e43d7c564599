"""What `attribute(..., to="stages")` and `to="paths"` return: which irreps carry a prediction through a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch

from equiviz.explain.attribution.path_shares import PathShare
from equiviz.explain.attribution.stage_shares import StageShare
from equiviz.explain.errors import AttributionError
from equiviz.symmetry.field import Field
from equiviz.view.maps import heat_map
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

Grouping = Literal["stage", "irrep", "l", "parity", "channel"]
IDLE = 1e-6
"""Of the strongest path: what carries less carries nothing."""
CUT = 0.02
"""Of the change: a stage whose shares miss less than this carries everything."""


@dataclass(eq=False, repr=False)
class StageAttribution(Report):
    """A prediction, shared out among the irreps of every stage.

    Attributes:
        model: class name.
        asked: which number of its outputs, in words.
        method: title of the method.
        shares: by stage and irrep.
        change: what the shares of a stage that everything passes sum up to.
        silent: stages through which nothing flows to this prediction.
    """

    model: str
    asked: str
    method: str
    shares: list[StageShare]
    change: float
    silent: list[str]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Which irreps carry {self.asked} in {self.model}"

    def to_frame(self) -> DataFrame:
        """One row per stage, irrep and copy: stage, support, irrep, l, parity, channel, score.

        Scores are in the unit of the prediction; l and parity are empty for what is no irrep of O(3).
        """
        import pandas as pd

        rows = [
            (share.stage, share.support, share.irrep, *_degree(share.irrep), channel, float(score))
            for share in self.shares
            for channel, score in enumerate(share.scores.sum(0))
        ]
        return pd.DataFrame(rows, columns=["stage", "support", "irrep", "l", "parity", "channel", "score"])

    def by(self, grouping: Grouping | Sequence[Grouping]) -> DataFrame:
        """Scores summed over all else, within each stage: a column for each way of grouping, and score."""
        groups = [grouping] if isinstance(grouping, str) else list(grouping)
        keys = list(dict.fromkeys(["stage", *groups]))
        grouped = self.to_frame().groupby(keys, sort=False, dropna=False, as_index=False)
        return cast("DataFrame", grouped["score"].sum())

    def nodes(self, stage: str, irrep: str | None = None) -> Field:
        """Score of each row of a stage, of one irrep or all: 0e, ``[R, 1]``. Raises AttributionError for none such."""
        own = [s for s in self.shares if s.stage == stage and irrep in (None, s.irrep)]
        if not own:
            known = ", ".join(dict.fromkeys(f"{share.stage} {share.irrep}" for share in self.shares))
            raise AttributionError(f"Nothing flows through {stage!r} {irrep or ''}; there are shares of {known}.")
        total = torch.stack([share.scores.sum(1) for share in own]).sum(0)
        return Field(total[:, None], "1x0e", own[0].support)

    def missing(self) -> dict[str, float]:
        """How much of the change does not pass each stage."""
        totals = self.by("stage")
        return {stage: self.change - score for stage, score in zip(totals["stage"], totals["score"], strict=True)}

    def figure(self) -> Figure:
        """Score of each irrep in each stage, as a heat map."""
        table = self.by("irrep").pivot(index="stage", columns="irrep", values="score")
        frame = self.by("irrep")
        table = table.loc[list(dict.fromkeys(frame["stage"])), list(dict.fromkeys(frame["irrep"]))]
        unit = f"score, in the unit of {self.asked}"
        return heat_map(table, unit, self.title, x_title="irrep", y_title="stage", digits=".2g", signed=True)

    def describe(self) -> str:
        """The strongest irrep of each stage, and what goes round it."""
        lines = [f"By {self.method}, a change of {self.change:+.4g} of {self.asked} is shared out at every stage."]
        frame = self.by("irrep")
        for stage, missing in self.missing().items():
            own = frame[frame["stage"] == stage]
            irrep, score = max(zip(own["irrep"], own["score"], strict=True), key=lambda pair: abs(pair[1]))
            if abs(score) <= IDLE * abs(self.change):
                lines.append(f"{stage}: it does not change along the path, or nothing passes here.")
                continue
            line = f"{stage}: most is carried by {irrep} ({score:+.3g})"
            around = abs(missing) > CUT * abs(self.change)
            lines.append(f"{line}; {missing:+.3g} goes round it." if around else f"{line}.")
        lines += [f"Nothing flows through {name} to this prediction." for name in self.silent]
        return "\n".join(lines)


@dataclass(eq=False, repr=False)
class PathAttribution(Report):
    """A prediction, shared out among the Clebsch-Gordan paths of a model's products.

    Attributes:
        model, asked, method: as of `StageAttribution`.
        shares: by product and path.
        value, baseline: the prediction, and what it is with all products shut (0 for relevance).
    """

    model: str
    asked: str
    method: str
    shares: list[PathShare]
    value: float
    baseline: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Which products carry {self.asked} in {self.model}"

    def to_frame(self) -> DataFrame:
        """One row per path: module, path, left, right, out (irreps), l1, l2, l3, score (unit of the prediction)."""
        import pandas as pd

        rows = [
            (s.module, str(s.path), s.path.left, s.path.right, s.path.out, *s.path.degrees, s.score)
            for s in self.shares
        ]
        return pd.DataFrame(rows, columns=["module", "path", "left", "right", "out", "l1", "l2", "l3", "score"])

    def figure(self) -> Figure:
        """Score of each path in each product, as a heat map; of paths that carry nothing anywhere, none."""
        frame = self.to_frame().assign(path=lambda f: f["left"] + " x " + f["right"] + " → " + f["out"])
        table = frame.pivot_table(index="path", columns="module", values="score", aggfunc="sum", sort=False)
        sizes = table.abs().max(axis=1).to_numpy()
        strong = table.loc[sizes >= IDLE * sizes.max(initial=0.0)]
        unit = f"score, in the unit of {self.asked}"
        return heat_map(strong, unit, self.title, x_title="product", y_title="path", digits=".2g", signed=True)

    def describe(self) -> str:
        """The strongest paths, and whether all sum up."""
        frame = self.to_frame()
        sizes = frame["score"].abs().to_numpy()  # [P]
        order = np.argsort(-sizes, kind="stable")[:3]
        told = ", ".join(f"{frame['path'][k]} in {frame['module'][k]} ({frame['score'][k]:+.3g})" for k in order)
        idle = int((sizes <= IDLE * sizes.max()).sum())
        return (
            f"By {self.method}, {self.asked} = {self.value:.4g} comes most through {told}. {idle} of {len(sizes)} "
            f"paths carry nothing. {self._sums(math.fsum(frame['score']))}"
        )

    def _sums(self, total: float) -> str:
        if self.baseline == 0.0 and "relevance" in self.method:
            return "Each layer's paths share out the same prediction."
        return (
            f"With all products shut the prediction is {self.baseline:.4g}; the scores sum up to {total:+.4g} of the "
            f"change of {self.value - self.baseline:+.4g}."
        )


def _degree(irrep: str) -> tuple[float | None, str]:
    """Degree and parity of an irrep of O(3), ``"2e"``; nothing of other labels."""
    if irrep[:-1].isdigit() and irrep[-1:] in ("e", "o"):
        return int(irrep[:-1]), irrep[-1]
    return None, ""

"""What `ProbeReport.missed` returns: where a stage holds something that no descriptor told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.explain.neighbourhood_scene import neighbourhood_scene
from equiviz.explain.probing.missed import StageMissed
from equiviz.structures.structure import Structure
from equiviz.view.charts import Series, line_chart
from equiviz.view.page import Section
from equiviz.view.report import Report
from equiviz.view.scene import SceneRow

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

SHOWN = 3
CURVE = 200
"""Points of the curve."""
NOTHING_TO_DRAW = "no positions to draw"


@dataclass(eq=False, repr=False)
class MissedReport(Report):
    """The environments of a stage that the descriptors explain worst.

    Attributes:
        model: class name.
        found: the regression of the stage on all descriptors.
        places: number of the structure and of the node in it, of each environment [N, 2].
        descriptors: names of what the experts said.
        structures: those of the probe, to draw; None where they came one by one or have no positions.
        reach: how far a neighbourhood is drawn, in the length unit of the structures.
    """

    model: str
    found: StageMissed
    places: Tensor
    descriptors: Sequence[str]
    structures: Sequence[Structure] | None
    reach: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What experts miss of {self.found.stage} of {self.model}"

    def worst(self, count: int = SHOWN) -> list[tuple[int, int]]:
        """Structure and node of the environments with the largest residual."""
        order = self.found.residuals.argsort(descending=True, stable=True)[:count]
        return [(int(structure), int(node)) for structure, node in self.places[order].tolist()]

    def to_frame(self) -> DataFrame:
        """One row per environment, the worst explained first: structure, node, residual (1 is as bad as the mean)."""
        import pandas as pd

        order = self.found.residuals.argsort(descending=True, stable=True)
        rows = {"structure": self.places[order, 0], "node": self.places[order, 1]}
        return pd.DataFrame({**rows, "residual_over_rms": self.found.residuals[order]})

    def figure(self) -> Figure:
        """Residuals, sorted: a share of environments against what is missed of them."""
        ordered = self.found.residuals.sort().values
        at = torch.linspace(0, len(ordered) - 1, min(CURVE, len(ordered))).long()
        shares = (100 * (at + 1) / len(ordered)).numpy()
        curve = Series("descriptors", shares, ordered[at].numpy())
        mean = Series("as bad as the mean", shares, np.ones(len(shares)))
        axes = "environments, sorted (%)", "residual (root mean square of the stage)"
        return line_chart([curve, mean], *axes, self.title)

    def scenes(self, count: int = SHOWN) -> SceneRow:
        """The worst explained neighbourhoods in 3D, side by side.

        Raises:
            ProbeError: structures that came one by one are gone, and holograms have no positions.
        """
        if self.structures is None:
            raise ProbeError(
                "These environments cannot be drawn: their structures came one by one and are gone, or have no "
                "positions. Pass a list of structures to the probe."
            )
        drawn = [
            neighbourhood_scene(self.structures[structure], node, self.reach, f"structure {structure}, node {node}")
            for structure, node in self.worst(count)
        ]
        return SceneRow(tuple(drawn))

    def sections(self) -> list[Section]:
        """The curve, the worst neighbourhoods where they can be drawn, the table."""
        words = "The large sphere is the centre; sticks lead to its nearest neighbours."
        drawn = [Section("Worst explained neighbourhoods", words, self.scenes())] if self.structures is not None else []
        return [Section("Picture", "", self.figure()), *drawn, Section("Numbers", "", self.to_frame())]

    def describe(self) -> str:
        """How much is explained, how much by chance, and where it is worst."""
        found = self.found
        where = "; ".join(f"node {node} of structure {structure}" for structure, node in self.worst())
        large = float((found.residuals > 1).double().mean())
        return "\n".join(
            [
                f"{len(self.descriptors)} descriptors together, by a linear map, explain {found.r2:.1%} "
                f"[{found.low:.1%}, {found.high:.1%}] of the variance of {found.stage}; {1 - found.r2:.1%} is missed.",
                f"That is of its leading {found.components} components, which hold {found.kept:.1%} of the variance of "
                f"its invariants. Descriptors of other environments explain {found.shuffled:.1%}, where 0 is due.",
                f"For {large:.1%} of the environments the residual is larger than the spread of the stage. It is "
                f"largest at {where}.",
                "What is missed may be a descriptor that nobody gave, or a curved function of those that were given.",
            ]
        )

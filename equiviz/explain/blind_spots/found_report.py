"""What `find_blind_spot` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.explain.blind_spots.superposition import Apart
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import Scene

SAME = 1e-9
PROVED = 0.1
"""Of the displacement that was asked for: two arrangements that are farther apart are another case, not a detail."""


@dataclass(eq=False, repr=False)
class FoundReport(Report):
    """Two arrangements, the difference of their features, and the proof that they differ.

    Attributes:
        model: what it is called.
        stage: whose features.
        node: of which node; None for all rows.
        first: the structure that was given.
        second: the arrangement that was found.
        displacement: from the first to the second, `1o` per node, in the length unit.
        ratio: distance of the features, over how much they vary between random displacements of that size.
        apart: of what the features depend on: how far from congruent the two are.
        wanted: root mean square displacement that was asked for.
        successes: how many attempts found the same features elsewhere, and how many there were.
        held: typed attributes that were held fixed.
    """

    model: str
    stage: str
    node: int | None
    first: Structure
    second: Structure
    displacement: Field
    ratio: float
    apart: Apart
    wanted: float
    successes: tuple[int, int]
    held: tuple[str, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Two arrangements that {self.stage} of {self.model} should tell apart"

    @property
    def found(self) -> bool:
        """Whether the features are the same although the two are proved to differ."""
        return self.ratio <= SAME and self.apart.at_least > PROVED * self.wanted

    def to_frame(self) -> DataFrame:
        """One row per point: species, displacement and its components, in the length unit."""
        import pandas as pd

        shift, unit = self.displacement.values.numpy(), self.first.length_unit
        frame = pd.DataFrame({"point": np.arange(len(shift)), "species": self.first.labels})
        frame[f"displacement_{unit}"] = np.linalg.norm(shift, axis=1)
        for place, axis in enumerate("xyz"):
            frame[f"{axis}_{unit}"] = shift[:, place]
        return frame

    def scenes(self) -> list[Scene]:
        """Both, each with arrows (magnified) towards the other."""
        from equiviz.view.show import show

        unit, back = self.first.length_unit, self.displacement.with_values(-self.displacement.values)
        return [
            show(structure, way, title=title, unit=unit, name="displacement", bonds=False, slab=False)
            for structure, way, title in (
                (self.first, self.displacement, "first, and the way to the second (arrows magnified)"),
                (self.second, back, "second, and the way back"),
            )
        ]

    def figure(self) -> Figure:
        """The first arrangement, and arrows to the second."""
        return self.scenes()[0].figure()

    def sections(self) -> list[Section]:
        """Both arrangements, and the displacements."""
        return [Section("The two arrangements", "", self.scenes()), Section("Numbers", "", self.to_frame())]

    def describe(self) -> str:
        """Whether a blind spot was found, how well the features agree, and what proves that the two differ."""
        where = "all rows" if self.node is None else f"node {self.node}"
        lines = [self._verdict(where), self._proof()]
        lines.append(f"{self.successes[0]} of {self.successes[1]} attempts ended at the same features elsewhere.")
        if self.held:
            lines.append(f"{', '.join(self.held)} were measured on the first arrangement and held fixed.")
        return "\n".join(lines)

    def _verdict(self, where: str) -> str:
        size = f"features differ by {self.ratio:.1e} of what random displacements of this size change"
        if self.found:
            return f"A blind spot of {self.stage} ({where}): two arrangements that differ, while {size}."
        if self.ratio <= SAME:
            return f"No blind spot of {self.stage} ({where}) is proved: {size}, but the arrangements may be the same."
        return (
            f"No blind spot of {self.stage} ({where}) was found: at best, {size}, where 1e-9 would count as the same. "
            "That is no proof that there is none."
        )

    def _proof(self) -> str:
        unit = self.first.length_unit
        if not math.isnan(self.apart.rms):
            return (
                f"The best superposition over all rotations, reflections and exchanges of equal points leaves a root "
                f"mean square distance of {self.apart.rms:.3g} {unit}."
            )
        periodic = any(self.first.pbc)
        why = "In a cell no superposition is tried" if periodic else "There are too many exchanges to try them all"
        if self.apart.at_least <= PROVED * self.wanted:
            return f"{why}; sorted distances are nearly equal, so it is not proved that the two differ."
        return (
            f"{why}; sorted distances prove that in any superposition some point is {self.apart.at_least:.3g} {unit} "
            "or more from its partner."
        )

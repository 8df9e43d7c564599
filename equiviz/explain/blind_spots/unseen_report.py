"""What `unseen_directions` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import Scene


@dataclass(eq=False, repr=False)
class UnseenReport(Report):
    """Displacements that a stage does not feel, to first order.

    Attributes:
        model: what it is called.
        stage: which.
        node: whose invariants; None for those of all rows.
        structure: where the points are.
        singular_values: of the Jacobian, falling, in units of the invariants per length.
        threshold: singular values up to this are taken for zero.
        noise: what the Jacobian makes of motions of the whole, which it must take to zero.
        rigid: how many motions of the whole there are: 6, 5 on a line, 3 in a cell.
        reached: [N] whether any invariant depends on the point at all.
        basis: [U, 3 N] orthonormal unseen displacements of the reached points, motions of the whole left out.
        held: typed attributes that were held fixed while points moved.
    """

    model: str
    stage: str
    node: int | None
    structure: Structure
    singular_values: Tensor
    threshold: float
    noise: float
    rigid: int
    reached: Tensor
    basis: Tensor
    held: tuple[str, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What {self.stage} of {self.model} does not see"

    @property
    def count(self) -> int:
        """How many independent displacements are unseen."""
        return len(self.basis)

    @property
    def rank(self) -> int:
        """How many are seen."""
        return int((self.singular_values > self.threshold).sum())

    def direction(self, place: int = 0) -> Field:
        """One of the unseen displacements: `1o` on each node, of total norm 1. Any mixture of them is as unseen.

        Raises IndexError where there are fewer.
        """
        if not 0 <= place < self.count:
            raise IndexError(f"expected an unseen direction from 0 to {self.count - 1}, got {place}")
        return Field(self.basis[place].reshape(-1, 3), "1o", "node")

    def freedom(self) -> Field:
        """How much of each point's three directions is unseen, 0 to 3, whatever the choice of basis: `0e` per node."""
        return Field(self.basis.square().sum(0).reshape(-1, 3).sum(1, keepdim=True), "0e", "node")

    def scene(self, place: int = 0) -> Scene:
        """One direction as arrows, and the freedom of each point as its colour."""
        from equiviz.view.show import show

        title = f"{self.title}: direction {place} of {self.count}"
        shown = self.direction(place)
        return show(self.structure, shown, self.freedom(), title, name="unseen directions", bonds=False, slab=False)

    def to_frame(self) -> DataFrame:
        """One row per singular value of the Jacobian: value, threshold, whether it counts as seen."""
        import pandas as pd

        values = self.singular_values.numpy()
        return pd.DataFrame({"singular_value": values, "threshold": self.threshold, "seen": values > self.threshold})

    def figure(self) -> Figure:
        """The singular values, and the threshold under which they count as zero."""
        from equiviz.view.charts import Series, line_chart

        values = self.singular_values.numpy()
        ranks = np.arange(1, len(values) + 1)
        floor = max(self.threshold / 1e3, np.finfo(np.float64).tiny)
        series = [
            Series("singular value", ranks, np.maximum(values, floor)),
            Series("counts as zero below", ranks, np.full(len(values), self.threshold)),
        ]
        unit = self.structure.length_unit
        return line_chart(series, "number", f"change of the invariants per {unit}", self.title, y_log=True)

    def sections(self) -> list[Section]:
        """Up to three directions as arrows, the singular values, and the numbers."""
        scenes = [self.scene(place) for place in range(min(3, self.count))]
        drawn = [Section("Unseen directions", _ARROWS, scenes)] if scenes else []
        return [
            *drawn,
            Section("Singular values", "", self.figure()),
            Section("Numbers", "", self.to_frame()),
        ]

    def describe(self) -> str:
        """How many directions are unseen, of how many there are, and how that was decided."""
        points = int(self.reached.sum())
        where = "all rows" if self.node is None else f"node {self.node}"
        lines = [
            f"{len(self.structure)} points have {3 * len(self.structure)} coordinates; {self.rigid} of them are "
            f"motions of the whole. The invariants of {self.stage} ({where}) depend on {points} points.",
            self._verdict(),
            f"A singular value counts as zero up to {self.threshold:.1e}: ten times what the Jacobian makes of motions "
            f"of the whole ({self.noise:.1e}), or ten times the rounding of its largest "
            f"({float(self.singular_values[0]):.2g}).",
        ]
        if self.held:
            lines.append(
                f"The model also reads {', '.join(self.held)}, which follow from the positions; "
                "they were held fixed, so the whole model may see more."
            )
        return "\n".join(lines)

    def _verdict(self) -> str:
        if not self.count:
            return f"It sees every small change of their shape: rank {self.rank}, nothing is left over."
        return (
            f"It sees {self.rank} independent displacements and is blind, to first order, to {self.count}: a read-out "
            "of these invariants cannot feel a small step along any of them."
        )


_ARROWS = (
    "Arrows: a displacement that changes no invariant of the stage to first order. Any mixture of the unseen ones is "
    "as unseen. Colour: how many of a point's three directions are unseen."
)

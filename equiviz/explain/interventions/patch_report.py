"""What `patch` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.output_change import (
    relative_change,
    share_of_the_way,
    side_by_side,
    told_of_zero,
)
from equiviz.explain.outputs import named_output
from equiviz.view.charts import Series, bars
from equiviz.view.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.explain.interventions.superposed import Superposition
    from equiviz.symmetry.field import Field


@dataclass(eq=False, repr=False)
class PatchReport(Report):
    """Outputs of the target before and after the patch, and the source's own.

    Attributes:
        model: what it is called.
        stage: that was patched.
        irreps: the blocks of it.
        nodes, of_nodes: how many rows were patched, and how many there are.
        before, after: outputs of the target.
        source: outputs of the source, in the target's frame.
        superposition: how source was laid upon target.
        aligned: whether it was; not so where there are no positions, or where the user did not want it.
        other_species: how many nodes have partners of another species.
        moved: norm of the change of the stage over the norm of what was there.
        floor: rms below which an output is zero, see `equiviz.explain.interventions.output_change.noise_floor`.
    """

    model: str
    stage: str
    irreps: list[str]
    nodes: int
    of_nodes: int
    before: Mapping[str, Field]
    after: Mapping[str, Field]
    source: Mapping[str, Field]
    superposition: Superposition
    aligned: bool
    other_species: int
    moved: float
    floor: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model}: {'+'.join(self.irreps)} of {self.stage} taken from another structure"

    def change(self, output: str | None = None) -> float:
        """Root mean square change of an output over its rms; 0 or infinite where that is zero.

        Args:
            output: its name; None for the first that no rotation changes, or the first.

        Raises:
            InterventionError: no such output.
        """
        output = named_output(self.before, output, InterventionError)
        return relative_change(self.before[output], self.after[output], self.floor)

    def way(self, output: str | None = None) -> float:
        """How far an output (as in `change`) went towards the source's: 0 not at all, 1 all the way.

        NaN where they agree already.
        """
        output = named_output(self.before, output, InterventionError)
        return share_of_the_way(self.before[output], self.after[output], self.source[output], self.floor)

    def to_frame(self) -> DataFrame:
        """One row per output, row and component: before, after, source; each in the output's own unit."""
        return side_by_side({"before": self.before, "after": self.after, "source": self.source})

    def figure(self) -> Figure:
        """How far each output went towards the source's, beside how much it changed."""
        names = list(self.before)
        ways = Series("share of the way to the source's output", range(len(names)), [self.way(n) for n in names])
        changes = Series("change over the output's rms", range(len(names)), [self.change(n) for n in names])
        return bars(names, [ways, changes], "share", self.title, ceiling=1.0)

    def describe(self) -> str:
        """What was patched, how well the structures agree, and how far each output went."""
        where = "all rows" if self.nodes == self.of_nodes else f"{self.nodes} of {self.of_nodes} rows"
        lead = (
            f"In {self.model}, {', '.join(self.irreps)} of {self.stage} was taken from the source, on {where}; this "
            f"changed the stage by {self.moved:.2g} of its norm."
        )
        return "\n\n".join([lead, self._alignment(), *map(self._told, self.before)])

    def _alignment(self) -> str:
        laid, species = self.superposition, ""
        if self.other_species:
            species = f" {self.other_species} of {self.of_nodes} nodes have partners of another species."
        if not self.aligned:
            return f"The block was taken as it is, without alignment.{species}"
        return (
            f"The source was laid upon the target by {laid.element!r} and a shift; what is left is an RMSD of "
            f"{laid.rmsd:.3g} (the structures' length unit). The block turned along.{species}"
        )

    def _told(self, name: str) -> str:
        way, change = self.way(name), self.change(name)
        zero = told_of_zero(self.before[name], self.after[name], self.floor)
        if zero is not None:
            return f"{name}: {zero}{'' if math.isnan(way) else self._share(way)}."
        if math.isnan(way):
            return f"{name}: source and target agree already; the patch changes it by {change:.1e} of its rms."
        return f"{name}: changes by {change:.2g} of its rms{self._share(way)}."

    def _share(self, way: float) -> str:
        return f", {round(100 * way) + 0}% of the way to the source's"  # no minus before zero

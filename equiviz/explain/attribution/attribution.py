"""What `attribute` returns: which atoms, edges and irreps a prediction rests on, and how far that can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from equiviz.explain.attribution.quality import Quality
from equiviz.explain.attribution.shares import Shares
from equiviz.explain.attribution.varied_input import EDGES
from equiviz.explain.attribution.words import described
from equiviz.explain.errors import AttributionError
from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.view.charts import Series, bars
from equiviz.view.page import Section
from equiviz.view.report import Report
from equiviz.view.show import show

if TYPE_CHECKING:
    from ipywidgets import DOMWidget
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.structures.structure import Structure
    from equiviz.view.scene import Scene

STRONGEST = 12


@dataclass(eq=False, repr=False)
class Attribution(Report):
    """A prediction, shared out.

    Attributes:
        model: class name.
        asked: which number of its outputs, in words.
        method: title of the method.
        complete: whether the method's scores are meant to sum up to the change from the baseline.
        taken: the input.
        shares: all scores, with the prediction and the baseline.
        quality: how far they can be trusted.
    """

    model: str
    asked: str
    method: str
    complete: bool
    taken: ModelInput
    shares: Shares
    quality: Quality

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What {self.asked} of {self.model} rests on"

    @property
    def nodes(self) -> Field:
        """Score of each node: 0e, ``[N, 1]``."""
        return Field(self.shares.nodes[:, None], "1x0e", "node")

    @property
    def edges(self) -> Field:
        """Score of each directed edge: 0e, ``[E, 1]``. Raises AttributionError where whole atoms were taken away."""
        if self.shares.edges is None:
            raise AttributionError("Atoms were taken away as a whole, or there are none: edges have no scores.")
        return Field(self.shares.edges[:, None], "1x0e", "edge")

    @property
    def toward(self) -> Field:
        """In which directions the responsible neighbours are, of each node: 0e+1o+2e, ``[N, 9]``; turns along.

        The scores of its edges times the spherical harmonics of their directions, in the prediction's unit.

        Raises:
            AttributionError: as `edges`.
        """
        scores = self.shares.rotating(self._graph())
        if scores is None:
            raise AttributionError("Atoms were taken away as a whole: there are no edges whose directions would count.")
        return Field(scores, "0e+1o+2e", "node")

    @property
    def pull(self) -> Field:
        """How the prediction changes with each edge vector, averaged as the method does: 1o, ``[E, 3]``.

        In the unit of the prediction per unit of length.

        Raises:
            AttributionError: a method without gradients, or an input without edges.
        """
        if EDGES not in self.shares.slopes:
            raise AttributionError("This method takes no gradients by edge vectors; integrated gradients do.")
        return Field(self.shares.slopes[EDGES], "1x1o", "edge")

    @property
    def structure(self) -> Structure:
        """The structure whose prediction it is. Raises AttributionError where the input has none."""
        return self._graph().structures()[0]

    def to_frame(self) -> DataFrame:
        """One row per node, edge, and irrep of the input: kind, name, partner, length, score; the strongest first.

        Scores are in the unit of the prediction; lengths in that of the structure.
        """
        import pandas as pd

        frames = [self._node_frame(), self._edge_frame(), self._irrep_frame()]
        return pd.concat([frame for frame in frames if len(frame)], ignore_index=True)

    def by_irrep(self) -> DataFrame:
        """One row per part of the input and irrep: part, irrep, l, copies, score."""
        import pandas as pd

        keys = dict.fromkeys((part, label) for part, label, _ in self.shares.blocks)
        rows: list[tuple[str, str, int, float]] = []
        for key in keys:
            own = [score for (part, label, _), score in self.shares.blocks.items() if (part, label) == key]
            rows.append((*key, len(own), math.fsum(own)))
        return pd.DataFrame(rows, columns=["part", "irrep", "copies", "score"])

    def scene(self) -> Scene:
        """The structure, its atoms coloured by their scores."""
        return show(self.structure, colour=self.nodes, name="score", title="Score of each atom", signed=self.complete)

    def figure(self) -> Figure:
        """The strongest nodes as bars."""
        order = self.shares.nodes.abs().argsort(descending=True, stable=True)[:STRONGEST]
        labels = [self._named(k) for k in order.tolist()]
        series = [Series("score", range(len(labels)), self.shares.nodes[order].tolist())]
        return bars(labels, series, f"score, in the unit of {self.asked}", self.title, horizontal=True)

    def sections(self) -> list[Section]:
        """The structure in 3D, where there is one; the strongest; the numbers."""
        drawn = [Section("Where it is", "", self.scene())] if isinstance(self.taken, Graph) else []
        strongest = Section("The strongest", "", self.figure())
        return [*drawn, strongest, Section("Numbers", "", self.to_frame())]

    def widget(self) -> DOMWidget:
        """The live 3D view; of an input without structure, the bars."""
        return self.scene().widget() if isinstance(self.taken, Graph) else super().widget()

    def describe(self) -> str:
        """What the strongest are, whether the scores sum up, turn along, and are stable."""
        strongest = self.shares.nodes.abs().argsort(descending=True, stable=True)[:3].tolist()
        named = [(self._named(k), float(self.shares.nodes[k])) for k in strongest]
        return described(self.asked, self.method, self.complete, named, self.shares, self.quality)

    def _graph(self) -> Graph:
        if not isinstance(self.taken, Graph):
            raise AttributionError(f"This input, a {type(self.taken).__name__}, has no structure.")
        return self.taken

    def _named(self, node: int) -> str:
        return self._names[node]

    @cached_property
    def _names(self) -> list[str]:
        if isinstance(self.taken, Graph):
            return [f"{label} {node}" for node, label in enumerate(self.structure.labels)]
        sites: tuple[str, ...] = getattr(self.taken, "sites", ())
        return list(sites) or [f"row {node}" for node in range(len(self.shares.nodes))]

    def _node_frame(self) -> DataFrame:
        import pandas as pd

        order = self.shares.nodes.abs().argsort(descending=True, stable=True)
        names = [self._named(k) for k in order.tolist()]
        return pd.DataFrame({"kind": "node", "name": names, "partner": "", "score": self.shares.nodes[order].numpy()})

    def _edge_frame(self) -> DataFrame:
        import pandas as pd

        if self.shares.edges is None:
            return pd.DataFrame()
        graph = self._graph()
        order = self.shares.edges.abs().argsort(descending=True, stable=True)
        ends = graph.edge_index[:, order]
        return pd.DataFrame(
            {
                "kind": "edge",
                "name": [self._named(k) for k in ends[1].tolist()],
                "partner": [self._named(k) for k in ends[0].tolist()],
                "length": graph.edge_vectors.detach().norm(dim=1)[order].double().numpy(),
                "score": self.shares.edges[order].numpy(),
            }
        )

    def _irrep_frame(self) -> DataFrame:
        table = self.by_irrep()
        names = [f"{part} {irrep}" for part, irrep in zip(table["part"], table["irrep"], strict=True)]
        return table.assign(kind="irrep", name=names, partner="").loc[:, ["kind", "name", "partner", "score"]]

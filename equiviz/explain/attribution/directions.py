"""`radial_and_angular`: how much of a prediction follows from distances alone, how much from directions.

f is compared with its mean when every bond points anywhere, independently of all others, at its own length (by drawing
rotations): what is left is what distances say. For one bond at a time the mean over its directions is taken by a
Lebedev quadrature: what the prediction loses is that bond's angular score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from equiviz.equivariance.late_bar import counting_runs
from equiviz.explain.attribution.attribute import one_input, question_of
from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.removal import Bonds
from equiviz.explain.attribution.varied_input import EDGES_AT_ONCE, VariedGraph
from equiviz.explain.attribution.words import unless_rounding
from equiviz.explain.errors import AttributionError
from equiviz.explain.finite import refuse_answers
from equiviz.explain.outputs import At, Component
from equiviz.features.capture import record
from equiviz.features.model_input import Given
from equiviz.features.model_state import untouched
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.structures.graph_copies import copies
from equiviz.symmetry.groups import haar
from equiviz.symmetry.quadrature import sphere_rule
from equiviz.view.charts import Series, bars
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

DEGREE = 5
"""Of the quadrature: 14 directions, exact for a prediction whose dependence on one bond ends at l = 5."""
STRONGEST = 12


def radial_and_angular(
    model: nn.Module,
    x: Given,
    *,
    output: str | None = None,
    at: At = None,
    component: Component = None,
    draws: int = 64,
    seed: int = 0,
    progress: bool = True,
) -> RadialAngular:
    """Split a prediction into what distances and what directions say.

    Args:
        model, x, output, at, component: as `equiviz.attribute`.
        draws: how many times all directions are drawn.
        seed: of the draws.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        AttributionError: an input without edges; as `equiviz.attribute`.
    """
    if draws < 2:
        raise AttributionError(f"Expected at least 2 draws, so that they have a spread, got {draws}.")
    taken = one_input(model, x)
    if not isinstance(taken, Graph):
        raise AttributionError("Distances and directions are of edges; this input has none.")
    varied, bonds = VariedGraph.of(taken), Bonds.of(taken)
    question = question_of(model, taken, output, at, component)
    question.refuse_edges()
    with untouched(model), torch.no_grad(), counting_runs(model, "turning bonds", progress=progress):
        model.eval()
        ends = [torch.cat(pair) for pair in zip(varied.values, varied.baselines, strict=True)]
        both = varied.answers(model, question, ends)
        refuse_answers(both, AttributionError, "with every neighbour at the cutoff")
        value, baseline = both.tolist()
        drawn = _at_random(model, question, taken, bonds, draws, seed)
        scores = value - _means(model, question, taken, bonds)
        refuse_answers(torch.cat([drawn, scores]), AttributionError, "with bonds turned")
    error = float(drawn.std() / math.sqrt(draws))
    called = title_of(model), str(question), _named(taken, bonds)
    return RadialAngular(*called, scores.tolist(), value, baseline, float(drawn.mean()), error)


def _named(graph: Graph, bonds: Bonds) -> list[tuple[str, str, float]]:
    """Both ends of each bond, and its length."""
    labels = [f"{kind} {k}" for k, kind in enumerate(graph.structures()[0].labels)]
    edges = _first_of_pair(bonds).nonzero()[:, 0]
    edges = edges[bonds.pair[edges].argsort()]
    lengths = graph.edge_vectors.detach().norm(dim=1)[edges].tolist()
    ends = graph.edge_index[:, edges].T.tolist()
    return [(labels[i], labels[j], length) for (j, i), length in zip(ends, lengths, strict=True)]


@dataclass(eq=False, repr=False)
class RadialAngular(Report):
    """A prediction by distances and directions.

    Attributes:
        model: class name.
        asked: which number, in words.
        bonds: the two ends of each bond, and its length in the structure's unit.
        scores: angular score of each bond, in the unit of the prediction.
        value: the prediction.
        baseline: with every neighbour at the cutoff.
        undirected: mean over random directions of all bonds, with its standard error `error`.
    """

    model: str
    asked: str
    bonds: list[tuple[str, str, float]]
    scores: list[float]
    value: float
    baseline: float
    undirected: float
    error: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Distances and directions in {self.asked} of {self.model}"

    @property
    def radial(self) -> float:
        """What distances add to the baseline."""
        return self.undirected - self.baseline

    @property
    def angular(self) -> float:
        """What directions add to that."""
        return self.value - self.undirected

    def to_frame(self) -> DataFrame:
        """One row per bond, the strongest first: one, other, length (structure's unit), angular_score."""
        import pandas as pd

        order = sorted(range(len(self.scores)), key=lambda k: -abs(self.scores[k]))
        rows = [(*self.bonds[k], self.scores[k]) for k in order]
        return pd.DataFrame(rows, columns=["one", "other", "length", "angular_score"])

    def figure(self) -> Figure:
        """The two parts, then the bonds whose directions matter most."""
        strongest = self.to_frame().head(STRONGEST)
        names = [
            f"direction of {one} - {other}" for one, other in zip(strongest["one"], strongest["other"], strict=True)
        ]
        values = [self.radial, self.angular, *strongest["angular_score"]]
        series = [Series("part", range(len(values)), values)]
        labels = ["all distances", "all directions", *names]
        return bars(labels, series, f"in the unit of {self.asked}", self.title, horizontal=True)

    def describe(self) -> str:
        """Both parts with the error of their border, and the bond whose direction matters most."""
        start = unless_rounding(self.baseline, self.value)
        lead = (
            f"{self.asked} = {self.value:.4g}. Distances alone change it by {self.radial:+.4g} from "
            f"{start:.4g} with every neighbour at the cutoff, directions by a further {self.angular:+.4g} "
            f"(both ± {self.error:.1g}, by random draws)."
        )
        first = self.to_frame().iloc[0]
        told = f"{first['one']} - {first['other']} ({first['angular_score']:+.3g})"
        return f"{lead} The direction that matters most is that of {told}."


def _at_random(model: nn.Module, question: Question, graph: Graph, bonds: Bonds, draws: int, seed: int) -> Tensor:
    """Answers ``[draws]`` with every bond turned by a rotation of its own."""
    turns = torch.stack([g.matrix for g in haar(draws * bonds.count, seed, "SO(3)")]).unflatten(0, (draws, -1))
    vectors = graph.edge_vectors.detach()
    turned = torch.einsum("keab,eb->kea", turns[:, bonds.pair].to(vectors), vectors)  # [K, E, 3]
    return _answers(model, question, graph, turned)


def _means(model: nn.Module, question: Question, graph: Graph, bonds: Bonds) -> Tensor:
    """Mean answer over the directions of each bond, ``[bonds]``."""
    points, weights = sphere_rule(DEGREE)
    vectors = graph.edge_vectors.detach()
    lengths = vectors.norm(dim=1) * torch.where(_first_of_pair(bonds), 1.0, -1.0).to(vectors)  # [E]
    pointed = lengths[None, :, None] * points.to(vectors)[:, None, :]  # [Q, E, 3]
    found: list[Tensor] = []
    for chosen in torch.arange(bonds.count).split(max(1, EDGES_AT_ONCE // (len(points) * len(vectors)))):
        own = bonds.pair[None] == chosen[:, None]  # [bonds, E]
        turned = torch.where(own[:, None, :, None], pointed[None], vectors)  # [bonds, Q, E, 3]
        answers = _answers(model, question, graph, turned.flatten(0, 1)).double()
        found.append(answers.unflatten(0, (len(chosen), -1)) @ weights)
    return torch.cat(found)


def _first_of_pair(bonds: Bonds) -> Tensor:
    """Whether an edge is the first of its bond, ``[E]``: its reverse points the other way."""
    places = torch.full((bonds.count,), len(bonds.pair)).scatter_reduce(
        0, bonds.pair, torch.arange(len(bonds.pair)), "amin"
    )
    return torch.zeros(len(bonds.pair), dtype=torch.bool).index_fill(0, places, True)


def _answers(model: nn.Module, question: Question, graph: Graph, vectors: Tensor) -> Tensor:
    size = max(1, EDGES_AT_ONCE // graph.edge_index.shape[1])
    parts = vectors.split(size)
    return torch.cat(
        [question.values(record(model, copies(graph, len(p)).with_edge_vectors(p.flatten(0, 1)))) for p in parts]
    )

"""`body_orders`: how much of a prediction pairs, triplets, and more atoms together say.

With f(S) the prediction when only edges among the atoms of S are there (the others stay, alone), inclusion and
exclusion gives the term of each set, as in a many-body expansion of an energy:

    v(S) = f(S) - sum over proper subsets T of S of v(T)

The baseline is f of nobody. Single atoms count where their own images are neighbours, in small cells; else they have
no edges. All terms of all orders sum up to f.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import torch
from torch import nn

from equiviz.equivariance.late_bar import counting_runs
from equiviz.explain.attribution.attribute import one_input, question_of
from equiviz.explain.attribution.removal import Atoms
from equiviz.explain.errors import AttributionError
from equiviz.explain.finite import refuse_answers
from equiviz.explain.outputs import At, Component
from equiviz.features.model_input import Given
from equiviz.features.model_state import untouched
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.view.charts import Series, bars
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

MOST_SETS = 30_000
ORDERS = {1: "single atoms and their images", 2: "pairs", 3: "triplets", 4: "quadruplets"}


def body_orders(
    model: nn.Module,
    x: Given,
    *,
    output: str | None = None,
    at: At = None,
    component: Component = None,
    highest: int = 3,
    progress: bool = True,
) -> BodyOrders:
    """Take a prediction apart by the number of atoms that have to be there together.

    Args:
        model, x, output, at, component: as `equiviz.attribute`.
        highest: largest number of atoms in a set, 2 to 4; what is left over belongs to larger ones.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        AttributionError: too many sets; an input without edges; as `equiviz.attribute`.
    """
    if not 2 <= highest <= max(ORDERS):
        raise AttributionError(f"Expected highest= from 2 to {max(ORDERS)}, got {highest}.")
    taken = one_input(model, x)
    if not isinstance(taken, Graph) or not taken.edge_index.shape[1]:
        raise AttributionError("Body orders are of atoms with neighbours; this input has no edges.")
    question = question_of(model, taken, output, at, component)
    question.refuse_edges()
    players = Atoms(taken)
    sets = _connected_sets(taken, highest)
    with untouched(model), counting_runs(model, "taking edges away", progress=progress):
        model.eval()
        answers = players.answers(model, question, _present([(), *sets, tuple(range(len(taken)))], len(taken)))
    refuse_answers(answers, AttributionError, "with edges taken away")
    baseline, value = float(answers[0]), float(answers[-1])
    terms = _terms(dict(zip(sets, (answers[1:-1].double() - baseline).tolist(), strict=True)))
    names = [f"{kind} {k}" for k, kind in enumerate(taken.structures()[0].labels)]
    return BodyOrders(title_of(model), str(question), names, terms, value, baseline)


@dataclass(eq=False, repr=False)
class BodyOrders(Report):
    """A prediction by body order.

    Attributes:
        model: class name.
        asked: which number, in words.
        names: of the atoms.
        terms: by set of atoms (numbers, ascending), in the unit of the prediction; sets that are not connected have 0.
        value, baseline: the prediction, and that of all atoms alone.
    """

    model: str
    asked: str
    names: Sequence[str]
    terms: dict[tuple[int, ...], float]
    value: float
    baseline: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"How many atoms together decide {self.asked} of {self.model}"

    def totals(self) -> dict[str, float]:
        """Sum of the terms of each order, and the rest, which belongs to larger sets."""
        orders = sorted({len(atoms) for atoms in self.terms})
        found = {ORDERS[k]: math.fsum(v for atoms, v in self.terms.items() if len(atoms) == k) for k in orders}
        return {**found, "more": self.value - self.baseline - math.fsum(found.values())}

    def to_frame(self) -> DataFrame:
        """One row per set of atoms, the strongest first: order, atoms, score (in the unit of the prediction)."""
        import pandas as pd

        ordered = sorted(self.terms.items(), key=lambda item: -abs(item[1]))
        rows = [(len(atoms), ", ".join(self.names[k] for k in atoms), score) for atoms, score in ordered]
        return pd.DataFrame(rows, columns=["order", "atoms", "score"])

    def figure(self) -> Figure:
        """Sums by order as bars."""
        totals = self.totals()
        series = [Series("sum", range(len(totals)), list(totals.values()))]
        return bars(list(totals), series, f"sum of terms, in the unit of {self.asked}", self.title, horizontal=True)

    def sections(self) -> list[Section]:
        """The bars, and the strongest hundred terms."""
        return [Section("By order", "", self.figure()), Section("The strongest", "", self.to_frame().head(100))]

    def describe(self) -> str:
        """What each order adds, and the strongest set."""
        told = "; ".join(f"{name} {score:+.4g}" for name, score in self.totals().items())
        strongest = self.to_frame().iloc[0] if self.terms else None
        most = "" if strongest is None else f" The strongest: {strongest['atoms']} ({strongest['score']:+.3g})."
        return f"{self.asked} = {self.value:.4g}; of atoms alone {self.baseline:.4g}. Beyond that: {told}.{most}"


def _connected_sets(graph: Graph, highest: int) -> list[tuple[int, ...]]:
    """Sets of 1 to `highest` atoms that edges connect: the terms of all others vanish. Refuses too many."""
    near: list[set[int]] = [set() for _ in range(len(graph))]
    for sender, receiver in graph.edge_index.T.tolist():
        near[receiver].add(sender)
    own = [(k,) for k, others in enumerate(near) if k in others]
    layer: set[tuple[int, ...]] = {
        tuple(sorted((k, other))) for k, others in enumerate(near) for other in others if other != k
    }
    found = [*own, *sorted(layer)]
    for _ in range(2, highest):
        layer = {tuple(sorted((*atoms, n))) for atoms in layer for k in atoms for n in near[k] if n not in atoms}
        found += sorted(layer)
        if len(found) > MOST_SETS:
            raise AttributionError(
                f"{len(found)} or more sets of up to {highest} atoms hang together; at most {MOST_SETS} are tried. "
                "Take highest=2, or a smaller structure."
            )
    return found


def _present(sets: Sequence[tuple[int, ...]], atoms: int) -> torch.Tensor:
    present = torch.zeros(len(sets), atoms, dtype=torch.bool)
    for row, chosen in enumerate(sets):
        present[row, list(chosen)] = True
    return present


def _terms(values: dict[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
    """Inclusion and exclusion; smaller sets come first."""
    terms: dict[tuple[int, ...], float] = {}
    for atoms, value in values.items():
        smaller = (part for size in range(1, len(atoms)) for part in combinations(atoms, size))
        terms[atoms] = value - math.fsum(terms.get(part, 0.0) for part in smaller)
    return terms

"""One run of a method: the scores of edges, atoms and irreps, and what they should sum up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.attribution.methods import (
    Effort,
    GradientMethod,
    Method,
    PlayersName,
    RelevanceMethod,
    RemovalMethod,
    scores_of,
)
from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.relevance import relevance
from equiviz.explain.attribution.removal import Atoms, Bonds, Players
from equiviz.explain.attribution.varied_input import (
    EDGES,
    Part,
    VariedGraph,
    VariedInput,
    VariedPositions,
    VariedTensors,
)
from equiviz.explain.errors import AttributionError
from equiviz.features.capture import record
from equiviz.features.model_input import ModelInput
from equiviz.features.model_state import untouched
from equiviz.features.precision import wide
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.structures.graph_copies import copies
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.harmonics import spherical_harmonics

# Shapes: N nodes, E edges, R rows of a part, d its dimension.
TOWARD_LMAX = 2
ALIKE = 1e-4  # of the change: ten times what float32 loses in a network


@dataclass(frozen=True, eq=False)
class Shares:
    """Scores, in the unit of the prediction (of a rule by size: per unit of the input).

    Attributes:
        nodes: ``[N]``: half of each edge's score to either end, and the scores of its own attributes.
        edges: ``[E]``, or None where atoms were taken away as a whole.
        slopes: how the prediction changes with each part, ``[R, d]`` by name; empty without gradients.
        parts: score of each row, ``[R]`` by part.
        blocks: score by part, block label and copy.
        value: the prediction.
        baseline: the prediction where the path begins, every neighbour at the cutoff and attributes zero; of methods
            that take no path, the prediction without edges.
        edgeless: where a path begins at the cutoff: the prediction without these edges, which is the same if the model
            fades out there; NaN otherwise.
        through: of relevance: the product whose messages the edges' scores are; else "".
    """

    nodes: Tensor
    edges: Tensor | None
    slopes: dict[str, Tensor]
    parts: dict[str, Tensor]
    blocks: dict[tuple[str, str, int], float]
    value: float
    baseline: float
    edgeless: float = math.nan
    through: str = ""

    @property
    def sum(self) -> float:
        """Of all scores."""
        return float(self.nodes.sum())

    def rotating(self, graph: Graph) -> Tensor | None:
        """``[N, 9]``, irreps 0e+1o+2e: of each node the scores of its edges times Y_lm of their directions."""
        if self.edges is None:
            return None
        harmonics = spherical_harmonics(TOWARD_LMAX, graph.edge_vectors.detach().double(), normalization="norm")
        weighted = harmonics * self.edges[:, None]  # [E, 9]
        return weighted.new_zeros(len(graph), weighted.shape[1]).index_add(0, graph.receivers, weighted)


@dataclass(frozen=True, eq=False)
class Asked:
    """A model, a question, and a method: everything but the input, so that a turned input can be asked the same.

    Attributes:
        model: what is asked.
        question: what of its outputs.
        method: how.
        players: what is taken away, where something is.
        effort: steps, samples, seed.
        positions: whether positions are attributed instead of edge vectors.
    """

    model: nn.Module
    question: Question
    method: Method
    players: PlayersName | None
    effort: Effort
    positions: bool = False

    def shares(self, taken: ModelInput) -> Shares:
        """Run the method on an input, in evaluation mode.

        Raises:
            AttributionError: nothing to vary; no gradients; scores that are not finite.
        """
        with untouched(self.model):
            self.model.eval()
            found = self._found(taken)
        if not bool(found.nodes.isfinite().all()):
            raise AttributionError("Some scores are not finite: the model returns NaN or infinity on the way.")
        return found

    def _found(self, taken: ModelInput) -> Shares:
        if isinstance(self.method, RelevanceMethod):
            return self._relevant(taken)
        return (
            self._removed(taken, self.method)
            if isinstance(self.method, RemovalMethod)
            else self._sloped(taken, self.method)
        )

    def _relevant(self, taken: ModelInput) -> Shares:
        """The relevance of each edge's message, in the layer through which most of it passes."""
        found = relevance(self.model, self.question, taken)
        if not found.messages or not isinstance(taken, Graph):
            raise AttributionError(
                f"{title_of(self.model)} has no product that runs once for each edge, so relevance reaches no "
                "edges: share it out among stages, to='stages', or paths, to='paths'."
            )
        alone = float(Atoms(taken).answers(self.model, self.question, torch.zeros(1, len(taken))))
        change = found.value - alone
        missing = {name: abs(float(messages.sum()) - change) for name, messages in found.messages.items()}
        # Rounding must not choose between layers that conserve it alike: the first of these is taken.
        enough = min(missing.values()) + ALIKE * max(abs(change), abs(found.value))
        through = next(name for name, lost in missing.items() if lost <= enough)
        edges = found.messages[through]
        return Shares(_by_node(edges, taken), edges, {}, {}, {}, found.value, alone, through=through)

    def _removed(self, taken: ModelInput, method: RemovalMethod) -> Shares:
        self.question.refuse_edges()
        if not isinstance(taken, Graph):
            raise AttributionError(
                f"{method.title}: takes edges away, and this input, a {type(taken).__name__}, has none; use "
                "method='integrated_gradients'."
            )
        players = Bonds.of(taken) if (self.players or method.players) == "bonds" else Atoms(taken)
        scores = method.scores(self.model, self.question, players, self.effort)
        ends = torch.stack([torch.ones(players.count), torch.zeros(players.count)]).double()
        value, baseline = players.answers(self.model, self.question, ends).tolist()
        edges = _by_edge(scores, players)
        nodes = scores if edges is None else _by_node(edges, taken)
        return Shares(nodes, edges, {}, {}, {}, value, baseline)

    def _sloped(self, taken: ModelInput, method: GradientMethod) -> Shares:
        varied = self._varied(taken, method)
        with torch.enable_grad():
            slopes = method.slopes(self.model, self.question, varied, self.effort)
        with torch.no_grad():
            ends = [torch.cat(pair) for pair in zip(varied.values, varied.baselines, strict=True)]
            value, baseline = self._ends(varied, ends, method)
        by_part = {part.name: wide(slope) for part, slope in zip(varied.parts, slopes, strict=True)}
        parts = {part.name: _scores(method, part, by_part[part.name]) for part in varied.parts}
        blocks = {
            (part.name, *key): score
            for part in varied.parts
            for key, score in _block_scores(method, part, by_part[part.name]).items()
        }
        edges = parts.get(EDGES)
        told = _nodes(parts, varied, taken), edges, by_part, parts, blocks, value, baseline
        return Shares(*told, edgeless=self._edgeless(varied))

    def _edgeless(self, varied: VariedInput) -> float:
        """The prediction without edges, attributes being zero as where the path begins."""
        if not isinstance(varied, VariedGraph) or self.question.support == "edge":
            return math.nan
        (start,) = varied.variants(varied.baselines)
        assert isinstance(start, Graph)
        none = torch.zeros(1, start.edge_index.shape[1], dtype=torch.bool)
        with torch.no_grad():
            return float(self.question.values(record(self.model, copies(start, 1, none))))

    def _ends(self, varied: VariedInput, ends: Sequence[Tensor], method: GradientMethod) -> list[float]:
        if isinstance(varied, VariedPositions):  # at one place all points would be neighbours without directions
            value = varied.answers(self.model, self.question, varied.values)
            return [float(value), float("nan")]
        return varied.answers(self.model, self.question, ends).tolist()

    def _varied(self, taken: ModelInput, method: GradientMethod) -> VariedInput:
        if isinstance(taken, TypedTensors):
            return VariedTensors.of(taken)
        if not isinstance(taken, Graph):
            raise AttributionError(
                f"{title_of(self.model)} reads structures and finds neighbours itself, so it has no edges that "
                "could be varied. Give it a `prepare` that makes a Graph."
            )
        if not self.positions:
            return VariedGraph.of(taken)
        if method.rule == "path":
            raise AttributionError(
                "There is no place where a point says nothing, so no path can be taken from there: attribute "
                "to='edges', or take method='saliency'."
            )
        return VariedPositions.of(taken)


def _scores(method: GradientMethod, part: Part, slopes: Tensor) -> Tensor:
    return scores_of(method.rule, wide(part.field.values), wide(part.baseline), slopes)


def _block_scores(method: GradientMethod, part: Part, slopes: Tensor) -> dict[tuple[str, int], float]:
    """Scores of every copy of every block, summed over rows."""
    values, baseline = wide(part.field.values), wide(part.baseline)
    found: dict[tuple[str, int], float] = {}
    for block in part.field.blocks:
        taken = [block.take(tensor).flatten(0, 1) for tensor in (values, baseline, slopes)]  # [R x mul, size]
        sums = scores_of(method.rule, *taken).unflatten(0, (-1, block.multiplicity)).sum(0)
        for score in sums.tolist():
            copy = sum(label == block.label for label, _ in found)
            found[block.label, copy] = score
    return found


def _by_edge(scores: Tensor, players: Players) -> Tensor | None:
    """Half of a bond's score to each of its two directions."""
    if not isinstance(players, Bonds):
        return None
    directions = torch.bincount(players.pair, minlength=players.count)
    return (scores / directions.clamp(min=1))[players.pair]


def _by_node(edges: Tensor, graph: Graph) -> Tensor:
    """Half of an edge's score to either end."""
    nodes = edges.new_zeros(len(graph)).index_add(0, graph.receivers, edges / 2)
    return nodes.index_add(0, graph.senders, edges / 2)


def _nodes(parts: dict[str, Tensor], varied: VariedInput, taken: ModelInput) -> Tensor:
    """Edges' halves, and what the attributes of nodes (evenly, of graphs) add."""
    if not isinstance(taken, Graph):
        return torch.stack([parts[part.name] for part in varied.parts if part.field.support == "node"]).sum(0)
    found = torch.zeros(len(taken), dtype=torch.float64)
    for part in varied.parts:
        scores = parts[part.name]
        if part.field.support == "edge":
            found = found + _by_node(scores, taken)
        elif part.field.support == "node":
            found = found + scores
        else:
            found = found + (scores / taken.sizes)[taken.batch]
    return found

"""What a prediction is shared out among: the parts of an input that can be varied, and many variants run at once.

Of a graph these are its edge vectors and its typed attributes; of holograms and other typed tensors, their fields. Each
part has a baseline, the value at which it says nothing: an attribute zero, an edge vector pulled out to the cutoff,
where its neighbour is out of sight. The way there is straight, keeps every direction, and turns along with the input.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from equiviz.explain.attribution.question import Question
from equiviz.explain.errors import AttributionError
from equiviz.features.capture import record
from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.graph_copies import copies
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import Position

# Shapes: K variants, R rows of a part, d its dimension, E edges, N points.
EDGES_AT_ONCE = 300_000  # about a gigabyte in a network of 64 channels
EDGES = "edge vectors"
SINGULAR = 1e-6  # of the cutoff: two points closer than this have no direction


@dataclass(frozen=True, eq=False)
class Part:
    """One typed tensor of the input.

    Attributes:
        name: what reports call it.
        field: its values at the input, ``[R, d]``.
        baseline: its values where it says nothing, ``[R, d]``.
    """

    name: str
    field: Field
    baseline: Tensor


class VariedInput(ABC):
    """An input whose parts can be varied.

    Attributes:
        parts: the parts; at least one.
    """

    parts: tuple[Part, ...]

    @abstractmethod
    def variants(self, values: Sequence[Tensor]) -> list[ModelInput]:
        """Inputs that hold K variants between them; `values` has ``[K, R, d]`` for each part."""

    @property
    def at_once(self) -> int:
        """How many variants fit into memory together."""
        return 64

    @property
    def values(self) -> tuple[Tensor, ...]:
        """The parts as they are, ``[1, R, d]`` each."""
        return tuple(part.field.values.detach()[None] for part in self.parts)

    @property
    def baselines(self) -> tuple[Tensor, ...]:
        """The parts where they say nothing, ``[1, R, d]`` each."""
        return tuple(part.baseline[None] for part in self.parts)

    def answers(self, model: nn.Module, question: Question, values: Sequence[Tensor]) -> Tensor:
        """What the model says to the question for K variants, ``[K]``; gradients flow to `values`."""
        return torch.cat([question.values(record(model, x, keep_graph=True)) for x in self.variants(values)])


@dataclass(frozen=True, eq=False)
class VariedGraph(VariedInput):
    """Edge vectors, and typed attributes of nodes and of the graph.

    Attributes:
        graph: the input.
        parts: "edge vectors" first, then ``node.NAME`` and ``graph.NAME``.
    """

    graph: Graph
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, graph: Graph) -> VariedGraph:
        """Every floating-point part of a graph.

        Raises:
            AttributionError: no edges; two points in one place.
        """
        if graph.edge_index.shape[1] == 0:
            raise AttributionError(
                f"No atom has a neighbour within {graph.cutoff:g} {graph.length_unit}, so there are no edges among "
                "which a prediction could be shared out."
            )
        node = [Part(f"node.{name}", field, torch.zeros_like(field.values)) for name, field in graph.node.items()]
        whole = [Part(f"graph.{name}", field, torch.zeros_like(field.values)) for name, field in graph.graph.items()]
        linear = [part for part in (*node, *whole) if not part.field.representation.affine]
        return cls(graph, (_edge_part(graph), *linear))

    @property
    def at_once(self) -> int:
        """As many as have `EDGES_AT_ONCE` edges."""
        return max(1, EDGES_AT_ONCE // self.graph.edge_index.shape[1])

    def variants(self, values: Sequence[Tensor]) -> list[ModelInput]:
        """All K copies in one graph."""
        many = copies(self.graph, len(values[0])).with_edge_vectors(values[0].flatten(0, 1))
        node, whole = dict(many.node), dict(many.graph)
        for part, changed in zip(self.parts[1:], values[1:], strict=True):
            kind, name = part.name.split(".", 1)
            fields = node if kind == "node" else whole
            fields[name] = fields[name].with_values(changed.flatten(0, 1))
        return [replace(many, node=node, graph=whole)]


@dataclass(frozen=True, eq=False)
class VariedPositions(VariedInput):
    """The positions of a graph: what one does *not* want, since their attribution depends on the origin.

    Attributes:
        graph: the input.
        parts: "positions", with the origin of coordinates as the baseline.
    """

    graph: Graph
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, graph: Graph) -> VariedPositions:
        """The positions; no place is one where a point says nothing, so paths from the baseline make no sense."""
        field = Field(graph.positions, Position(), "node")
        return cls(graph, (Part("positions", field, torch.zeros_like(graph.positions)),))

    @property
    def at_once(self) -> int:
        """As many as have `EDGES_AT_ONCE` edges."""
        return max(1, EDGES_AT_ONCE // max(1, self.graph.edge_index.shape[1]))

    def variants(self, values: Sequence[Tensor]) -> list[ModelInput]:
        """All K copies in one graph."""
        return [replace(copies(self.graph, len(values[0])), positions=values[0].flatten(0, 1))]


@dataclass(frozen=True, eq=False)
class VariedTensors(VariedInput):
    """The fields of typed tensors, such as the coefficients of a hologram; their baselines are zero.

    Attributes:
        tensors: the input.
        parts: one for each field that no translation moves.
    """

    tensors: TypedTensors
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, tensors: TypedTensors) -> VariedTensors:
        """Every field but positions. Raises AttributionError where there is none."""
        fields = {name: field for name, field in tensors.fields.items() if not field.representation.affine}
        if not fields:
            raise AttributionError("Only positions came: attribute edge vectors instead, as differences of positions.")
        return cls(tensors, tuple(Part(n, f, torch.zeros_like(f.values)) for n, f in fields.items()))

    def variants(self, values: Sequence[Tensor]) -> list[ModelInput]:
        """All in one where they can stand side by side, else one after the other."""
        many = self.tensors.repeated(len(values[0]))
        if many is not None:
            return [self._with(many, [one.flatten(0, 1) for one in values])]
        return [self._with(self.tensors, list(each)) for each in zip(*values, strict=True)]

    def _with(self, tensors: TypedTensors, values: Sequence[Tensor]) -> TypedTensors:
        changed = zip(self.parts, values, strict=True)
        return tensors.with_values({part.name: part.field.with_values(rows) for part, rows in changed})


def _edge_part(graph: Graph) -> Part:
    vectors = graph.edge_vectors.detach()
    lengths = vectors.norm(dim=1, keepdim=True)
    if bool((lengths < SINGULAR * graph.cutoff).any()):
        raise AttributionError("Two points are in one place: the edge between them has no direction to be pulled in.")
    return Part(EDGES, Field(vectors, "1x1o", "edge"), vectors * (graph.cutoff / lengths))

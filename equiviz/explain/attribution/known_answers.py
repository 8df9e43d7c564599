"""Tasks whose answer is known: labels that depend on some edges of a structure and on no others.

An explanation that claims to find what a prediction rests on must find these edges. Each task is an exact function of
edge vectors, as smooth as a potential: every neighbour fades out at the cutoff. Species mark who takes part.

What makes it hard is a ripple: every edge, whether it takes part or not, adds a small term that changes fast with its
length. It moves the label by a hundredth of what an edge of the answer does; its slope is a third of theirs. So slopes
taken at one point are drowned where the label itself is flat there.

Shapes: N points, E edges, B structures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from equiviz.explain.attribution.removal import Bonds
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.harmonics import spherical_harmonics

CUTOFF = 4.0
CROWD, MARKED = 6, 7
"""Atoms that play no part, and the one (or those) that a task is about; further parts are 8, 9, 16."""
CLOSEST, NEARBY = 0.9, 1.5
SATURATION = 3.0
SHELL = 2.0
RIPPLE, WAVE_NUMBER = 0.01, 30.0
"""Height of the ripple, as a part of what an edge of the answer adds; and how fast it changes, per unit of length."""
CALIBRATION = 20
FAINT = 0.05


@dataclass(frozen=True)
class TaskConfig:
    """Nothing to configure."""


class KnownAnswer(EquivariantModel, ABC):
    """A label with a known answer; output ``label``, one number per structure.

    Attributes:
        question: what the label depends on, in words.
        parts: species that take part, and how many atoms of each.
    """

    family: ClassVar[str] = "known answer"
    question: ClassVar[str]
    parts: ClassVar[dict[int, int]]

    def __init__(self, config: object = None) -> None:
        super().__init__(config or TaskConfig())
        self.fade = Stage("1x0e", "edge")
        self.height = RIPPLE * self._typical()

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours within `CUTOFF`, in float64."""
        return Graph.from_structures(structures, CUTOFF, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """The label of each structure, with its ripple."""
        lengths = graph.edge_vectors.norm(dim=1)
        near = self.fade(envelope(lengths)[:, None])[:, 0]
        ripple = self.height * _summed(near * torch.sin(WAVE_NUMBER * lengths), graph)
        return {"label": Field((self.label(graph, near) + ripple)[:, None], "1x0e", "graph")}

    def _typical(self) -> float:
        """How much an edge of the answer adds to the label: the median over some examples."""
        graphs = [self.prepare(self.example(seed)) for seed in range(CALIBRATION)]
        labels = [self.label(graph, envelope(graph.edge_vectors.norm(dim=1))).abs() for graph in graphs]
        counts = [self.answer(graph).sum().clamp(min=1) for graph in graphs]
        return float(torch.stack([label[0] / count for label, count in zip(labels, counts, strict=True)]).median())

    @abstractmethod
    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """The label ``[B]``; `near` ``[E]`` fades from 1 to 0 at the cutoff."""

    @abstractmethod
    def answer(self, graph: Graph) -> Tensor:
        """Which edges it depends on, ``[E]`` bool: both directions of a pair."""

    def score(self, graph: Graph, edges: Tensor) -> float:
        """How well scores ``[E]`` tell the answer from the rest: area under the ROC curve of their sizes, by bond.

        Edges of the answer that have nearly faded out (below `FAINT`) count on neither side. 1 is perfect, .5 chance.
        """
        from sklearn.metrics import roc_auc_score

        bonds = Bonds.of(graph)
        by_bond = edges.new_zeros(bonds.count).index_add(0, bonds.pair, edges).abs()
        known, near = self.answer(graph), envelope(graph.edge_vectors.detach().norm(dim=1))
        truth = torch.zeros(bonds.count, dtype=torch.bool).index_fill(0, bonds.pair[known], True)
        faint = torch.zeros_like(truth).index_fill(0, bonds.pair[near < FAINT], True)
        counted = ~(truth & faint)
        return float(roc_auc_score(truth[counted].numpy(), by_bond[counted].numpy()))

    def example(self, seed: int, crowd: int = 20) -> Structure:
        """Atoms at random in a ball, no two closer than `CLOSEST`; those that take part lie near the middle."""
        generator = torch.Generator().manual_seed(seed)
        inner = sum(self.parts.values())
        positions = _scattered(inner, crowd, generator)
        species = [kind for kind, count in self.parts.items() for _ in range(count)] + [CROWD] * crowd
        return Structure(positions, torch.tensor(species), name=self.question)


class MarkedAtom(KnownAnswer):
    """How crowded the marked atom is."""

    question = "one marked atom"
    parts: ClassVar[dict[int, int]] = {MARKED: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """Sum over the marked atom's neighbours."""
        return _summed(near * of_kind(graph, MARKED)[graph.receivers], graph)

    def answer(self, graph: Graph) -> Tensor:
        """Its edges."""
        marked = of_kind(graph, MARKED).bool()
        return marked[graph.receivers] | marked[graph.senders]


class PairDistance(KnownAnswer):
    """How far apart two marked atoms are."""

    question = "one pair distance"
    parts: ClassVar[dict[int, int]] = {MARKED: 1, 8: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """A bond's energy: steeper than the fading itself."""
        return _summed(near.square() * between(graph, MARKED, 8), graph)

    def answer(self, graph: Graph) -> Tensor:
        """The pair."""
        return (between(graph, MARKED, 8) + between(graph, 8, MARKED)).bool()


class Angle(KnownAnswer):
    """The angle at the marked atom between two others."""

    question = "one angle"
    parts: ClassVar[dict[int, int]] = {MARKED: 1, 8: 1, 9: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """Its cosine, fading with either side."""
        arms = [_arm(graph, near, kind) for kind in (8, 9)]
        return (arms[0] * arms[1]).sum(1)

    def answer(self, graph: Graph) -> Tensor:
        """Its sides."""
        return _sides(graph, (8, 9))


class Chirality(KnownAnswer):
    """The handedness of three different neighbours of the marked atom: a mirror changes its sign."""

    group = "SE(3)"

    question = "a chirality"
    parts: ClassVar[dict[int, int]] = {MARKED: 1, 8: 1, 9: 1, 16: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """The triple product of the three directions."""
        one, two, three = (_arm(graph, near, kind) for kind in (8, 9, 16))
        return (torch.linalg.cross(one, two) * three).sum(1)

    def answer(self, graph: Graph) -> Tensor:
        """The three bonds."""
        return _sides(graph, (8, 9, 16))


class ShellQuadrupole(KnownAnswer):
    """The l = 2 part of the marked atom's neighbours in one shell."""

    question = "the l = 2 part of one shell"
    parts: ClassVar[dict[int, int]] = {MARKED: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """Its power."""
        lengths = graph.edge_vectors.norm(dim=1)
        return _power(graph, 2, _within_shell(lengths) * of_kind(graph, MARKED)[graph.receivers])

    def answer(self, graph: Graph) -> Tensor:
        """The marked atom's edges in the shell."""
        lengths = graph.edge_vectors.detach().norm(dim=1)
        marked = of_kind(graph, MARKED).bool()
        return (marked[graph.receivers] | marked[graph.senders]) & (_within_shell(lengths) > 0)


class CollectiveOrder(KnownAnswer):
    """The global bond order Q_6 of a cluster among other atoms (Steinhardt, Nelson, Ronchetti 1983)."""

    question = "a collective q_6"
    parts: ClassVar[dict[int, int]] = {MARKED: 7}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """The power of the l = 6 sum over all bonds of the cluster."""
        return _power(graph, 6, near * between(graph, MARKED, MARKED))

    def answer(self, graph: Graph) -> Tensor:
        """The bonds of the cluster."""
        return between(graph, MARKED, MARKED).bool()


class BothPairs(KnownAnswer):
    """A product of two pairs: either alone says nothing."""

    question = "two pairs, both needed"
    parts: ClassVar[dict[int, int]] = {MARKED: 1, 8: 1, 9: 1, 16: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """The product of their closenesses."""
        return _summed(near * between(graph, MARKED, 8), graph) * _summed(near * between(graph, 9, 16), graph)

    def answer(self, graph: Graph) -> Tensor:
        """Both pairs."""
        one = between(graph, MARKED, 8) + between(graph, 8, MARKED)
        return (one + between(graph, 9, 16) + between(graph, 16, 9)).bool()


class Saturated(KnownAnswer):
    """Whether the marked atom has neighbours at all: with many, one more or less hardly counts."""

    question = "a saturated count"
    parts: ClassVar[dict[int, int]] = {MARKED: 1}

    def label(self, graph: Graph, near: Tensor) -> Tensor:
        """One minus the chance that all are away."""
        strength = SATURATION * torch.log1p(-0.999 * near) * of_kind(graph, MARKED)[graph.receivers]
        return 1 - torch.exp(_summed(strength, graph))

    def answer(self, graph: Graph) -> Tensor:
        """Its edges."""
        marked = of_kind(graph, MARKED).bool()
        return marked[graph.receivers] | marked[graph.senders]


TASKS: tuple[type[KnownAnswer], ...] = (
    MarkedAtom, PairDistance, Angle, Chirality, ShellQuadrupole, CollectiveOrder, BothPairs, Saturated,
)  # fmt: skip


def envelope(lengths: Tensor) -> Tensor:
    """``(1 - (r/r_c)^2)^3``, zero from the cutoff on, with two smooth derivatives. [E] -> [E]."""
    return (1 - (lengths / CUTOFF).square()).clamp(min=0) ** 3


def of_kind(graph: Graph, species: int) -> Tensor:
    """One for atoms of this species, else zero, ``[N]``."""
    return (graph.species == species).to(graph.positions)


def between(graph: Graph, receiver: int, sender: int) -> Tensor:
    """One for edges from one species to the other, else zero, ``[E]``."""
    return of_kind(graph, receiver)[graph.receivers] * of_kind(graph, sender)[graph.senders]


def _summed(edges: Tensor, graph: Graph) -> Tensor:
    """[E, ...] -> [B, ...]."""
    return edges.new_zeros(graph.n_graphs, *edges.shape[1:]).index_add(0, graph.batch[graph.receivers], edges)


def _arm(graph: Graph, near: Tensor, species: int) -> Tensor:
    """The direction from the marked atom to the one of this species, fading with its length, ``[B, 3]``."""
    unit = torch.nn.functional.normalize(graph.edge_vectors, dim=1)
    return _summed((near * between(graph, MARKED, species))[:, None] * unit, graph)


def _sides(graph: Graph, kinds: Sequence[int]) -> Tensor:
    pairs = [between(graph, MARKED, kind) + between(graph, kind, MARKED) for kind in kinds]
    return torch.stack(pairs).sum(0).bool()


def _power(graph: Graph, degree: int, weights: Tensor) -> Tensor:
    """The sum over m of the squared sums of weighted harmonics, ``[B]``."""
    harmonics = spherical_harmonics(degree, graph.edge_vectors)[:, degree**2 :]  # [E, 2l+1]
    return _summed(weights[:, None] * harmonics, graph).square().sum(1)


def _within_shell(lengths: Tensor) -> Tensor:
    """A smooth bump of half width .5 around `SHELL`. [E] -> [E]."""
    return (1 - ((lengths - SHELL) / 0.5).square()).clamp(min=0) ** 3


def _scattered(inner: int, crowd: int, generator: torch.Generator) -> Tensor:
    """Points [inner + crowd, 3], drawn one by one, and again where one comes too close to another."""
    points: list[Tensor] = []
    while len(points) < inner + crowd:
        reach = NEARBY if len(points) < inner else 2 * NEARBY
        point = reach * (2 * torch.rand(3, generator=generator, dtype=torch.float64) - 1)
        fits = all(float((point - other).norm()) > CLOSEST for other in points)
        # Those that take part lie in a ball, so that each sees all others.
        if fits and (len(points) >= inner or float(point.norm()) < NEARBY):
            points.append(point)
    return torch.stack(points)

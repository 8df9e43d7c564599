"""Does relevance find the edges that a network of products rests on, when its weights are set by hand?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from e3nn import o3
from torch import Tensor

from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.known_answers import CUTOFF, MARKED, Angle, KnownAnswer, envelope, of_kind
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from tests.toy_networks import default_dtype

KINDS = (6, 7, 8, 9)  # those of `Angle`
FIRST, SECOND = KINDS.index(8), KINDS.index(9)
SEEDS = range(5)
CLAIMED, BLIND = 0.95, 0.9


class Arms(EquivariantModel):
    """The cosine between two arms of the marked atom: each sender's species is a channel, two of them are multiplied.

    Attributes:
        factors: the channels that are multiplied, in this order.
        hidden: whether the second factor hides that a product made it.
    """

    family = "arms"

    def __init__(self, factors: tuple[int, int] = (FIRST, SECOND), hidden: bool = False) -> None:
        super().__init__(None)
        self.hidden = hidden
        with default_dtype(torch.float64):
            self.message = o3.TensorProduct(
                f"{len(KINDS)}x0e", "1o", f"{len(KINDS)}x1o", [(0, 0, 0, "uvu", True)],
                internal_weights=False, shared_weights=False,
            )  # fmt: skip
            self.left, self.right = (o3.Linear(f"{len(KINDS)}x1o", "1o") for _ in factors)
            self.product = o3.TensorProduct("1o", "1o", "0e", [(0, 0, 0, "uuu", True)])
        for linear, channel in zip((self.left, self.right), factors, strict=True):
            linear.weight.data = torch.nn.functional.one_hot(torch.tensor(channel), len(KINDS)).double()
        self.product.weight.data.fill_(1.0)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        return Graph.from_structures(structures, CUTOFF, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        species = torch.stack([of_kind(graph, kind) for kind in KINDS], 1)  # [N, kinds]
        unit = torch.nn.functional.normalize(graph.edge_vectors, dim=1)
        weights = envelope(graph.edge_vectors.norm(dim=1)) * of_kind(graph, MARKED)[graph.receivers]
        messages = self.message(species[graph.senders], unit, weights[:, None].expand(-1, len(KINDS)))
        sums = messages.new_zeros(len(graph), messages.shape[1]).index_add(0, graph.receivers, messages)
        other = self.right(sums)
        cosines = self.product(self.left(sums), other.detach() if self.hidden else other)
        return {"label": Field(self._summed(cosines, graph), "1x0e", "graph")}

    @staticmethod
    def _summed(atomic: Tensor, graph: Graph) -> Tensor:
        return atomic.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch, atomic)


@pytest.fixture(scope="module")
def task() -> KnownAnswer:
    return Angle()


def scores(model: EquivariantModel, task: KnownAnswer, seed: int) -> Tensor:
    found = attribute(model, task.example(seed), method="relevance", rotations=0).shares.edges
    assert found is not None
    return found


def area(model: EquivariantModel, task: KnownAnswer) -> float:
    """Under the ROC curve, a mean over a few structures."""
    areas = [task.score(task.prepare(task.example(seed)), scores(model, task, seed)) for seed in SEEDS]
    return sum(areas) / len(areas)


def test_relevance_finds_both_arms(task: KnownAnswer) -> None:
    assert area(Arms(), task) >= CLAIMED


def test_it_does_not_matter_which_factor_stands_first(task: KnownAnswer) -> None:
    one, other = (scores(Arms(factors), task, 0) for factors in ((FIRST, SECOND), (SECOND, FIRST)))
    assert torch.allclose(one, other, rtol=1e-12)
    assert float(one.abs().max()) > 0


def test_both_arms_get_the_same_and_all_is_shared_out(task: KnownAnswer) -> None:
    model = Arms()
    report = attribute(model, task.example(1), method="relevance", rotations=0)
    edges, graph = report.shares.edges, model.prepare(task.example(1))
    assert edges is not None
    arms = [float(edges[graph.species[graph.senders] == kind].sum()) for kind in (8, 9)]
    assert arms[0] == pytest.approx(arms[1], rel=1e-12)
    assert report.shares.sum == pytest.approx(report.shares.value, rel=1e-12)
    assert sum(arms) == pytest.approx(report.shares.value, rel=1e-12)


def test_an_arm_that_hides_where_it_came_from_is_not_found(task: KnownAnswer) -> None:
    # The control: relevance knows of a factor by the products that made it.
    assert area(Arms(hidden=True), task) < BLIND


def test_a_network_that_multiplies_other_arms_is_told_apart(task: KnownAnswer) -> None:
    # The control of the score: this one looks at the crowd.
    assert area(Arms((KINDS.index(6), KINDS.index(6))), task) < BLIND


def test_frozen_weights_change_nothing(task: KnownAnswer) -> None:
    frozen = Arms().requires_grad_(False)
    assert torch.equal(scores(frozen, task, 2), scores(Arms(), task, 2))

"""Do methods that claim it find what a label depends on, and do those that cannot, fail?"""

from __future__ import annotations

import pytest
import torch

from equiviz.equivariance.check import check
from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.known_answers import TASKS, Chirality, KnownAnswer, Saturated
from equiviz.symmetry.groups import O3

SEEDS = range(3)
CLAIMED = 0.95


def found(task: KnownAnswer, method: str, **settings: object) -> float:
    """Mean area under the curve over a few structures."""
    scores: list[float] = []
    for seed in SEEDS:
        structure = task.example(seed)
        report = attribute(task, structure, method=method, rotations=0, **settings)  # type: ignore[call-overload]
        scores.append(task.score(task.prepare(structure), report.shares.edges))
    return sum(scores) / len(scores)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.question)
class TestTasks:
    def test_integrated_gradients_find_the_answer(self, task: type[KnownAnswer]) -> None:
        assert found(task(), "integrated_gradients") >= CLAIMED

    def test_shapley_values_find_the_answer(self, task: type[KnownAnswer]) -> None:
        assert found(task(), "shapley", players="bonds", samples=24) >= CLAIMED

    def test_shuffled_scores_find_nothing(self, task: type[KnownAnswer]) -> None:
        made, generator = task(), torch.Generator().manual_seed(0)
        graph = made.prepare(made.example(0))
        edges = attribute(made, made.example(0), rotations=0).shares.edges
        assert edges is not None
        shuffled = [made.score(graph, edges[torch.randperm(len(edges), generator=generator)]) for _ in range(40)]
        assert 0.35 < sum(shuffled) / len(shuffled) < 0.65

    def test_the_label_depends_on_the_answer_alone(self, task: type[KnownAnswer]) -> None:
        made = task()
        graph = made.prepare(made.example(1))
        vectors = graph.edge_vectors.clone().requires_grad_()
        near = made.fade(torch.ones(len(vectors), 1, dtype=torch.float64))[:, 0]
        assert near.all()
        made.height = 0.0  # without the ripple
        made(graph.with_edge_vectors(vectors))["label"].values.sum().backward()
        assert vectors.grad is not None
        moved = vectors.grad.norm(dim=1) > 0
        assert not bool((moved & ~made.answer(graph)).any())
        assert bool(moved.any())

    def test_the_label_keeps_the_symmetry_that_it_claims(self, task: type[KnownAnswer]) -> None:
        made = task()
        assert check(made, made.example(2), elements=2, wide=0).passed


def test_slopes_are_drowned_where_the_label_is_flat() -> None:
    # Occlusion too: nobody is missed where many are there.
    for method in ("saliency", "input_x_gradient", "smooth_gradient", "occlusion"):
        assert found(Saturated(), method) < 0.85, method


def test_a_mirror_changes_the_sign_of_chirality_and_of_its_scores() -> None:
    task = Chirality()
    task.height = 0.0
    structure = task.example(0)
    one, other = (attribute(task, x, rotations=0) for x in (structure, structure.transform(O3.inversion())))
    assert one.shares.value != 0
    assert torch.allclose(one.shares.nodes, -other.shares.nodes, atol=1e-12)

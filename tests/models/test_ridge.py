"""Does the closed form find what is there, and does it hold it back as it says?"""

from __future__ import annotations

import pytest
import torch

from equiviz.models.errors import ConfigError
from equiviz.models.registry import families
from equiviz.models.ridge import FEATURES, Ridge, RidgeConfig
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field

TIMES = (1.0, 10.0)


@pytest.fixture(scope="module")
def graphs() -> list[Graph]:
    model, example = Ridge(RidgeConfig(times=TIMES)).double(), families()["ridge"].example
    assert example is not None
    return [model.prepare(example(60, seed)) for seed in range(3)]


def _linear_targets(graphs: list[Graph], weight: torch.Tensor) -> list[torch.Tensor]:
    found = []
    for graph in graphs:
        values = graph.node[FEATURES].values.clone()
        for kind in (1, 2):
            own = graph.species == kind
            values[own] -= values[own].mean(0)
        found.append(values @ weight)
    return found


def test_a_linear_truth_is_found(graphs: list[Graph]) -> None:
    count = graphs[0].node[FEATURES].dim
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(count, 2, generator=draw, dtype=torch.float64)
    model = Ridge(RidgeConfig(times=TIMES, alpha=1e-6)).double()
    targets = _linear_targets(graphs, weight)
    model.fit(graphs, targets)
    for graph, target in zip(graphs, targets, strict=True):
        # more features than particles: the fit is exact up to the small penalty
        torch.testing.assert_close(model(graph)["propensity"].values, target, rtol=1e-3, atol=1e-3)


def test_the_penalty_shrinks_the_prediction(graphs: list[Graph]) -> None:
    targets = [torch.randn(len(graph), 2, dtype=torch.float64) for graph in graphs]
    sizes = []
    for alpha in (1.0, 1e3, 1e6):
        model = Ridge(RidgeConfig(times=TIMES, alpha=alpha)).double()
        model.fit(graphs, targets)
        sizes.append(float(model(graphs[0])["propensity"].values.detach().norm()))
    assert sizes[0] > sizes[1] > sizes[2]


def test_it_solves_the_normal_equations(graphs: list[Graph]) -> None:
    """Against scikit-learn, on the features of one species."""
    from sklearn.linear_model import Ridge as Reference

    model = Ridge(RidgeConfig(times=TIMES, alpha=10.0)).double()
    targets = [torch.randn(len(graph), 2, dtype=torch.float64) for graph in graphs]
    model.fit(graphs, targets)
    rows, wanted = [], []
    for graph, target in zip(graphs, targets, strict=True):
        own = graph.species == 1
        values = graph.node[FEATURES].values[own]
        rows.append((values - values.mean(0)) / model.scale[0])
        wanted.append(target[own])
    reference = Reference(alpha=10.0, fit_intercept=False, solver="cholesky").fit(torch.cat(rows), torch.cat(wanted))
    torch.testing.assert_close(model.weight[0].detach().T, torch.from_numpy(reference.coef_), rtol=1e-6, atol=1e-9)


def test_nothing_to_fit_is_said(graphs: list[Graph]) -> None:
    model = Ridge(RidgeConfig(times=TIMES, species=(1, 7))).double()
    with pytest.raises(ConfigError, match="nothing to fit"):
        model.fit(graphs, [torch.zeros(len(graph), 2) for graph in graphs])


def test_attached_features_of_another_size_are_measured_anew() -> None:
    example = families()["ridge"].example
    assert example is not None
    structure = example(20, 0).with_node("surroundings", Field(torch.zeros(20, 3), "3x0e", "node"))
    graph = Ridge(RidgeConfig()).prepare(structure)
    assert graph.node[FEATURES].dim == RidgeConfig().surroundings.size

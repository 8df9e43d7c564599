"""Do the verbs leave models, inputs and chance as they found them?"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.lie_derivative import lie_derivative
from equiviz.equivariance.spectrum import spectrum
from equiviz.equivariance.sphere_map import sphere_map
from equiviz.equivariance.worst_element import worst_element
from equiviz.features.model_input import own_copy
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from tests.toy_networks import molecule, toy

VERBS: dict[str, Callable[..., object]] = {
    "check": functools.partial(check, elements=2, wide=3),
    "lie_derivative": lie_derivative,
    "spectrum": functools.partial(spectrum, band_limit=2),
    "sphere_map": functools.partial(sphere_map, points=4),
    "worst_element": functools.partial(worst_element, band_limit=1),
}


@pytest.fixture(params=list(VERBS))
def verb(request: pytest.FixtureRequest) -> Callable[..., object]:
    return VERBS[request.param]


@contextmanager
def same_chance() -> Generator[None]:
    states = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)["state"]["key"].copy()
    yield
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state(legacy=False)["state"]["key"] == states[2]).all()


def vectors() -> Tensor:
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class Noisy(nn.Module):
    """Draws from all global generators; its part has no declared type, so that types are inferred."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 4).double()

    def forward(self, x: Tensor) -> Tensor:
        chance = float(torch.rand(1)) + random.random() + np.random.rand()
        return self.linear(x.norm(dim=-1, keepdim=True)) * (1 + 1e-3 * chance)


def test_chance_stays_as_it_was(verb: Callable[..., object]) -> None:
    model = Noisy()
    with same_chance():
        verb(model, vectors(), inputs="1o", outputs="4x0e")


def test_chance_stays_as_it_was_for_a_function(verb: Callable[..., object]) -> None:
    with same_chance():
        verb(
            lambda x: x * (1 + np.random.rand() + random.random() + torch.rand(1)), vectors(), inputs="1o", outputs="1o"
        )


class Restless(nn.Module):
    """Changes all that it holds: a buffer, a gradient, a weight."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1).double()
        self.linear.weight.grad = torch.ones_like(self.linear.weight)
        self.register_buffer("mean", torch.zeros(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        lengths = x.norm(dim=-1, keepdim=True)
        self.mean = 0.9 * self.mean + 0.1 * lengths.mean().detach()
        self.linear.weight.data *= 1.01
        if torch.is_grad_enabled() and self.linear.weight.requires_grad:
            self.linear(lengths.detach()).sum().backward()
        return self.linear(lengths)


def state(model: Restless) -> list[Tensor]:
    gradient = model.linear.weight.grad
    assert gradient is not None
    assert model.linear.bias.grad is None
    return [
        model.mean.clone(),
        model.linear.weight.detach().clone(),
        model.linear.bias.detach().clone(),
        gradient.clone(),
    ]


@pytest.mark.parametrize("held", [False, True])
def test_a_model_stays_as_it_was(verb: Callable[..., object], held: bool) -> None:
    model = Restless()
    models = [model]
    before = state(model)
    verb((lambda x: models[0](x)) if held else model, vectors(), inputs="1o", outputs="0e")
    assert all(torch.equal(a, b) for a, b in zip(state(model), before, strict=True))


class InPlaceOnStructures(nn.Module):
    """Centres and stretches the very positions that it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage("1x1o")

    def forward(self, structure: Structure) -> Tensor:
        structure.positions.sub_(structure.positions.mean(0)).mul_(1.01)
        structure.node["velocity"].values.mul_(2)
        return self.stage(structure.positions + structure.node["velocity"].values)


class InPlaceOnGraphs(nn.Module):
    """The same on graphs."""

    def __init__(self) -> None:
        super().__init__()
        self.network = toy(velocity=True)

    def prepare(self, structures: Structure) -> Graph:
        return self.network.prepare(structures)

    def forward(self, graph: Graph) -> object:
        graph.positions.mul_(1.01)
        graph.node["velocity"].values.mul_(2)
        return self.network(graph)


@pytest.mark.parametrize("given", ["structure", "graph", "structure, for a graph"])
def test_an_input_stays_as_it_was(verb: Callable[..., object], given: str) -> None:
    model = InPlaceOnStructures() if given == "structure" else InPlaceOnGraphs()
    x = InPlaceOnGraphs().prepare(molecule()) if given == "graph" else molecule()
    before = own_copy(x)
    verb(model, x)
    assert torch.equal(x.positions, before.positions)  # type: ignore[union-attr]
    assert torch.equal(x.node["velocity"].values, before.node["velocity"].values)  # type: ignore[union-attr]


def test_work_in_place_is_no_break() -> None:
    report = check(InPlaceOnStructures(), molecule(), wide=10)
    assert report.passed, report.describe()


def test_constants_stay_as_they_were(verb: Callable[..., object]) -> None:
    def shifted(x: Tensor, c: Tensor) -> Tensor:
        c += 1
        return x * c.mean()

    constant = torch.ones(3, dtype=torch.float64)
    verb(shifted, {"x": vectors(), "c": constant}, inputs={"x": "1o", "c": "constant"}, outputs="1o")
    assert torch.equal(constant, torch.ones(3, dtype=torch.float64))

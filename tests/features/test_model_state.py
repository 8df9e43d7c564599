"""Is a model, and whatever it was shown, after a run as it was before?"""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from equiviz.features.capture import capture
from equiviz.features.model_input import own_copy
from equiviz.features.model_state import as_found, kept_chance, untouched
from equiviz.nn.declared_function import DeclaredFunction, held_modules
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from tests.toy_networks import molecule, toy


class RunningMean(nn.Module):
    """Assigns its buffer anew, and makes another at first."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("made", None)

    def forward(self, x: Tensor) -> Tensor:
        self.mean = 0.9 * self.mean + 0.1 * x.mean()
        self.made = torch.ones(1)
        return x


def test_a_buffer_that_is_assigned_anew_is_the_old_one_again() -> None:
    model = RunningMean()
    before = model.mean
    with untouched(model):
        model(torch.ones(3))
    assert model.mean is before
    assert torch.equal(model.mean, torch.zeros(1))
    assert model.made is not None


def test_gradients_are_not_added_to() -> None:
    model = nn.Linear(1, 1)
    model.weight.grad = before = torch.ones(1, 1)
    with untouched(model):
        model(torch.ones(2, 1)).sum().backward()
    assert model.weight.grad is before
    assert torch.equal(before, torch.ones(1, 1))
    assert model.bias.grad is None


def scale(model: nn.Linear) -> None:
    model.weight.data *= 1.1


def exchange(model: nn.Linear) -> None:
    model.weight = nn.Parameter(torch.zeros(1, 1))


def convert(model: nn.Linear) -> None:
    model.double()


@pytest.mark.parametrize("change", [scale, exchange, convert])
def test_weights_are_put_back(change: Callable[[nn.Linear], None]) -> None:
    model = nn.Linear(1, 1)
    weight, before, address = model.weight, model.weight.detach().clone(), model.weight.data_ptr()
    with as_found(model):
        change(model)
    assert model.weight is weight
    assert torch.equal(weight, before)
    assert weight.data_ptr() == address


def test_weights_that_did_not_change_are_not_written_to() -> None:
    model = nn.Linear(2, 2)
    versions = [weight._version for weight in model.parameters()]
    loss = model(torch.ones(1, 2, requires_grad=True)).square().sum()
    with as_found(model), untouched(model):
        model(torch.ones(1, 2))
    assert [weight._version for weight in model.parameters()] == versions
    loss.backward()  # raises if the weight that it kept was written to


def test_a_lazy_module_stays_as_it_was_made() -> None:
    model = nn.LazyLinear(2)
    with as_found(model), untouched(model):
        model(torch.ones(1, 3))
    assert model.weight.shape == (2, 3)


def test_chance_is_kept() -> None:
    states = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)["state"]["key"].copy()
    with kept_chance():
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state(legacy=False)["state"]["key"] == states[2]).all()


def test_cuda_that_has_not_started_will_start_from_the_callers_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        with kept_chance():
            torch.manual_seed(0)
    assert seeds == [5, 0, 5]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_chance_is_kept_on_devices_that_the_model_does_not_use() -> None:
    torch.zeros(1, device="cuda")
    before = torch.cuda.get_rng_state_all()
    with kept_chance():
        torch.manual_seed(0)
        torch.rand(3, device="cuda")
    assert all(torch.equal(a, b) for a, b in zip(before, torch.cuda.get_rng_state_all(), strict=True))


class Plain:
    """No module, but holds some."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.nets = [net]

    def predict(self, x: Tensor) -> Tensor:
        return self.net(x)

    def __call__(self, x: Tensor) -> Tensor:
        return self.net(x)


class Listing:
    """Holds modules in a list only."""

    def __init__(self, net: nn.Module) -> None:
        self.nets = [net]

    def predict(self, x: Tensor) -> Tensor:
        return self.nets[0](x)


def applied(net: nn.Module, x: Tensor) -> Tensor:
    return net(x)


def holders(net: nn.Module) -> dict[str, Callable[..., object]]:
    """Functions that reach a module in all ways in which people let them."""
    listed, named, plain = [net], {"net": net}, Plain(net)
    bound = functools.partial(applied, net)

    def wrapped(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        @functools.wraps(function)
        def called(x: Tensor) -> Tensor:
            return function(x)

        return called

    return {
        "closure": lambda x: net(x),
        "list": lambda x: listed[0](x),
        "tuple": lambda x, nets=(net,): nets[0](x),
        "dict": lambda x: named["net"](x),
        "object": lambda x: plain.net(x),
        "partial in a closure": lambda x: bound(x),
        "partial": functools.partial(applied, net),
        "partial by name": functools.partial(applied, net=net),
        "partial of a method": functools.partial(plain.predict),
        "method": plain.predict,
        "method with a list": Listing(net).predict,
        "callable object": plain,
        "method of a module": net.forward,
        "wrapped": wrapped(lambda x: net(x)),
        "cached": functools.lru_cache(lambda x: net(x)),
    }


@pytest.mark.parametrize("way", list(holders(nn.Identity())))
def test_the_modules_that_a_function_holds_are_found(way: str) -> None:
    net = nn.BatchNorm1d(1)
    held = held_modules(holders(net)[way])
    assert [module for module in held.modules() if isinstance(module, nn.BatchNorm1d)] == [net]


@pytest.mark.parametrize("way", list(holders(nn.Identity())))
def test_a_copy_of_a_function_reads_copies_of_its_modules(way: str) -> None:
    net = nn.Linear(1, 1)
    model = DeclaredFunction(holders(net)[way], "0e")
    twin = copy.deepcopy(model).double()
    x = TypedTensors.make(torch.rand(3, 1, dtype=torch.float64), "0e")
    assert twin(x)["output"].values.dtype == torch.float64
    assert (net.weight.dtype, twin.title) == (torch.float32, model.title)
    assert torch.equal(model(x.to(torch.float32))["output"].values, net(x.to(torch.float32).tensors()["x"]))


def test_a_variable_without_a_value_is_no_obstacle() -> None:
    def function(x: Tensor) -> Tensor:
        return later(x)

    assert not list(held_modules(function).children())
    later = nn.Identity()
    assert list(held_modules(function).children()) == [later]


class InPlace(nn.Module):
    """Works in place on all that it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.network = toy(velocity=True)

    def prepare(self, structures: object) -> Graph:
        structure = structures
        structure.positions.mul_(1.1)  # type: ignore[attr-defined]
        return self.network.prepare(structures)  # type: ignore[arg-type]

    def forward(self, graph: Graph) -> Tensor:
        graph.positions.mul_(1.01)
        graph.node["velocity"].values.zero_()
        graph.cells.mul_(1.01)  # type: ignore[union-attr]
        graph.species.fill_(1)
        return self.network(graph)["energy"].values


def test_structures_and_graphs_stay_as_they_came() -> None:
    structure, model = molecule(cell=True), InPlace()
    graph = model.network.prepare(structure)
    for x in (structure, graph):
        before = own_copy(x)
        capture(model, x)
        assert torch.equal(x.positions, before.positions)  # type: ignore[union-attr]
        assert torch.equal(x.species, before.species)  # type: ignore[union-attr]
        assert torch.equal(x.node["velocity"].values, before.node["velocity"].values)  # type: ignore[union-attr]
    assert torch.equal(graph.cells, model.network.prepare(structure).cells)  # type: ignore[arg-type]


def test_gradients_still_flow_from_the_positions_of_the_caller() -> None:
    model = toy()
    graph = model.prepare(molecule())
    graph = replace(graph, positions=graph.positions.requires_grad_(True))
    linked = capture(model, graph, detach=False)["output.energy"].values.sum()
    (found,) = torch.autograd.grad(linked, graph.positions)
    (expected,) = torch.autograd.grad(model(graph)["energy"].values.sum(), graph.positions)
    assert torch.allclose(found, expected)


def test_a_backward_pass_in_forward_adds_nothing_to_the_positions_of_the_caller() -> None:
    class Force(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = toy()

        def forward(self, graph: Graph) -> Tensor:
            self.network(graph)["energy"].values.sum().backward()
            assert graph.positions.grad is not None
            return graph.positions.grad

    model = Force()
    graph = model.network.prepare(molecule())
    graph.positions.requires_grad_(True)
    capture(model, graph)
    assert graph.positions.grad is None


def test_constants_of_functions_stay_as_they_came() -> None:
    constants = {"tensor": torch.ones(2), "list": [torch.ones(2)], "array": np.ones(2), "dict": {"a": (torch.ones(2),)}}
    x = {"x": torch.ones(4, 3), **constants}
    taken = TypedTensors.make(x, {"x": "1o", **dict.fromkeys(constants, "constant")}).tensors()
    for value in (taken["tensor"], taken["list"][0], taken["array"], taken["dict"]["a"][0]):  # type: ignore[index]
        value += 1  # type: ignore[operator]
    kept = (constants["tensor"], constants["list"][0], constants["array"], constants["dict"]["a"][0])  # type: ignore[index]
    assert all(float(value.sum()) == 2 for value in kept)  # type: ignore[union-attr]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_scripted_modules_are_kept_too() -> None:
    scripted = torch.jit.script(nn.BatchNorm1d(3))
    before = scripted.running_mean.clone()
    with untouched(scripted):
        scripted(torch.randn(5, 3))
    assert torch.equal(scripted.running_mean, before)

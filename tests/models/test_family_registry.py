"""Are families found, told apart, and built from plain values with errors that help?"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import pytest

from equiviz.models.configuration import read_config, write_config
from equiviz.models.errors import ConfigError, DuplicateFamily, UnknownFamily
from equiviz.models.registry import Family, build, collect, families, family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage
from tests.toy_networks import ToyConfig, ToyNetwork


@dataclass(frozen=True)
class Settings:
    """One field of each kind."""

    width: int
    rate: float = 0.5
    rounds: tuple[int, ...] = (1, 2)
    pair: tuple[int, float] = (1, 0.5)
    messages: Literal["scalar", "equivariant"] = "scalar"
    name: str | None = None
    compiled: bool = True

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError("width must be at least 1")


def module(name: str, family_name: str) -> ModuleType:
    made = ModuleType(name)
    made.FAMILY = Family(family_name, ToyConfig, ToyNetwork, "arXiv 1802.08219", "E(3)")  # type: ignore[attr-defined]
    return made


def test_the_families_of_the_first_issue_are_there() -> None:
    assert {"glassy", "bapst"} <= set(families())


def test_a_family_is_built_from_plain_values() -> None:
    name, known = next(iter(families().items()))
    model = build(name, known.small)
    assert isinstance(model, EquivariantModel)
    assert model.family == name
    assert model.group == known.group


def test_two_families_of_one_name_are_refused() -> None:
    with pytest.raises(DuplicateFamily, match="'toy' is declared twice: in one and in two"):
        collect([module("one", "toy"), ModuleType("between"), module("two", "toy")])


def test_a_module_without_a_family_is_passed_over() -> None:
    assert list(collect([ModuleType("plain"), module("one", "b"), module("two", "a")])) == ["a", "b"]


def test_an_unknown_family_lists_the_known_ones() -> None:
    with pytest.raises(UnknownFamily, match=r"no family 'bapts'. Did you mean 'bapst'\? Known families: bapst, "):
        family("bapts")


def test_plain_values_become_a_configuration_and_back() -> None:
    values = {"width": 3, "rate": 1, "rounds": [4], "pair": [2, 3], "name": "x"}
    config = read_config(Settings, values, "test")
    assert config == Settings(3, 1.0, (4,), (2, 3.0), "scalar", "x")
    assert isinstance(config.rate, float)
    assert read_config(Settings, write_config(config), "test") == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 3, "wdth": 1}, r"'test' has no setting 'wdth'. Did you mean 'width'\? It has: width, rate"),
        ({}, "'test' needs a value for width"),
        ({"width": 2.5}, r"test.width should be int, but 2.5 \(float\) was given"),
        ({"width": True}, "test.width should be int, but True"),
        ({"width": 1, "rounds": 3}, "test.rounds should be a list, but 3"),
        ({"width": 1, "rounds": [1, "two"]}, r"test.rounds\[1\] should be int, but 'two'"),
        ({"width": 1, "pair": [1]}, "test.pair should be a list of 2 entries"),
        ({"width": 1, "messages": "none"}, "test.messages should be one of 'scalar', 'equivariant', but 'none'"),
        ({"width": 1, "name": 7}, "test.name should be str or None, but 7"),
        ({"width": 0}, "configuration of 'test' does not hold together: width must be at least 1"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(Settings, values, "test")


def test_a_stage_changes_nothing_and_leaves_no_weights() -> None:
    import torch

    stage, values = Stage("2x0e+1x1o"), torch.randn(4, 5)
    assert stage(values) is values
    assert not stage.state_dict()
    assert "2x0e+1x1o, on each node" in repr(stage)
    assert torch.equal(Stage("1x0e+1x1o").field(values[:, :4].reshape(4, 2, 2)).values, values[:, :4])


def test_a_stage_refuses_an_unknown_support() -> None:
    with pytest.raises(ModelError, match="one of node, edge, graph, sphere, but support='atom'"):
        Stage("1x0e", "atom")  # type: ignore[arg-type]

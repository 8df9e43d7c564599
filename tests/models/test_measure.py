"""Do the tools take a raw glass, as it comes from a file, and is it quenched once only?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn

from equiviz.datasets.glass import basin
from equiviz.equivariance.check import check
from equiviz.features.capture import capture
from equiviz.models.bapst import Bapst, BapstConfig
from equiviz.models.glassy import Glassy, GlassyConfig
from equiviz.models.ridge import Ridge, RidgeConfig
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.training.load import Ensemble
from tests.toy_networks import molecule, toy

SMALL = GlassyConfig(scalars=4, vectors=2, layers=1, width=8, products=4, pooled=8, rounds=(1,))
MODELS: dict[str, Callable[[], EquivariantModel]] = {
    "glassy": lambda: Glassy(SMALL),
    "ridge": lambda: Ridge(RidgeConfig()),
    "ridge with features of its own": lambda: Ridge(RidgeConfig(rounds=(1, 3))),
    "an ensemble": lambda: Ensemble([Glassy(SMALL), Glassy(SMALL)]),
}


def raw(count: int = 5) -> Structure:
    """A shaken lattice at density 1.2, every fifth a B, and nothing attached."""
    edge = (count**3 / 1.2) ** (1 / 3)
    axis = (torch.arange(count, dtype=torch.float64) + 0.5) * edge / count
    noise = 0.05 * torch.randn(count**3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    species = 1 + (torch.arange(count**3) % 5 == 0).long()
    cell = edge * torch.eye(3, dtype=torch.float64)
    return Structure(torch.cartesian_prod(axis, axis, axis) + noise, species, cell, (True,) * 3, length_unit="sigma")


def built(name: str) -> EquivariantModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MODELS[name]().double().eval()


@pytest.mark.parametrize("name", MODELS)
def test_a_raw_glass_is_checked(name: str) -> None:
    report = check(built(name), raw(), elements=2)
    assert report.passed, report.describe()
    assert report.informative


@pytest.mark.parametrize("name", MODELS)
def test_measuring_twice_changes_nothing_and_turning_it_needs_no_new_measurement(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = built(name)
    known = model.measure(raw())

    def refuse(_: Structure) -> Structure:
        raise AssertionError("quenched once more")

    monkeypatch.setattr(basin, "with_inherent_displacement", refuse)
    turn = O3.inversion() @ O3.rotation([1, 2, 3], 0.7)
    for again in (model.measure(known), model.measure(raw()), model.measure(known.transform(turn))):
        assert set(again.node) == set(known.node)
    before, after = model(model.prepare(raw())), model(model.prepare(known.transform(turn)))
    for key, field in before.items():
        scale = float(field.values.detach().abs().max())
        # Float64 through a few layers; what is measured was turned, not computed anew.
        torch.testing.assert_close(after[key].values, field.transform(turn).values, rtol=0, atol=1e-10 * scale)


def test_what_a_model_with_other_settings_attached_is_measured_anew() -> None:
    model = built("glassy")
    other = raw().with_node("surroundings", Field(torch.zeros(125, 3, dtype=torch.float64), "3x0e", "node"))
    wanted, found = model.measure(raw()), model.measure(other)
    torch.testing.assert_close(found.node["surroundings"].values, wanted.node["surroundings"].values)


def test_a_network_of_inherent_positions_takes_a_turned_raw_glass() -> None:
    model = Bapst(BapstConfig(width=8, steps=1)).double()
    turn = O3.rotation([1, 2, 3], 0.7)
    found, wanted = model.prepare(raw().transform(turn)), model.prepare(raw()).transform(turn)
    torch.testing.assert_close(found.positions, wanted.positions, rtol=0, atol=1e-8)  # two descents, see the quench
    assert not check(model, raw(), elements=2).groups["rotation"].passed


class Foreign(nn.Module):
    """A model of other people, one of whose layers is called as the hook is."""

    group = "E(3)"

    def __init__(self) -> None:
        super().__init__()
        self.inside = toy()
        self.measure = nn.Linear(3, 3)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        return self.inside.prepare(structures)

    def forward(self, graph: Graph) -> object:
        return self.inside(graph)


def test_foreign_models_need_no_hook() -> None:
    model = Foreign().eval()
    assert list(capture(model, molecule()))
    assert check(model, molecule(), elements=2).passed

"""Do the verbs that run a copy in float64 work for a network whose `prepare` makes float32, whatever it computes in?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch

import equiviz
from equiviz.explain.errors import BlindSpotError, CounterfactualError
from equiviz.explain.function_of_positions import FunctionOfPositions
from equiviz.features.model_input import prepared
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.report import Report
from tests.explain.own_network import OwnNetwork, SingleInside, UsualZeros, molecule

VERBS: dict[str, Callable[[EquivariantModel], Report]] = {
    "blind_spots": lambda model: equiviz.blind_spots(model, stages=["lin"], unrelated=2, progress=False),
    "find_blind_spot": lambda model: equiviz.find_blind_spot(
        model, molecule(), "lin", at=0, attempts=1, steps=3, progress=False
    ),
    "unseen_directions": lambda model: equiviz.unseen_directions(model, molecule(), "lin", at=0),
    "counterfactual": lambda model: equiviz.counterfactual(model, molecule(), 0.01, at="all", descriptors=(), steps=5),
}


@pytest.mark.parametrize("kind", [OwnNetwork, UsualZeros])
@pytest.mark.parametrize("verb", VERBS)
def test_a_network_without_a_word_about_types(verb: str, kind: type[OwnNetwork]) -> None:
    assert VERBS[verb](kind()).describe()
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("verb", VERBS)
def test_a_forward_that_is_float32_for_good_is_refused_with_a_sentence(verb: str) -> None:
    with pytest.raises((BlindSpotError, CounterfactualError), match="SingleInside does not run in float64, and"):
        VERBS[verb](SingleInside())
    assert torch.get_default_dtype() == torch.float32  # also after an error


@pytest.mark.parametrize("kind", [OwnNetwork, UsualZeros])
def test_check_runs_its_copy_too(kind: type[OwnNetwork]) -> None:
    report = equiviz.check(kind(), molecule(), elements=2, wide=0)
    assert report.passed
    assert "No float64 copy" not in " ".join(report.notes)


def test_check_says_where_no_copy_runs() -> None:
    report = equiviz.check(SingleInside(), molecule(), elements=2, wide=0)
    assert "No float64 copy was run beside it: it does not run (RuntimeError" in " ".join(report.notes)


def test_what_was_only_rounded_comes_back_unrounded() -> None:
    structure, cell = molecule(), 7.3 * torch.eye(3, dtype=torch.float64)
    charge = Field(torch.tensor([[0.1], [0.2], [0.3], [0.4], [0.5]], dtype=torch.float64), "0e", "node")
    pulled = Field(torch.tensor([[0.1, 0.2, 0.3]], dtype=torch.float64), "1o", "graph")
    carrying = Structure(
        structure.positions, structure.species, cell, (True, True, True),
        node={"charge": charge}, graph={"pull": pulled},
    )  # fmt: skip
    graph = prepared(OwnNetwork().double(), [carrying, carrying])
    assert isinstance(graph, Graph)
    assert torch.equal(graph.positions, torch.cat([structure.positions] * 2))
    assert graph.cells is not None
    assert torch.equal(graph.cells[1], cell)
    assert torch.equal(graph.node["charge"].values[:5], charge.values)
    assert torch.equal(graph.graph["pull"].values[:1], pulled.values)
    rounded = prepared(OwnNetwork(), carrying)  # the control: the network's own precision stays
    assert isinstance(rounded, Graph)
    assert rounded.positions.dtype == torch.float32


def test_what_prepare_changed_is_only_cast() -> None:
    class Shifted(OwnNetwork):
        def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
            made = super().prepare(structures)
            return replace(made, positions=made.positions + 1)

    graph = prepared(Shifted().double(), molecule())
    assert isinstance(graph, Graph)
    assert torch.equal(graph.positions, (molecule().positions.float() + 1).double())


def test_slopes_are_those_of_finite_differences() -> None:
    function = FunctionOfPositions.of(OwnNetwork(), molecule(), refusal=BlindSpotError)
    moving = function.start.clone().requires_grad_()
    energy = function.at(moving)["output.energy"].values.sum()
    assert energy.dtype == torch.float64
    (slope,) = torch.autograd.grad(energy, moving)
    step = torch.zeros_like(moving)
    step[1, 0] = 1e-5
    ends = [function.seen_at(function.start + sign * step)["output.energy"].values.sum() for sign in (1, -1)]
    # A step of 1e-5 leaves 1e-10 of curvature and 1e-11 of rounding; positions in float32 would leave 1e-2.
    assert float((ends[0] - ends[1]) / 2e-5) == pytest.approx(float(slope[1, 0]), rel=1e-7)

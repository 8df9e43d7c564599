"""Is every verb of a model that gives NaN, or that knows no gradients, refused with a sentence that says so?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

import equiviz
from equiviz.explain.errors import (
    AttributionError,
    BlindSpotError,
    CounterfactualError,
    InterventionError,
    SymmetryBreakingError,
)
from equiviz.explain.finite import refuse_not_finite
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.errors import EquivizError
from equiviz.symmetry.field import Field
from tests.explain.own_network import Detached, OwnNetwork, molecule, spoiled

Verb = Callable[[nn.Module, Structure], object]
BROKEN = Field(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), "1o", "node")
VERBS: dict[str, tuple[type[EquivizError], Verb]] = {
    "steer": (InterventionError, lambda model, x: equiviz.steer(model, x, "lin", "1o", scale=0.5)),
    "patch": (InterventionError, lambda model, x: equiviz.patch(model, moved(), x, "lin")),
    "patch, of the source": (InterventionError, lambda model, x: equiviz.patch(model, x, moved(), "lin")),
    "attribute": (AttributionError, lambda model, x: equiviz.attribute(model, x, at=0, steps=4)),
    "stages": (AttributionError, lambda model, x: equiviz.attribute(model, x, at=0, to="stages", steps=4)),
    "body_orders": (AttributionError, lambda model, x: equiviz.body_orders(model, x, at=0)),
    "radial_and_angular": (AttributionError, lambda model, x: equiviz.radial_and_angular(model, x, at=0, draws=2)),
    "blind_spots": (BlindSpotError, lambda model, x: equiviz.blind_spots(model, unrelated=2, progress=False)),
    "find_blind_spot": (BlindSpotError, lambda model, x: equiviz.find_blind_spot(model, x, "lin", progress=False)),
    "unseen_directions": (BlindSpotError, lambda model, x: equiviz.unseen_directions(model, x, "lin")),
    "counterfactual": (CounterfactualError, lambda model, x: equiviz.counterfactual(model, x, 0.1, at=0)),
    "symmetry_breaking": (SymmetryBreakingError, lambda model, x: equiviz.symmetry_breaking(model, x, BROKEN)),
}
SLOPES: dict[str, str] = {
    "attribute": "No gradient reaches the input of Detached from this output",
    "stages": "No gradient of this prediction of Detached reaches any stage: the model detaches it",
    "paths": "No gradient of this prediction of Detached reaches a product of typed tensors",
    "relevance": "No gradient of this prediction of Detached reaches a stage or product",
    "find_blind_spot": "No gradient of stage 'lin' reaches the positions: it does not depend on them, or the model",
    "unseen_directions": "No gradient of stage 'lin' reaches the positions",
    "counterfactual": "its gradient does not reach them: the model leaves autograd on the way",
    "symmetry_breaking": "The loss depends on nothing that can be differentiated",
}
INSIDE: dict[str, tuple[type[EquivizError], Verb]] = {
    "paths": (AttributionError, lambda model, x: equiviz.attribute(model, x, at=0, to="paths", steps=4)),
    "relevance": (
        AttributionError,
        lambda model, x: equiviz.attribute(model, x, at=0, to="stages", method="relevance"),
    ),
}


def moved() -> Structure:
    structure = molecule()
    return replace(structure, positions=structure.positions * 1.05)


@pytest.mark.parametrize("verb", {**VERBS, **INSIDE})
def test_weights_that_are_no_numbers_are_refused(verb: str) -> None:
    error, ask = {**VERBS, **INSIDE}[verb]
    with pytest.raises(error, match=r"values of '[\w.]+' are not finite \(NaN or infinity\)"):
        ask(spoiled(), molecule())


@pytest.mark.parametrize("verb", SLOPES)
def test_a_model_without_gradients_is_refused(verb: str) -> None:
    error, ask = {**VERBS, **INSIDE}[verb]
    with pytest.raises(error, match=SLOPES[verb]):
        ask(Detached(), molecule())


@pytest.mark.parametrize("verb", ["steer", "patch", "body_orders", "stages"])
def test_the_control_passes(verb: str) -> None:
    VERBS[verb][1](OwnNetwork(), molecule())


class Averaged(OwnNetwork):
    """Divides by the number of neighbours: NaN where there is none."""

    def sums(self, graph: Graph, messages: torch.Tensor) -> torch.Tensor:
        return super().sums(graph, messages) / torch.bincount(graph.receivers, minlength=len(graph))[:, None]


class Divided(OwnNetwork):
    """Divides the energy by the size of a stage: NaN where a steering takes it away."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        found = super().forward(graph)
        return {"energy": found["energy"].with_values(found["energy"].values / found["energy"].values.abs().sum())}


def test_without_neighbours() -> None:
    with pytest.raises(
        AttributionError, match=r"with edges taken away, .* give NaN or infinity: does the model divide"
    ):
        equiviz.body_orders(Averaged(), molecule(), at=0)


@pytest.mark.parametrize("irreps", ["0e"])
def test_what_an_intervention_spoils(irreps: str) -> None:
    with pytest.raises(InterventionError, match="were finite before the intervention: the model divides by"):
        equiviz.steer(Divided(), molecule(), "out", irreps, scale=0.0)


def test_the_first_stage_is_named() -> None:
    good, bad = (Field(torch.full((2, 1), value), "0e", "node") for value in (1.0, torch.nan))
    recorded = {"a": good, "b": bad, "c": bad}
    with pytest.raises(AttributionError, match=r"2 of 2 values of 'c' .* the first stage where they appear is 'b'"):
        refuse_not_finite(recorded, AttributionError, ["c"])
    refuse_not_finite(recorded, AttributionError, ["a"])

"""Targets in standard units, loss, score, augmentation: do they say what they should?"""

from __future__ import annotations

import pytest
import torch

from equiviz.models.bapst import Bapst, BapstConfig
from equiviz.symmetry.field import Field
from equiviz.training.errors import TrainingError
from equiviz.training.glass_task import (
    GlassObjective,
    examples,
    random_turn,
    relative_to_inherent,
    standardised,
    target,
    time_columns,
)
from tests.training.liquids import liquid

TIMES = (1.0, 10.0)


def test_standard_units_are_per_species_and_column() -> None:
    values, species = torch.randn(40, 2, dtype=torch.float64) * 7 + 3, torch.tensor([1] * 30 + [2] * 10)
    out = standardised(values, species)
    for kind in (1, 2):
        own = out[species == kind]
        torch.testing.assert_close(own.mean(0), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)
        torch.testing.assert_close(own.std(0, correction=0), torch.ones(2, dtype=torch.float64), rtol=1e-12, atol=0)
    assert float(standardised(torch.ones(5, 1), torch.ones(5)).abs().max()) == 0.0


def test_a_perfect_prediction_has_no_loss_and_score_one() -> None:
    wanted = target(liquid(0), TIMES)
    outputs = {"propensity": Field(wanted.propensity, "2x0e", "node")}
    assert float(GlassObjective().loss(outputs, wanted)) == 0.0
    assert GlassObjective().score(outputs, wanted) == pytest.approx(1.0, abs=1e-12)
    assert wanted.displacement is not None
    outputs["displacement"] = Field(wanted.displacement.flatten(1), "2x1o", "node")
    vectors_only = GlassObjective(vector_weight=1.0, scalar_weight=0.0)
    assert float(vectors_only.loss(outputs, wanted)) == 0.0
    assert vectors_only.score(outputs, wanted) == pytest.approx(1.0, abs=1e-12)


def test_vectors_are_asked_only_of_models_that_have_them() -> None:
    wanted = target(liquid(0), TIMES)
    outputs = {"propensity": Field(wanted.propensity, "2x0e", "node")}
    with pytest.raises(TrainingError, match=r"predicts propensity, but no 'displacement'"):
        GlassObjective(vector_weight=1.0, scalar_weight=0.0).loss(outputs, wanted)
    assert float(GlassObjective(vector_weight=1.0).loss(outputs, wanted)) == 0.0


def test_vectors_lead_from_the_inherent_position() -> None:
    configuration = liquid(0)
    assert configuration.mean_displacement is not None
    inherent = configuration.structure.positions + configuration.structure.node["inherent_displacement"].values
    later = configuration.structure.positions + configuration.mean_displacement
    torch.testing.assert_close(relative_to_inherent(configuration), later - inherent, rtol=0, atol=1e-12)


def test_a_turn_moves_edges_and_vectors_together() -> None:
    model = Bapst(BapstConfig(times=TIMES, width=8, steps=1)).double()
    (example,) = examples(model, [liquid(0)], TIMES)
    torch.manual_seed(0)
    graph, turned = random_turn(example.graph, example.target)
    assert turned.displacement is not None
    assert example.target.displacement is not None
    assert not torch.allclose(graph.edge_vectors, example.graph.edge_vectors)
    torch.testing.assert_close(graph.edge_vectors.norm(dim=1), example.graph.edge_vectors.norm(dim=1))
    first, second = graph.edge_index[:, 0]
    before = example.graph.edge_vectors[0] @ example.target.displacement[first, 0]
    # the angle between an edge and a target survives the common rotation
    torch.testing.assert_close(graph.edge_vectors[0] @ turned.displacement[first, 0], before, rtol=1e-9, atol=1e-10)
    assert torch.equal(turned.propensity, example.target.propensity)
    assert int(second) < len(graph)


def test_times_are_found_within_ten_percent_or_refused() -> None:
    assert time_columns(liquid(0), (10.5, 1.0)) == [1, 0]
    with pytest.raises(TrainingError, match=r"liquid_0 has no data at t = 3 \(within 10 %\); it has 1, 10"):
        time_columns(liquid(0), (3.0,))

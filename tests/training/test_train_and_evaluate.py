"""From configurations to saved weights to scores: does the whole way hold together?"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.models.bapst import Bapst, BapstConfig
from equiviz.models.configuration import write_config
from equiviz.models.registry import family
from equiviz.symmetry.field import Field
from equiviz.symmetry.irreps import Irreps
from equiviz.training.checkpoint import Manifest, load_checkpoint, save_checkpoint
from equiviz.training.errors import CheckpointError, TrainingError, UnknownWeights
from equiviz.training.evaluate import evaluate
from equiviz.training.evaluation_report import EvaluationReport, Score
from equiviz.training.load import Ensemble, load, manifest_of, shipped_names
from equiviz.training.train import Plan, fit, plan_from, save_trained, split, train
from tests.training.liquids import liquid

SMALL = {"width": 8, "steps": 2}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path / "cache"))


def test_train_save_load_evaluate(tmp_path: Path) -> None:
    data = [liquid(seed, run=seed) for seed in range(4)]
    trained = train("bapst", data, tmp_path / "out", seed=1, epochs=2, config=SMALL, progress=False)
    assert "Saved in" in trained.describe()
    model = load(tmp_path / "out")
    assert isinstance(model, Bapst)
    assert model.config == BapstConfig(times=(1.0, 10.0), species=(1, 2), width=8, steps=2)
    manifest = manifest_of(model)
    assert manifest is not None
    assert manifest.data["configurations"] == [c.name for c in data]
    assert (manifest.seeds, manifest.recipe["epochs"]) == ((1,), 2)
    again = evaluate(model, data[3:])
    assert trained.report is not None
    assert again.to_dict()["rho"] == trained.report.to_dict()["rho"]


def test_an_ensemble_predicts_the_mean_of_its_members(tmp_path: Path) -> None:
    data = [liquid(seed) for seed in range(3)]
    plan = Plan(recipe=plan_from({"epochs": 1}).recipe, members=2)
    trained = fit(family("bapst"), {**SMALL, "times": [1.0, 10.0]}, data[:2], data[2:], plan)
    save_trained(tmp_path, trained.model, plan, None, data, data)
    model = load(tmp_path)
    assert isinstance(model, Ensemble)
    assert model.group == "none"
    assert all(name.startswith(("member0.", "member1.")) for name in model.stages())
    graph = model.prepare(data[0].structure)
    own = [member(graph)["propensity"].values for member in model.members]
    assert not torch.equal(own[0], own[1])
    torch.testing.assert_close(model(graph)["propensity"].values, (own[0] + own[1]) / 2)


def test_what_users_should_know_travels_with_the_weights(tmp_path: Path) -> None:
    data, sentence = [liquid(0)], "It was trained on a Tuesday."
    model = Bapst(BapstConfig(times=(1.0, 10.0), width=8, steps=1))
    assert sentence not in repr(model)
    model.note = sentence
    save_trained(tmp_path, model, Plan(), None, data, data)
    back = load(tmp_path)
    assert back.note == sentence
    assert sentence in repr(back)
    report = evaluate(tmp_path, data)
    assert report.describe().endswith(sentence)
    assert report.to_dict()["note"] == sentence


CAGED = {
    "cage_temperature": 0.3,
    "surroundings": 1078,
    "local": 4,
    "scalars": 2,
    "vectors": 2,
    "layers": 1,
    "width": 4,
    "products": 2,
    "pooled": 4,
    "rounds": [1],
}


def caged_liquid(seed: int) -> GlassConfiguration:
    """A made-up liquid that carries all that glassy reads, cages too, so that nothing is simulated."""
    known, draw = liquid(seed), torch.Generator().manual_seed(seed)
    structure = known.structure
    carried = {"inherent_energy": "1x0e", "cage_displacement": "1x1o", "cage_spread": "2x0e", "surroundings": "1078x0e"}
    for name, irreps in carried.items():
        values = torch.randn(len(structure), Irreps(irreps).dim, generator=draw, dtype=torch.float64)
        structure = structure.with_node(name, Field(0.1 * values, irreps, "node"))
    return replace(known, structure=structure)


def test_a_model_that_reads_cages_says_so_wherever_it_goes(tmp_path: Path) -> None:
    data = [caged_liquid(seed) for seed in range(3)]
    trained = train("glassy", data, tmp_path / "out", epochs=1, config=CAGED, progress=False)
    words = "reads a short simulation of its own (cages: 4 runs of 4.5 time units at T = 0.3), not structure alone"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert words in manifest["note"]
    assert trained.report is not None
    assert trained.describe().count(words) == 1
    assert words in manifest["scores"]["note"]
    assert manifest["note"] == trained.model.note == load(tmp_path / "out").note


def test_a_model_of_structure_alone_has_no_such_note(tmp_path: Path) -> None:
    data, model = [caged_liquid(0)], family("glassy").build({**CAGED, "cage_temperature": 0.0, "surroundings": 1022})
    save_trained(tmp_path, model, Plan(), None, data, data)
    assert "note" not in json.loads((tmp_path / "manifest.json").read_text())
    assert load(tmp_path).note == ""


def test_an_ensemble_has_the_note_of_its_members(tmp_path: Path) -> None:
    data, members = [caged_liquid(0)], [family("glassy").build(CAGED) for _ in range(2)]
    ensemble = Ensemble(members)
    assert ensemble.note == members[0].note != ""
    assert ensemble.fresh().note == ensemble.note
    save_trained(tmp_path, ensemble, Plan(), None, data, data)
    assert load(tmp_path).note == ensemble.note
    members[1].note = "It was trained on a Tuesday."
    assert Ensemble(members).note == f"{members[0].note} It was trained on a Tuesday."


def test_weights_saved_without_a_note_get_that_of_their_configuration(tmp_path: Path) -> None:
    model = family("glassy").build(CAGED)
    save_checkpoint(tmp_path, model, Manifest("glassy", write_config(model.config)))
    assert "note" not in json.loads((tmp_path / "manifest.json").read_text())
    assert load(tmp_path).note == model.note != ""


def test_an_ensemble_of_different_networks_is_refused() -> None:
    with pytest.raises(CheckpointError, match="all of one family and configuration"):
        Ensemble([Bapst(BapstConfig(width=8)), Bapst(BapstConfig(width=16))])


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(
        UnknownWeights, match=rf"no weights called 'nonsense'.*Shipped: {', '.join(shipped_names()) or 'none'}"
    ):
        load("nonsense")


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    data = [liquid(0)]
    model = Bapst(BapstConfig(width=8, times=(1.0, 10.0)))
    save_trained(tmp_path, model, Plan(), None, data, data)
    saved = load_checkpoint(tmp_path)
    save_checkpoint(tmp_path, saved.states[0], replace(saved.manifest, config={**saved.manifest.config, "width": 16}))
    with pytest.raises(CheckpointError, match="do not fit a network of family 'bapst'"):
        load(tmp_path)


def test_the_report_has_stable_keys_and_plain_json() -> None:
    report = evaluate(Bapst(BapstConfig(times=(1.0, 10.0), width=8, steps=1)), [liquid(0), liquid(1)], name="fresh")
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert set(document) == {"model", "data", "rho", "configurations"}
    assert (document["model"], document["configurations"]) == ("fresh", 2)
    assert set(document["rho"]) == {"A", "B"}
    assert set(document["rho"]["A"]) == {"1", "10"}
    cell = document["rho"]["A"]["1"]
    assert set(cell) == {"mean", "standard_error", "low", "high", "ceiling", "per_configuration"}
    assert set(cell["per_configuration"]) == {"liquid_0", "liquid_1"}
    assert cell["ceiling"] == pytest.approx(1.0)  # both halves of the toy replicas are equal
    assert cell["mean"] == pytest.approx(sum(cell["per_configuration"].values()) / 2, abs=1e-6)
    assert len(report.to_frame()) == 8
    assert "type B, t = 10" in report.describe()
    report.figure()


def test_rho_is_averaged_over_configurations_not_pooled() -> None:
    report = EvaluationReport(
        "m", "d", [Score("A", 1.0, "x", 0.2), Score("A", 1.0, "y", 0.6), Score("B", 1.0, "x", math.nan)]
    )
    assert report.rho("A").mean == pytest.approx(0.4)
    cells = report.to_dict()["rho"]
    assert isinstance(cells, dict)
    assert cells["B"]["1"]["mean"] is None


def test_times_that_do_not_meet_are_refused_and_single_times_are_trusted() -> None:
    with pytest.raises(
        TrainingError, match=r"The model predicts t = 5, 50, but liquid_0 has t = 1, 10: no time in common"
    ):
        evaluate(Bapst(BapstConfig(times=(5.0, 50.0), width=8, steps=1)), [liquid(0)])
    report = evaluate(Bapst(BapstConfig(times=(5.0,), width=8, steps=1)), [liquid(0, times=(1.0,))])
    assert report.describe().endswith("The model was trained at t = 5, the data are at t = 1.")


def test_a_liquid_of_one_type_has_the_ceiling_of_that_type() -> None:
    glass = liquid(0)
    only_b = replace(glass, structure=replace(glass.structure, species=torch.full_like(glass.species, 2)))
    report = evaluate(Bapst(BapstConfig(times=(1.0, 10.0), width=4, steps=1)), [only_b])
    assert report.kinds() == ["B"]
    assert report.ceiling("B", 1.0) == pytest.approx(1.0)  # both halves of a made-up liquid are equal


def test_validation_is_cut_along_runs() -> None:
    inside, held = split([liquid(seed, run=seed // 2) for seed in range(10)])
    assert {c.run for c in inside}.isdisjoint({c.run for c in held})
    assert len(held) == 2
    inside, held = split([liquid(seed) for seed in range(10)])
    assert (len(inside), len(held)) == (8, 2)
    assert split([liquid(0)])[1] == []


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to train on"):
        train("bapst", [], tmp_path)
    with pytest.raises(TrainingError, match="nothing to evaluate on"):
        evaluate(Bapst(BapstConfig()), [])


def test_configurations_that_state_their_times_take_no_other(tmp_path: Path) -> None:
    words = r"time=7.5 is for a folder of BOTAN files; these configurations state their times"
    with pytest.raises(TrainingError, match=words):
        train("bapst", [liquid(0)], tmp_path, time=7.5)
    with pytest.raises(TrainingError, match=words):
        evaluate(Bapst(BapstConfig()), [liquid(0)], time=7.5)


def test_a_plan_knows_its_settings() -> None:
    plan = plan_from({"epochs": 3, "turn": True, "vector_weight": 0.5})
    assert (plan.recipe.epochs, plan.turn, plan.objective.vector_weight) == (3, True, 0.5)
    with pytest.raises(TrainingError, match="No training has a setting speed"):
        plan_from({"speed": 1})

"""From configurations to saved weights to scores: does the whole way hold together?"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.datasets.errors import DatasetError
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
from equiviz.training.glass_training import Plan, fit, plan_from, save_trained, split
from equiviz.training.load import Ensemble, load, manifest_of, shipped_names
from equiviz.training.train import train
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
    assert manifest.data["configurations"] == [c.name for c in data[:3]]
    assert manifest.data["validation"] == [data[3].name]
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
    told = report.to_dict()["note"]
    assert report.describe().endswith(told)
    assert told == f"1 of 1 configurations were trained on: these scores flatter the model. {sentence}"


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
    assert (ensemble.title, load(tmp_path).title) == ("glassy (ensemble of 2)", f"{tmp_path.name} (ensemble of 2)")
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
    assert set(document) == {"model", "data", "rho", "configurations", "time_unit"}
    assert document["time_unit"] == "LJ time units"
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
    with pytest.raises(TrainingError, match="nothing to train on: expected at least one configuration, got an empty"):
        train("bapst", [], tmp_path)
    with pytest.raises(TrainingError, match="nothing to evaluate on: expected at least one configuration"):
        evaluate(Bapst(BapstConfig()), [])


@pytest.mark.parametrize("count", [1, 2])
def test_a_training_without_validation_is_refused_beforehand(tmp_path: Path, count: int) -> None:
    with pytest.raises(TrainingError, match=rf"nothing to validate on: {count} configurations? came, and at least 3"):
        train("bapst", [liquid(seed) for seed in range(count)], tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_two_runs_are_enough_and_a_closed_form_needs_no_validation(tmp_path: Path) -> None:
    two = [liquid(seed, run=seed) for seed in range(2)]
    report = train("bapst", two, tmp_path / "two", epochs=1, config=SMALL, progress=False).report
    assert report is not None
    one = [liquid(0, count=400)]  # in a box that is large enough for its potential
    settings = {"rounds": [1], "lmax": 0}
    assert train("ridge", one, tmp_path / "one", config=settings, progress=False).report is None


def test_scores_on_what_was_trained_on_say_so(tmp_path: Path) -> None:
    data = [liquid(seed) for seed in range(6)]
    trained = train("bapst", data[:5], tmp_path / "out", epochs=1, config=SMALL, progress=False)
    assert trained.report is not None
    assert "1 of 1 chose the epoch: these scores flatter the model" in trained.report.note
    found = evaluate(tmp_path / "out", data)
    words = "4 of 6 configurations were trained on, 1 of 6 chose the epoch: these scores flatter the model."
    assert found.note == found.to_dict()["note"] == words
    assert found.describe().endswith(words)
    namesake = replace(data[5], structure=replace(data[5].structure, name=data[0].name))
    assert evaluate(tmp_path / "out", [namesake]).note == ""


def test_weights_without_fingerprints_are_told_by_name_and_temperature() -> None:
    model = Bapst(BapstConfig(times=(1.0, 10.0), width=8, steps=1))
    model.manifest = Manifest("bapst", data={"configurations": ["liquid_0", "liquid_1"], "temperature": 0.5})
    report = evaluate(model, [liquid(0), liquid(2)])
    assert report.note.startswith("1 of 2 configurations were trained on (by name and temperature)")
    assert evaluate(model, [replace(liquid(0), temperature=0.7)]).note == ""


def test_the_shipped_weights_know_the_training_split() -> None:
    from equiviz.datasets.glass.shipped import load_shipped
    from equiviz.training.overlap import overlap_note

    manifest = manifest_of(load("glassy-T056"))
    assert overlap_note(manifest, load_shipped("train")).startswith("40 of 40 configurations were trained on")
    assert overlap_note(manifest, load_shipped("test")) == ""


def test_a_model_that_was_just_trained_knows_its_times(tmp_path: Path) -> None:
    data = [caged_liquid(seed) for seed in range(3)]
    trained = train("glassy", data, tmp_path / "out", epochs=1, config=CAGED, progress=False)
    assert trained.report is not None
    assert "does not say its times" not in trained.report.note


def test_cages_bring_the_sizes_that_they_need(tmp_path: Path) -> None:
    data = [caged_liquid(seed) for seed in range(3)]
    chosen = {name: value for name, value in CAGED.items() if name not in ("surroundings", "local")}
    trained = train("glassy", data, tmp_path / "out", epochs=1, config=chosen, progress=False)
    assert (trained.model.config.surroundings, trained.model.config.local) == (1078, 154)


def test_a_network_without_surroundings_can_be_trained(tmp_path: Path) -> None:
    data = [caged_liquid(seed) for seed in range(3)]
    settings = {**CAGED, "surroundings": 0, "cage_temperature": 0.0}
    trained = train("glassy", data, tmp_path / "out", epochs=1, config=settings, progress=False)
    assert trained.report is not None
    assert load(tmp_path / "out").config == trained.model.config


def write(path: Path, seeds: range) -> None:
    """A folder of configurations in BOTAN's format."""
    rng = np.random.default_rng(0)
    path.mkdir(parents=True)
    for seed in seeds:
        known = liquid(seed)
        start = known.structure.positions.numpy()
        moved = start + rng.normal(0, 0.3, (4, len(start), 3))
        kinds = (known.species.numpy() - 1).astype(np.int8)
        np.savez(path / f"mine_{seed}_T0.5_tc07.npz", types=kinds, initial_positions=start, positions=moved)


def test_a_folder_with_splits_is_trained_and_validated_on_them(tmp_path: Path) -> None:
    write(tmp_path / "data" / "train", range(2))
    write(tmp_path / "data" / "validation", range(2, 3))
    write(tmp_path / "data" / "test", range(3, 4))
    trained = train("bapst", tmp_path / "data", tmp_path / "out", epochs=1, config=SMALL, progress=False, time=10.0)
    manifest = manifest_of(load(tmp_path / "out"))
    assert manifest is not None
    assert (len(manifest.data["configurations"]), len(manifest.data["validation"])) == (2, 1)  # type: ignore[arg-type]
    assert trained.report is not None
    with pytest.raises(
        DatasetError, match=r"in the folder itself; there are some in test, train, validation: give one"
    ):
        evaluate(tmp_path / "out", tmp_path / "data", time=10.0)


def test_one_configuration_may_come_alone_and_a_structure_has_nothing_to_compare_with() -> None:
    model, one = Bapst(BapstConfig(times=(1.0, 10.0), width=8, steps=1)), liquid(0)
    assert evaluate(model, one).to_dict() == evaluate(model, [one]).to_dict()
    for wrong in (one.structure, [one.structure]):
        with pytest.raises(
            TrainingError, match=r"To evaluate, .*but Structure came. Structures alone go to model.predict"
        ):
            evaluate(model, wrong)  # type: ignore[arg-type]


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

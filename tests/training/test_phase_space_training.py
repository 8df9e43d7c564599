"""Learning motions in phase space: does it learn, is augmentation the group's, does it go on, is it what ships?"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.phase_space.motion_file import write_motions
from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS, TIME
from equiviz.models.registry import Family, family
from equiviz.structures.phase_space import FIELD, STATE
from equiviz.symmetry import haar_unitaries, hermitian_matrices
from equiviz.training import phase_space_training
from equiviz.training.bundle import read_bundle
from equiviz.training.errors import TrainingError
from equiviz.training.evaluate import evaluate
from equiviz.training.load import load, manifest_of
from equiviz.training.loop import History
from equiviz.training.motion_report import MotionReport, evaluate_motions
from equiviz.training.phase_space_training import (
    MotionObjective,
    glued,
    motion_examples,
    motion_training,
    system_settings,
    train_phase_space,
    turned,
    turned_at_random,
)
from equiviz.training.recipe import Recipe
from equiviz.training.seeds import seeded
from equiviz.training.trained_network import TrainedNetwork
from tests.training.interruptions import same_weights, stopping, without_memory

UNITARY = family("unitary")
SMALL = {"layers": 1, "hidden": 4, "channels": 4}
RECIPE = Recipe(epochs=8, learning_rate=1e-2, schedule="cosine", batch=64, optimiser="adam", keep="last")


def history(augment: bool = False, motions: int = 64) -> History:
    with seeded(0):
        model = UNITARY.build(system_settings("oscillators") | {"layers": 1, "hidden": 16})
    training, validation = Motions.make("oscillators", "train", motions), Motions.make("oscillators", "validation", 8)
    return motion_training(model, training, validation, RECIPE, augment=augment, progress=False).run()


def test_a_turned_motion_is_a_motion() -> None:
    charges = SYSTEMS["charges"]
    before, elements = Motions.make("charges", "train", 3), haar_unitaries(3, 2, 0)
    states, after = turned(before.inputs, before.after.flatten(1), elements)
    b = hermitian_matrices(states.fields[FIELD].values, 2)
    moved = charges.flow(states.fields[STATE].values.unflatten(1, (4, 2)), TIME, b).flatten(1)
    torch.testing.assert_close(moved, after, rtol=0, atol=1e-12)
    unturned_field = hermitian_matrices(before.inputs.fields[FIELD].values, 2)
    other = charges.flow(states.fields[STATE].values.unflatten(1, (4, 2)), TIME, unturned_field).flatten(1)
    assert (other - after).abs().max() > 0.01  # the control: a field that stays behind


def test_augmentation_turns_each_motion_by_an_element_of_its_own() -> None:
    batch = glued(motion_examples(Motions.make("charges", "train", 6)))
    with seeded(1):
        states, after = turned_at_random(batch.graph, batch.target)
        again, _ = turned_at_random(batch.graph, batch.target)
    b = hermitian_matrices(states.fields[FIELD].values, 2)  # type: ignore[attr-defined]
    before = states.fields[STATE].values.unflatten(1, (4, 2))  # type: ignore[attr-defined]
    moved = SYSTEMS["charges"].flow(before, TIME, b).flatten(1)
    torch.testing.assert_close(moved, after, rtol=0, atol=1e-12)
    first = batch.graph.fields[STATE].values.unflatten(1, (4, 2))  # type: ignore[attr-defined]
    elements = torch.linalg.lstsq(first, before).solution.mT  # [6, 2, 2]
    apart = (elements[:, None] - elements[None]).abs().sum((2, 3)) + torch.eye(6)
    assert apart.min() > 1e-3
    assert not torch.equal(states.fields[STATE].values, again.fields[STATE].values)  # type: ignore[attr-defined]


def test_training_learns_and_repeats() -> None:
    first, again = history(), history()
    assert [record.loss for record in first.records] == [record.loss for record in again.records]
    assert first.records[-1].loss < 0.7 * first.records[0].loss
    assert first.records[-1].score > first.records[0].score
    turning = [record.loss for record in history(augment=True).records]
    assert turning[0] != first.records[0].loss or turning[-1] != first.records[-1].loss


def test_a_step_of_many_motions_has_the_loss_of_all_of_them() -> None:
    """Over one sum of squares, so that small states do not count more than large ones."""
    motions, objective = Motions.make("oscillators", "train", 5), MotionObjective()
    with seeded(0):
        model = UNITARY.build(system_settings("oscillators")).double()
    batch = glued(motion_examples(motions))
    loss = objective.loss(model(batch.graph), batch.target).detach()
    assert float(loss) ** 0.5 == pytest.approx(evaluate_motions(model, motions).error(), rel=1e-12)
    assert objective.score(model(batch.graph), batch.target) == pytest.approx(-(float(loss) ** 0.5), rel=1e-12)
    alone = [objective.score(model(one.graph), one.target) ** 2 for one in motion_examples(motions)]
    assert sum(alone) / 5 != pytest.approx(float(loss), rel=1e-3)  # the control


@pytest.mark.parametrize("finished", [1, 2])
def test_a_stopped_training_goes_on_where_it_was(
    tmp_path: Path, finished: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase_space_training, "TRAINING", 256)

    def trained_in(folder: str, own: Family = UNITARY) -> TrainedNetwork:
        return train_phase_space(own, "charges", tmp_path / folder, epochs=4, config=SMALL, progress=False)

    whole = trained_in("whole")
    for folder in ("parts", "forgetful"):
        with pytest.raises(KeyboardInterrupt, match=f"Stopped after {finished} epochs; .*Run the same command"):
            trained_in(folder, stopping(UNITARY, finished))
        assert not (tmp_path / folder / "manifest.json").exists()
    stopped = read_bundle(tmp_path / "parts" / "state")[1]["records"]
    torch.rand(3)  # whatever happens between the two runs
    resumed = trained_in("parts")
    # Epochs that were done again would have taken another time.
    assert [repr(record.seconds) for record in resumed.history.records[:finished]] == [r["seconds"] for r in stopped]  # type: ignore[index, union-attr]
    assert same_weights(resumed.model, whole.model)
    assert same_weights(load(tmp_path / "parts"), load(tmp_path / "whole"))
    without_memory(tmp_path / "forgetful" / "state")
    assert not same_weights(trained_in("forgetful").model, whole.model)
    with pytest.raises(TrainingError, match=r"another recipe \(epochs: 4 then, 5 now\)"):
        train_phase_space(UNITARY, "charges", tmp_path / "parts", epochs=5, config=SMALL, progress=False)
    monkeypatch.setattr(phase_space_training, "TRAINING", 255)
    with pytest.raises(TrainingError, match="started on something else"):
        trained_in("parts")


def test_augmentation_is_drawn_again_alike_after_a_stop(tmp_path: Path) -> None:
    """Elements come from the generator that the loop saves."""
    sets = Motions.make("oscillators", "train", 64), Motions.make("oscillators", "validation", 8)

    def run(own: Family, folder: str) -> torch.nn.Module:
        with seeded(0):
            model = own.build(system_settings("oscillators") | SMALL)
        recipe = replace(RECIPE, epochs=3, batch=32)
        motion_training(model, *sets, recipe, folder=tmp_path / folder, augment=True, progress=False).run()
        return model

    whole = run(UNITARY, "whole")
    with pytest.raises(KeyboardInterrupt):
        run(stopping(UNITARY, 1), "parts")
    assert same_weights(run(UNITARY, "parts"), whole)


def test_a_training_is_saved_with_its_scores_on_unseen_motions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phase_space_training, "TRAINING", 128)
    out = tmp_path / "weights"
    result = train_phase_space(UNITARY, "charges", out, epochs=1, config=SMALL, progress=False)
    told = result.describe()
    assert "1 epochs in" in told
    assert "relative error of the state" in told
    assert f"Saved in {out}" in told
    model, motions = load(out), Motions.make("charges", "test", 512)
    assert model.config.field  # type: ignore[attr-defined]
    found = model.predict(motions.inputs)[STATE].values  # type: ignore[arg-type]
    torch.testing.assert_close(found, result.model(motions.inputs)[STATE].values.detach())
    manifest = manifest_of(model)
    assert manifest is not None
    assert manifest.scores["on"] == "512 test motions"
    true = motions.after.flatten(1)
    error = float((found - true).norm() / true.norm())
    assert manifest.scores["relative_error"] == pytest.approx(error, rel=1e-5)
    held = evaluate_motions(model, Motions.make("charges", "validation", 512)).error()
    assert manifest.scores["validation_relative_error"] == pytest.approx(held, rel=1e-5)
    assert not math.isclose(held, error, rel_tol=1e-4)  # the control: other motions


def test_an_unknown_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a system out of oscillators, charges, got 'planets'"):
        train_phase_space(UNITARY, "planets", tmp_path)


@pytest.mark.parametrize("system", ["oscillators", "charges"])
def test_shipped_weights_predict_what_their_manifest_says(system: str) -> None:
    model = load(f"unitary-{system}")
    manifest = manifest_of(model)
    assert manifest is not None
    scores = manifest.scores
    for split, key in (("test", "relative_error"), ("validation", "validation_relative_error")):
        found = evaluate_motions(model, Motions.make(system, split, 512)).error()  # type: ignore[arg-type]
        assert found == pytest.approx(scores[key], rel=1e-3)


def test_a_model_of_motions_is_scored_by_name() -> None:
    report = evaluate("unitary-charges", "charges")
    assert isinstance(report, MotionReport)
    assert report.error() < 0.1 < 0.5 < report.guess()
    assert "nothing moves" in report.describe()
    assert report.to_frame()["error"].max() < 0.2
    assert report.to_html()
    with pytest.raises(DatasetError, match=r"oscillators or charges, or an \.npz file of motions .*got 'planets'"):
        evaluate("unitary-charges", "planets")
    with pytest.raises(TrainingError, match="oscillators or charges, or motions, got int"):
        evaluate_motions(load("unitary-charges"), 3)


def test_motions_of_a_file_are_scored(tmp_path: Path) -> None:
    motions = Motions.make("charges", "test", 20)
    write_motions(tmp_path / "mine.npz", motions)
    report = evaluate("unitary-charges", tmp_path / "mine.npz")
    assert isinstance(report, MotionReport)
    assert report.error() == pytest.approx(evaluate_motions(load("unitary-charges"), motions).error(), rel=1e-12)
    assert report.describe().startswith("unitary-charges on mine.npz: 20 motions; relative error")

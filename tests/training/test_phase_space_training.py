"""Learning motions in phase space: does it learn, is augmentation the group's, can it be saved and shipped?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS, TIME
from equiviz.models.registry import family
from equiviz.structures.phase_space import STATE
from equiviz.symmetry import haar_unitaries, hermitian_matrices
from equiviz.training.errors import TrainingError
from equiviz.training.evaluate import evaluate
from equiviz.training.load import load
from equiviz.training.motion_report import MotionReport
from equiviz.training.phase_space_training import relative_error, system_settings, train_on_motions, turned
from equiviz.training.recipe import Recipe
from equiviz.training.train import train


def test_a_turned_motion_is_a_motion() -> None:
    charges = SYSTEMS["charges"]
    moved = turned(Motions.make("charges", "train", 3), haar_unitaries(3, 2, 0))
    assert moved.field is not None
    b = hermitian_matrices(moved.field, 2)
    torch.testing.assert_close(charges.flow(moved.before, TIME, b), moved.after, rtol=0, atol=1e-12)


def test_training_learns_and_repeats() -> None:
    training = Motions.make("oscillators", "train", 64)
    recipe = Recipe(epochs=8, learning_rate=1e-2, schedule="cosine", batch=64, optimiser="adam", keep="last")

    def trained() -> tuple[float, ...]:
        torch.manual_seed(0)
        model = family("unitary").build(system_settings("oscillators") | {"layers": 1, "hidden": 16})
        return train_on_motions(model, training, recipe)

    with torch.random.fork_rng(devices=[]):
        first, again = trained(), trained()
    assert first == again
    assert first[-1] < 0.7 * first[0]


def test_a_training_is_saved_and_loaded(tmp_path: Path) -> None:
    out = tmp_path / "weights"
    result = train("unitary", "charges", out, epochs=1, config={"hidden": 4, "layers": 1}, progress=False)
    assert "Relative error of the state" in result.describe()
    model, motions = load(out), Motions.make("charges", "test", 4)
    assert model.config.field  # type: ignore[attr-defined]
    found = model.predict(motions.inputs)[STATE].values  # type: ignore[arg-type]
    torch.testing.assert_close(found, result.model(motions.inputs)[STATE].values.detach())


def test_an_unknown_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="expected --data oscillators or charges, got 'planets'"):
        train("unitary", "planets", tmp_path)


@pytest.mark.parametrize("system", ["oscillators", "charges"])
def test_shipped_weights_predict_what_their_manifest_says(system: str) -> None:
    model = load(f"unitary-{system}")
    scores = model.manifest.scores  # type: ignore[union-attr]
    motions = Motions.make(system, "validation", 512)
    assert relative_error(model, motions) == pytest.approx(scores["relative_error"], rel=1e-3)


def test_a_model_of_motions_is_scored_by_name() -> None:
    report = evaluate("unitary-charges", "charges")
    assert isinstance(report, MotionReport)
    assert report.error() < 0.1 < 0.5 < report.guess()
    assert "nothing moves" in report.describe()
    assert report.to_frame()["error"].max() < 0.2
    assert report.to_html()
    with pytest.raises(TrainingError, match="oscillators or charges, got 'planets'"):
        evaluate("unitary-charges", "planets")

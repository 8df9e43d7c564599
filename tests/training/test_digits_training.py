"""Does a network learn digits on the sphere, and do symmetries of the icosahedron change nothing?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from equiviz.datasets.sphere.digits import embedded_digits
from equiviz.models.registry import Family, family
from equiviz.training.bundle import read_bundle
from equiviz.training.digits_training import DigitReport, evaluate_digits, read_digits, train_digits
from equiviz.training.errors import TrainingError
from equiviz.training.load import load
from equiviz.training.trained_network import TrainedNetwork
from tests.training.interruptions import same_weights, stopping, without_memory

SMALL = {"level": 2, "widths": [4, 6], "strides": [1, 2], "hidden": 16}


def test_it_learns_and_is_loaded(tmp_path: Path) -> None:
    few = embedded_digits()[:400]
    trained = train_digits(family("gauge_cnn"), few, tmp_path, epochs=16, config=SMALL, progress=False)
    assert trained.report.accuracy("N") > 0.4  # of ten classes
    assert trained.report.agree()
    known = evaluate_digits(load(tmp_path), few.part("test"))
    assert known.to_dict()["accuracy_N_N"] == trained.report.accuracy("N")
    assert "N/N" in trained.describe()


@pytest.mark.parametrize("finished", [1, 3])
def test_a_training_that_was_stopped_goes_on_bit_for_bit(tmp_path: Path, finished: int) -> None:
    own, few = family("gauge_cnn"), embedded_digits()[:100]

    def trained_in(folder: str, network: Family = own) -> TrainedNetwork:
        return train_digits(network, few, tmp_path / folder, epochs=5, config=SMALL, progress=False)

    whole = trained_in("whole")
    for folder in ("parts", "forgetful"):
        with pytest.raises(KeyboardInterrupt, match=f"Stopped after {finished} epochs; .*Run the same command"):
            trained_in(folder, stopping(own, finished))
        assert not (tmp_path / folder / "manifest.json").exists()
    resumed = trained_in("parts")
    assert same_weights(resumed.model, whole.model)
    assert [r.loss for r in resumed.history.records] == [r.loss for r in whole.history.records]
    without_memory(tmp_path / "forgetful" / "state")
    assert not same_weights(trained_in("forgetful").model, whole.model)


def test_a_network_may_be_trained_on_turned_digits(tmp_path: Path) -> None:
    few = embedded_digits()[:40]
    settings = {"epochs": 1, "config": SMALL, "progress": False, "copies": 3}
    turned = train_digits(family("gauge_cnn"), few, tmp_path / "R", turned="R", **settings)  # type: ignore[arg-type]
    assert list(turned.report.to_frame()["trained/tested"]) == ["R/N", "R/I", "R/R"]
    assert "R/R" in turned.describe()
    assert "accuracy_R_R" in evaluate_digits(load(tmp_path / "R"), few).to_dict()
    assert "84 examples" in str(read_bundle(tmp_path / "R" / "state")[1])  # three of each of 28
    plain = train_digits(family("gauge_cnn"), few, tmp_path / "N", **settings)  # type: ignore[arg-type]
    assert "accuracy_N_N" in plain.report.to_dict()
    assert "28 examples" in str(read_bundle(tmp_path / "N" / "state")[1])  # copies of unturned ones are not made
    assert not same_weights(turned.model, plain.model)


def test_a_report_tells_a_broken_symmetry() -> None:
    known, other = torch.tensor([1, 2, 3]), torch.tensor([1, 2, 4])
    report = DigitReport("a network", "pictures", known, {"N": known, "I": other, "R": other})
    assert not report.agree()
    assert "change 1 answers: the network breaks what it claims" in report.describe()
    assert report.to_frame()["changed"].tolist() == [0, 1, 1]
    assert "<html" in str(report.to_html())


def test_shipped_weights_recognise_what_their_manifest_says() -> None:
    model = load("gauge_cnn-digits")
    scores = model.manifest.scores  # type: ignore[union-attr]
    found = evaluate_digits(model, "digits")
    assert found.accuracy("N") == scores["accuracy_N_N"]
    assert found.agree()


def test_shipped_weights_of_mnist_recognise_what_their_manifest_says(real_data: Path) -> None:
    model = load("gauge_cnn-mnist")
    scores = model.manifest.scores  # type: ignore[union-attr]
    unseen = read_digits(real_data / "sphere").part("test")[:400]
    found = evaluate_digits(model, unseen)
    assert found.agree()
    # 400 of the 2,000 pictures of the manifest: three standard deviations of a share.
    share = float(scores["accuracy_N_N"])  # type: ignore[index]
    assert abs(found.accuracy("N") - share) < 3 * (share * (1 - share) / 400) ** 0.5
    assert scores["accuracy_N_I"] == share  # type: ignore[index]
    assert found.accuracy("R") < share


def test_what_are_no_pictures_is_refused() -> None:
    with pytest.raises(TrainingError, match="Expected 'digits'"):
        read_digits(3)

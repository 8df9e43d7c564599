"""Does a network learn digits on the sphere, and do symmetries of the icosahedron change nothing?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from equiviz.datasets.sphere.digits import embedded_digits
from equiviz.models.registry import family
from equiviz.training.digits_training import DigitReport, evaluate_digits, read_digits, train_digits
from equiviz.training.errors import TrainingError
from equiviz.training.load import load

SMALL = {"level": 2, "widths": [4, 6], "strides": [1, 2], "hidden": 16}


def test_it_learns_and_goes_on_and_is_loaded(tmp_path: Path) -> None:
    few = embedded_digits()[:400]
    trained = train_digits(family("gauge_cnn"), few, tmp_path, epochs=16, config=SMALL, progress=False)
    assert trained.report.accuracy("N") > 0.4  # of ten classes
    assert trained.report.agree()
    again = train_digits(family("gauge_cnn"), few, tmp_path, epochs=16, config=SMALL, progress=False)
    assert again.history.records == trained.history.records
    known = evaluate_digits(load(tmp_path), few.part("test"))
    assert known.to_dict()["accuracy_N_N"] == trained.report.accuracy("N")
    assert "N/N" in trained.describe()


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


def test_what_are_no_pictures_is_refused() -> None:
    with pytest.raises(TrainingError, match="Expected 'digits'"):
        read_digits(3)

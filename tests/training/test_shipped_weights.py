"""Do the weights that travel with the package load, stay small, and reach what their manifest says?"""

from __future__ import annotations

import pytest

from equiviz.datasets.glass.cage import CageRuns
from equiviz.datasets.glass.shipped import load_shipped
from equiviz.training.evaluate import evaluate
from equiviz.training.load import SHIPPED, load, manifest_of, shipped_names


def test_something_is_shipped() -> None:
    assert {"glassy-T044", "glassy-T056"} <= set(shipped_names())


LARGEST = {"hcnn": 3_000_000}  # seven networks; what issue 5 allows for all of them together
LIMIT = 2_000_000  # bytes, of one network


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_weights_are_small_and_say_where_they_come_from(name: str) -> None:
    assert sum(path.stat().st_size for path in (SHIPPED / name).iterdir()) < LARGEST.get(name, LIMIT)
    manifest = manifest_of(load(name))
    assert manifest is not None
    assert manifest.data
    assert manifest.recipe
    assert manifest.scores


def test_weights_that_read_a_simulation_say_so() -> None:
    assert "reads a short simulation" in repr(load("glassy-T044"))
    manifest = manifest_of(load("glassy-T044"))
    assert manifest is not None
    assert manifest.note == manifest.scores["note"]  # scores are quoted without the rest
    assert load("glassy-T056").note == ""  # structure alone


def test_the_sentence_about_the_simulation_states_its_defaults() -> None:
    runs = CageRuns(temperature=0.44)
    assert f"{runs.runs} runs of {runs.steps * runs.dt:g} time units" in load("glassy-T044").note


def test_glassy_at_056_reaches_its_score_on_a_test_configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    configuration = load_shipped("test")[0]
    report = evaluate("glassy-T056", [configuration])
    manifest = manifest_of(load("glassy-T056"))
    assert manifest is not None
    scores = manifest.scores["rho"]
    assert isinstance(scores, dict)
    stated = list(scores["A"]["13"]["per_configuration"].values())
    # the shipped set is rounded to what the data are worth, and weights to float16
    assert min(abs(float(report.rho("A", 13.0).mean) - value) for value in stated) < 0.01
    assert report.rho("A", 13.0).mean > 0.5

"""Every family has a task, and every task trains, scores and shows something real by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from equiviz.models.registry import families, family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.training.errors import TrainingError
from equiviz.training.evaluate import evaluate
from equiviz.training.load import load, manifest_of, shipped_names
from equiviz.training.tasks.task import task_named, tasks
from equiviz.training.train import train


@pytest.mark.parametrize("name", list(families()))
def test_every_family_has_a_task_that_the_folder_knows(name: str) -> None:
    own = families()[name]
    assert own.model_class.task_for(own.small) in tasks()
    assert own.build(own.small).task == own.model_class.task_for(own.small)


@pytest.mark.parametrize("name", shipped_names())
def test_a_sample_is_something_that_shipped_weights_read(name: str) -> None:
    model = load(name)
    task = task_named(model.task, name)
    sample = task.sample(model)
    prepared = model.prepare(sample)  # type: ignore[arg-type]
    outputs = model(prepared)
    assert len(sample) > 0
    assert outputs
    assert all(bool(field.values.isfinite().all()) for field in outputs.values())


@pytest.mark.parametrize("name", shipped_names())
def test_a_headline_is_told_of_all_shipped_weights(name: str) -> None:
    model = load(name)
    manifest = manifest_of(model)
    assert manifest is not None
    told = task_named(model.task, name).headline(manifest.scores)
    assert told
    assert any(mark.isdigit() for mark in told)
    assert task_named(model.task, name).headline({}) == ""


def test_the_head_of_a_network_decides_its_task() -> None:
    own = family("gauge_cnn")
    field = own.build({**own.small, "head": "field", "strides": (1, 1, 1)})
    assert (own.build(own.small).task, field.task) == ("digits", "fields")


def test_an_option_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="members is for data of proteins; painn reads molecules"):
        train("painn", tmp_path, tmp_path / "out", members=2)
    with pytest.raises(TrainingError, match="time is for data of liquids; gauge_cnn-digits reads digits"):
        evaluate("gauge_cnn-digits", "digits", time=1.0)


@pytest.mark.parametrize(("name", "told"), [("hcnn", "split.json"), ("painn", "extended-xyz"), ("unitary", "a system")])
def test_data_of_another_kind_are_refused_in_words(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"{told}.*got int"):
        train(name, 3, tmp_path / "out")


def test_a_task_that_nothing_knows_is_named() -> None:
    class Odd(type(family("unitary").build(family("unitary").small))):  # type: ignore[misc]
        task = "juggling"

    model: EquivariantModel = Odd(family("unitary").configure(family("unitary").small))
    with pytest.raises(TrainingError, match=r"'juggling', which nothing trains or scores\. There are: amino acids"):
        evaluate(model, "oscillators")

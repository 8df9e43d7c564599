"""The reference of PaiNN: does schnetpack's network, in our hands, learn as ours does, and go on where it stopped?"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from benchmarks.painn import translated
from benchmarks.painn_reference import Task, write_arrays
from benchmarks.painn_reference_training import (
    ReferenceTraining,
    joined,
    loss_of,
    molecules_of,
    predicted,
    write_npz,
)
from equiviz.models.painn import Painn
from equiviz.models.registry import family
from equiviz.symmetry.field import Field
from equiviz.training.loop import History, Training
from equiviz.training.molecule_task import MoleculeTarget, examples, glued
from equiviz.training.molecule_training import held_out, plan_for_frames
from tests.interop.one_environment import only_in
from tests.spring_frames import spring_frames

pytestmark = only_in("schnetpack")
SMALL = {"width": 16, "layers": 2, "radial": 6, "cutoff": 3.0}
EPOCHS = 4


def task_of(*properties: str) -> Task:
    kept = [
        dataclasses.replace(frame, properties={name: frame.properties[name] for name in properties})
        for frame in spring_frames(60)
    ]
    plan = plan_for_frames(held_out(kept)[0])
    return Task(kept, {}, dataclasses.replace(plan, settings={**plan.settings, **SMALL}))


def written(folder: Path, *properties: str) -> Path:
    write_arrays(task_of(*properties), folder / "arrays", seed=0, epochs=EPOCHS)
    return folder / "arrays"


def ours(task: Task, weights: dict[str, torch.Tensor], rate: float = 1.0) -> History:
    """Our network with these first weights, trained by our loop; `rate` times the recipe's learning rate."""
    model = cast(Painn, family("painn").build(dict(task.plan.settings)))
    model.load_state_dict(translated(weights, model.config.species))
    training, validation = (examples(model, frames, task.plan.properties) for frames in held_out(task.frames))
    recipe = task.recipe(seed=0, epochs=EPOCHS)
    recipe = dataclasses.replace(recipe, learning_rate=rate * recipe.learning_rate)
    loop = Training(model, task.plan.objective, training, [glued(validation)], recipe, progress=False, glue=glued)
    return loop.run()


def test_from_the_same_first_weights_both_learn_the_same(tmp_path: Path) -> None:
    """Split, order, shifts, scales, loss, rates, momenta, clipping and averages at once."""
    arrays = written(tmp_path, "energy", "forces")
    theirs = ReferenceTraining(arrays, tmp_path / "out")
    first = {name: value.detach().clone() for name, value in theirs.model.state_dict().items()}
    theirs.run()
    task = task_of("energy", "forces")
    for rate, alike in ((1.0, True), (1.05, False)):
        history = ours(task, first, rate)
        records = history.records[:2]
        # Single precision in another order: 1e-6 apart after one epoch, 5e-5 after two, and growing.
        assert ([one.score for one in records] == pytest.approx(theirs.scores[:2], rel=1e-3)) is alike
        assert ([one.loss for one in records] == pytest.approx(theirs.losses[:2], rel=1e-3)) is alike
    assert theirs.losses[-1] < 0.5 * theirs.losses[0]


def test_it_learns_tensors_and_its_loss_is_ours(tmp_path: Path) -> None:
    arrays = written(tmp_path, "dipole", "polarizability")
    training = ReferenceTraining(arrays, tmp_path / "out")
    training.run()
    assert training.losses[-1] < 0.5 * training.losses[0]
    batch = joined(molecules_of(arrays / "validation.npz"))
    found = {name: value.detach() for name, value in predicted(training.model, batch, training.settings).items()}
    kinds = {"dipole": "1x1o", "polarizability": "9x0e"}
    outputs = {name: Field(value, kinds[name], "graph") for name, value in found.items()}
    target = MoleculeTarget(batch["sizes"], **{name: batch[name].float() for name in kinds})
    told = task_of("dipole", "polarizability").plan.objective.loss(outputs, target)
    torch.testing.assert_close(loss_of(found, batch, training.settings), told, rtol=1e-6, atol=0.0)
    doubled = {**training.settings, "dipole_weight": 2.0}
    assert float(loss_of(found, batch, doubled)) > 1.01 * float(told)


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    arrays = written(tmp_path, "energy", "forces")
    whole = ReferenceTraining(arrays, tmp_path / "whole")
    whole.run()
    ReferenceTraining(arrays, tmp_path / "parts").run(until=2)
    shutil.copytree(tmp_path / "parts", tmp_path / "forgetful")
    parts = ReferenceTraining(arrays, tmp_path / "parts")
    parts.run()
    assert parts.losses == whole.losses
    assert parts.scores == whole.scores
    assert all(torch.equal(parts.best[name], value) for name, value in whole.best.items())
    with np.load(tmp_path / "forgetful/state.npz") as file:
        state = {name: np.zeros_like(file[name]) if "exp_avg" in name else file[name] for name in file.files}
    write_npz(tmp_path / "forgetful/state.npz", state)
    forgetful = ReferenceTraining(arrays, tmp_path / "forgetful")
    forgetful.run()
    assert forgetful.losses != whole.losses


def test_a_state_of_other_arrays_is_refused(tmp_path: Path) -> None:
    ReferenceTraining(written(tmp_path / "one", "energy"), tmp_path / "out").run(until=1)
    other = written(tmp_path / "other", "energy", "forces")
    with pytest.raises(SystemExit, match=r"belongs to other arrays than those in .*Expected the same molecules"):
        ReferenceTraining(other, tmp_path / "out")


def test_its_predictions_are_those_of_its_best_weights(tmp_path: Path) -> None:
    arrays = written(tmp_path, "energy", "forces")
    training = ReferenceTraining(arrays, tmp_path / "out")
    training.run()
    training.conclude()
    batch = joined(molecules_of(arrays / "validation.npz"))
    with np.load(tmp_path / "out/predicted_validation.npz") as file:
        found = {name: torch.from_numpy(file[name]) for name in file.files}
    assert -float(loss_of(found, batch, training.settings).sqrt()) == pytest.approx(max(training.scores), rel=1e-5)

"""Does the reference of PaiNN see our frames, shifts and steps? (What it makes of them: tests/interop.)"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from benchmarks.painn_reference import OURS, THEIRS, Task, arrays_of, finished, markdown, steps_of, table, write_arrays
from equiviz.datasets.molecules.frames import Frame
from equiviz.models.painn import Painn, PainnConfig
from equiviz.models.registry import family
from equiviz.structures.graph import Graph
from equiviz.training.loop import Training
from equiviz.training.molecule_task import MoleculeTarget, examples
from equiviz.training.molecule_training import held_out, plan_for_frames
from equiviz.training.recipe import Recipe
from tests.spring_frames import spring_frames

SMALL = {"width": 8, "layers": 2, "radial": 4, "cutoff": 3.0}


def task_of(frames: list[Frame], *lacking: str) -> Task:
    """Without some properties, so that the others are learned."""
    kept = [
        dataclasses.replace(
            frame, properties={name: field for name, field in frame.properties.items() if name not in lacking}
        )
        for frame in frames
    ]
    plan = plan_for_frames(held_out(kept)[0])
    return Task(kept, {}, dataclasses.replace(plan, settings={**plan.settings, **SMALL}))


def energies(frames: list[Frame]) -> list[float]:
    return [float(frame.properties["energy"].values) for frame in frames]


def test_it_gets_the_frames_that_we_train_and_validate_on(tmp_path: Path) -> None:
    frames = [*spring_frames(20, file="one.xyz"), *spring_frames(20, seed=1, file="other.xyz")]
    write_arrays(task_of(frames), tmp_path, seed=0, epochs=2)
    training, validation = held_out(frames)
    for name, own in (("training", training), ("validation", validation)):
        with np.load(tmp_path / f"{name}.npz") as file:
            assert file["energy"][:, 0].tolist() == energies(own)
            assert file["sizes"].tolist() == [len(frame.structure) for frame in own]
            assert file["forces"].shape == (sum(len(frame.structure) for frame in own), 3)
    assert sorted(energies(training) + energies(validation)) == sorted(energies(frames))
    assert json.loads((tmp_path / "settings.json").read_text())["width"] == SMALL["width"]


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("energy", ("dipole", "polarizability")), ("polarizability", ("energy", "forces"))],
)
def test_shifts_are_what_our_network_says_when_its_head_is_silent(name: str, lacking: tuple[str, ...]) -> None:
    task = task_of(spring_frames(20), *lacking)
    model = cast(Painn, family("painn").build(dict(task.plan.settings)))
    for head in (model.energy_head, model.polarizability_head):
        for weight in () if head is None else head.parameters():
            torch.nn.init.zeros_(weight)
    arrays = arrays_of(task.frames, model, task.plan.properties)
    found = model.predict([frame.structure for frame in task.frames])[name].values.double()
    told = torch.from_numpy(arrays[f"{name}_shift"])
    wanted = told if name == "energy" else told * torch.eye(3, dtype=torch.float64).flatten()
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)  # polarizabilities are single precision
    assert len(told.unique()) == 2  # waters and hydroxyls


def test_edges_are_counted_within_each_molecule_from_the_centre_of_mass() -> None:
    arrays = arrays_of(spring_frames(4), Painn(PainnConfig((1, 8), cutoff=3.0)), ("energy",))
    assert arrays["pairs"].tolist() == [6, 2, 6, 2]
    assert arrays["idx_i"][:6].tolist() == sorted(arrays["idx_i"][:6].tolist())
    assert arrays["idx_i"].max() == 2
    assert arrays["idx_j"].max() == 2
    masses = np.where(arrays["species"] == 8, 15.999, 1.008)
    assert np.abs(masses[:3] @ arrays["positions"][:3]).max() < 1e-12


def test_steps_are_those_that_our_loop_takes() -> None:
    task, seen = task_of(spring_frames(30)), []
    recipe = Recipe(epochs=3, batch=4, seed=5, ema=0.9, warm_up=0.1, optimiser="adam")
    model = cast(Painn, family("painn").build(dict(task.plan.settings)))
    ours = examples(model, held_out(task.frames)[0], task.plan.properties)
    known = {float(example.target.energy): place for place, example in enumerate(ours)}  # type: ignore[arg-type]

    def watched(graph: Graph, target: MoleculeTarget) -> tuple[Graph, MoleculeTarget]:
        assert target.energy is not None
        seen.append(known[float(target.energy)])
        return graph, target

    history = Training(model, task.plan.objective, ours, recipe=recipe, augment=watched, progress=False).run()
    steps = steps_of(recipe, len(ours))
    assert steps["order"].flatten().tolist() == seen
    last = np.arange(1, 4) * 7 - 1  # 27 molecules are 7 steps of 4
    assert steps["rate"][last].tolist() == [record.learning_rate for record in history.records]
    assert len(steps["rate"]) == len(steps["momentum"]) == len(steps["decay"]) == 21
    other = steps_of(dataclasses.replace(recipe, seed=6), len(ours))
    assert other["order"].flatten().tolist() != seen


def test_several_seeds_are_told_by_mean_and_range() -> None:
    shared = {"task": "energies", "set": "test", "molecules": 3, "property": "energy", "unit": "meV"}
    errors = [
        {**shared, "network": network, "seed": seed, "mae": 1.0 + seed, "rmse": 2.0 + seed}
        for network in ("equiviz", "schnetpack")
        for seed in (0, 1)
    ]
    costs = [{"task": "energies", "network": "equiviz", "epochs": 2, "cpu_seconds": None, "parameters": 1000}]
    told = markdown(errors, costs)
    assert "| energies | test (3) | energy, meV | 1.5 (1 to 2) | 1.5 (1 to 2) | 2.5 (2 to 3) | 2.5 (2 to 3) |" in told
    assert "| energies | equiviz | 1,000 | 2 | 1 | not measured |" in told


def test_finished_trainings_are_those_of_both_networks_and_of_this_task(tmp_path: Path) -> None:
    for folder in (f"energies-0/{OURS}", f"energies-0/{THEIRS}", f"energies-1/{OURS}"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "spent.json").touch()
    for network in (OURS, THEIRS):
        (tmp_path / "energies-300K-0" / network).mkdir(parents=True)
        (tmp_path / "energies-300K-0" / network / "spent.json").touch()
    assert finished("energies", tmp_path) == [tmp_path / "energies-0"]
    assert finished("energies-300K", tmp_path) == [tmp_path / "energies-300K-0"]


def test_a_table_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected trainings of both networks there; run `train` first"):
        table(tmp_path, tmp_path, tmp_path / "results.json")
    assert not (tmp_path / "results.json").exists()

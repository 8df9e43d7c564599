"""Molecules from file to weights to scores: is what is learned what the data say, and in the units that are told?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from equiviz.cli import app
from equiviz.datasets.molecules.frames import Frame, read_molecules
from equiviz.models.example_structures import organic_atoms
from equiviz.models.painn import FAMILY as PAINN
from equiviz.models.painn import Painn, PainnConfig
from equiviz.models.registry import Family
from equiviz.nn.errors import ModelError
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3
from equiviz.training.bundle import read_bundle
from equiviz.training.errors import TrainingError
from equiviz.training.evaluate import evaluate
from equiviz.training.load import load, manifest_of
from equiviz.training.molecule_overlap import fingerprint
from equiviz.training.molecule_report import MoleculeReport
from equiviz.training.molecule_task import MoleculeObjective, energy_shifts, examples, glued
from equiviz.training.molecule_training import held_out, plan_for_frames, train_molecules
from equiviz.training.train import train
from equiviz.training.trained_network import TrainedNetwork
from tests.training.interruptions import same_weights, stopping, without_memory

SMALL = {"width": 8, "layers": 1, "radial": 4, "cutoff": 3.0}


def springs(places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Energy (eV) and forces (eV/Å) of three atoms on springs, far below zero as real ones are."""
    rest = places.detach().clone().requires_grad_()
    pairs = torch.combinations(torch.arange(3))
    lengths = (rest[pairs[:, 0]] - rest[pairs[:, 1]]).norm(dim=1)
    energy = -2000.0 + (lengths - 1.2).square().sum()
    energy.backward()
    assert rest.grad is not None
    return energy.detach(), -rest.grad


def written(path: Path, frames: int, tensors: bool = False, seed: int = 0) -> Path:
    draw, lines = torch.Generator().manual_seed(seed), []
    for _ in range(frames):
        places = torch.tensor([[0.0, 0, 0], [1.1, 0, 0], [0, 1.1, 0]]) + 0.1 * torch.randn(3, 3, generator=draw)
        energy, forces = springs(places.double())
        told = f"energy={float(energy):.9f}"
        if tensors:
            bonds = places[1:] - places[0]  # alike for both hydrogens, which no network can tell apart
            mu, alpha = bonds.sum(0), 3 * torch.eye(3) + bonds.T @ bonds
            told = 'mu="{}" alpha="{}"'.format(*(" ".join(map(str, v.flatten().tolist())) for v in (mu, alpha)))
        column = "unused" if tensors else "forces"
        lines += ["3", f"Properties=species:S:1:pos:R:3:{column}:R:3 {told}"]
        for symbol, place, force in zip("OHH", places.tolist(), forces.tolist(), strict=True):
            numbers = " ".join(f"{value:.9f}" for value in (*place, *force))
            lines.append(f"{symbol} {numbers}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainedNetwork]:
    folder = tmp_path_factory.mktemp("molecules")
    data = written(folder / "springs.xyz", 60)
    found = train("painn", data, folder / "out", epochs=25, config=SMALL, progress=False)
    assert isinstance(found, TrainedNetwork)
    return folder, found


def test_training_beats_the_plainest_guess_and_is_saved(trained: tuple[Path, TrainedNetwork]) -> None:
    folder, found = trained
    errors = found.report.errors()
    assert errors["forces"].rmse < 0.7 * errors["forces"].guess
    assert "Saved in" in found.describe()
    model, manifest = load(folder / "out"), manifest_of(load(folder / "out"))
    assert isinstance(model, Painn)
    assert model.config.outputs == ("energy", "forces")
    assert model.config.species == (1, 8)
    assert manifest is not None
    assert manifest.data["files"] == ["springs.xyz"]
    assert (manifest.data["molecules"], manifest.data["validation"]) == (54, 6)
    again = evaluate(folder / "out", folder / "springs.xyz")
    assert "60 of 60 molecules were in its training or validation: these scores flatter the model." in again.describe()


def test_the_command_line_prints_errors_with_their_units(trained: tuple[Path, TrainedNetwork]) -> None:
    folder, _ = trained
    data = written(folder / "other.xyz", 12, seed=9)
    told = CliRunner().invoke(app, ["evaluate", str(folder / "out"), "--data", str(data), "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    frames, model = read_molecules(data), load(folder / "out")
    outputs = model.predict([frame.structure for frame in frames])
    wrong = outputs["forces"].values - torch.cat([frame.properties["forces"].values for frame in frames])
    assert found["forces"]["rmse_meV_per_A"] == pytest.approx(1000 * float(wrong.square().mean().sqrt()), rel=1e-5)
    off = outputs["energy"].values - torch.cat([frame.properties["energy"].values for frame in frames])
    assert found["energy"]["mae_meV"] == pytest.approx(1000 * float(off.abs().mean()), rel=1e-6)
    assert found["energy"]["mae_meV_per_atom"] == pytest.approx(1000 * float(off.abs().mean()) / 3, rel=1e-6)
    assert (found["molecules"], found["note"]) == (12, "")


@pytest.mark.parametrize("finished", [1, 3])
def test_a_stopped_training_goes_on_where_it_was(tmp_path: Path, finished: int) -> None:
    data = written(tmp_path / "springs.xyz", 20)

    def trained_in(folder: str, own: Family = PAINN) -> TrainedNetwork:
        return train_molecules(own, data, tmp_path / folder, epochs=5, config=SMALL, progress=False)

    whole = trained_in("whole")
    for folder in ("parts", "forgetful"):
        with pytest.raises(KeyboardInterrupt, match=f"Stopped after {finished} epochs; .*Run the same command"):
            trained_in(folder, stopping(PAINN, finished))
        assert not (tmp_path / folder / "manifest.json").exists()
    stopped = read_bundle(tmp_path / "parts" / "state")[1]["records"]
    resumed = trained_in("parts")
    # Epochs that were done again would have taken another time.
    assert [repr(record.seconds) for record in resumed.history.records[:finished]] == [r["seconds"] for r in stopped]  # type: ignore[index, union-attr]
    assert same_weights(resumed.model, whole.model)
    assert same_weights(load(tmp_path / "parts"), load(tmp_path / "whole"))
    without_memory(tmp_path / "forgetful" / "state")
    assert not same_weights(trained_in("forgetful").model, whole.model)


def test_dipoles_and_polarizabilities_are_learned_where_there_are_no_energies(tmp_path: Path) -> None:
    data = written(tmp_path / "tensors.xyz", 100, tensors=True)
    found = train("painn", data, tmp_path / "out", epochs=40, config=SMALL, progress=False)
    assert isinstance(found, TrainedNetwork)
    errors = found.report.errors()
    assert list(errors) == ["dipole", "polarizability"]
    assert errors["dipole"].rmse < 0.7 * errors["dipole"].guess
    report = evaluate(tmp_path / "out", data)
    assert isinstance(report, MoleculeReport)
    assert report.errors()["polarizability"].unit == "data unit"  # the file states none
    assert "rmse_data_unit" in report.to_dict()["dipole"]  # type: ignore[operator]
    assert report.to_html()


def test_a_batch_has_the_mean_loss_of_its_molecules(tmp_path: Path) -> None:
    frames, objective = read_molecules(written(tmp_path / "springs.xyz", 5)), MoleculeObjective()
    model = Painn(PainnConfig(species=(1, 8), width=8, layers=1))
    alone = examples(model, frames, ("energy", "forces"))
    together = glued(alone)
    losses = [objective.loss(model(one.graph), one.target) for one in alone]
    torch.testing.assert_close(
        objective.loss(model(together.graph), together.target), torch.stack(losses).mean(), rtol=1e-4, atol=0
    )


def test_shifts_are_the_energies_of_species_where_compositions_tell_them(tmp_path: Path) -> None:
    lines = []
    for oxygens, hydrogens in ((1, 2), (2, 2), (1, 4)):
        atoms = ["O"] * oxygens + ["H"] * hydrogens
        lines += [str(len(atoms)), f"Properties=species:S:1:pos:R:3 energy={-2000.0 * oxygens - 13.0 * hydrogens}"]
        lines += [f"{symbol} {place}.0 0.0 0.0" for place, symbol in enumerate(atoms)]
    (tmp_path / "some.xyz").write_text("\n".join(lines) + "\n")
    assert energy_shifts(read_molecules(tmp_path / "some.xyz"), (1, 8)) == pytest.approx((-13.0, -2000.0))


def test_every_tenth_frame_of_each_file_validates(tmp_path: Path) -> None:
    frames = read_molecules([written(tmp_path / "a.xyz", 20), written(tmp_path / "b.xyz", 11)])
    training, validation = held_out(frames)
    assert [frame.name for frame in validation] == ["a.xyz[9]", "a.xyz[19]", "b.xyz[9]"]
    assert len(training) == 28


def test_what_cannot_be_trained_or_scored_is_refused_in_words(
    tmp_path: Path, trained: tuple[Path, TrainedNetwork]
) -> None:
    few = written(tmp_path / "few.xyz", 5)
    with pytest.raises(TrainingError, match="expected a file with at least 10 frames, got 5 frames"):
        train("painn", few, tmp_path / "out", progress=False)
    tensors = written(tmp_path / "tensors.xyz", 3, tensors=True)
    with pytest.raises(TrainingError, match="The model predicts energy, forces, the data have dipole, polarizability"):
        evaluate(trained[0] / "out", tensors)
    with pytest.raises(TrainingError, match="Expected an extended-xyz file, several, or a folder of such files"):
        evaluate(trained[0] / "out", 3)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="have no property in common"):
        plan_for_frames([*read_molecules(few), *read_molecules(tensors)])
    with pytest.raises(TrainingError, match=r"time is for data of liquids; painn reads molecules"):
        train("painn", few, tmp_path / "out", time=0.1)


def test_an_unknown_element_is_told(trained: tuple[Path, TrainedNetwork]) -> None:
    with pytest.raises(ModelError, match="This network knows H, O, but"):
        trained[1].model.predict(organic_atoms(10, 0))


def test_turned_and_renumbered_copies_of_a_frame_have_its_fingerprint() -> None:
    x = organic_atoms(6, 0)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    turned = x.transform(O3.rotation([1, 2, 3], 0.7))
    copy = Structure(turned.positions[order] + 5.0, x.species[order])
    other = Structure(x.positions + 0.01 * torch.eye(6, 3), x.species)
    marks = [fingerprint(Frame("", one, {})) for one in (x, copy, other)]
    assert marks[0] == marks[1]
    assert marks[0] != marks[2]

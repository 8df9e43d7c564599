"""Does training on proteins learn, resume, and report honestly?"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import equiviz
from equiviz.cli import app
from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins.protein_set import ProteinSet, structure_files
from equiviz.models.hcnn import Hcnn, HcnnConfig
from equiviz.models.registry import family
from equiviz.training.errors import TrainingError
from equiviz.training.load import manifest_of
from equiviz.training.protein_training import HologramRecipe, hologram_recipe, moved, train_on_holograms
from equiviz.training.recipe import Recipe
from equiviz.training.recovery import RecoveryReport, evaluate_recovery
from equiviz.training.recovery_training import train_recovery
from equiviz.training.train import train
from tests.holograms.written_protein import helix

SMALL = {"orders": 4, "l_max": 1, "width": 4, "layers": 1, "hidden": 8, "dropout": 0.0, "channel_dropout": 0.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "proteins"
    place.mkdir()
    for k in range(4):
        (place / f"p{k}.pdb").write_text(helix(25, seed=k))
    split = {"train": ["p0.pdb", "p1.pdb"], "validation": ["p2.pdb"], "test": ["p3.pdb"]}
    (place / "split.json").write_text(json.dumps(split))
    return place


def test_a_set_is_its_files_one_after_the_other(folder: Path) -> None:
    paths = structure_files(folder)
    (folder / "broken.pdb").write_text("ATOM  nonsense\n")
    whole = ProteinSet.read([*paths, folder / "broken.pdb"], centre="side chain")
    assert whole.files == tuple(f"p{k}.pdb" for k in range(4))
    assert list(whole.problems) == ["broken.pdb"]
    alone = ProteinSet.read(paths[2:3], centre="side chain")
    rows = np.flatnonzero(whole.source == 2)
    assert whole.classes[rows].tolist() == alone.classes.tolist()
    model = Hcnn(HcnnConfig(**SMALL)).eval()
    both, one = model.hologram(whole.around), model.hologram(alone.around)
    torch.testing.assert_close(both.coefficients[rows], one.coefficients)


def test_splits_are_read_and_foreign_paths_refused(folder: Path) -> None:
    assert [path.name for path in structure_files(folder, "train")] == ["p0.pdb", "p1.pdb"]
    (folder / "split.json").write_text(json.dumps({"train": ["../../secret.pdb"]}))
    with pytest.raises(DatasetError, match="plain file names under 'train', without folders"):
        structure_files(folder, "train")
    with pytest.raises(DatasetError, match="expected a list of file names under 'test'"):
        structure_files(folder, "test")
    with pytest.raises(DatasetError, match="no such folder"):
        structure_files(folder / "nowhere")


def test_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: no such folder or file; expected protein structures"):
        equiviz.evaluate(Hcnn(HcnnConfig(**SMALL)).eval(), folder / "nowhere")


def test_training_learns_saves_and_can_be_loaded(folder: Path, tmp_path: Path) -> None:
    result = train_recovery(
        family("hcnn"), folder, tmp_path / "out", hologram_recipe(epochs=30), SMALL, members=2, progress=False
    )
    assert "2 members of 30 epochs" in result.describe()
    assert result.epochs[0][-1].loss < result.epochs[0][0].loss
    loaded = equiviz.load(tmp_path / "out")
    report = equiviz.evaluate(loaded, folder)
    assert isinstance(report, RecoveryReport)
    assert len(report.classes) == 100
    half = equiviz.evaluate(result.model, folder)
    torch.testing.assert_close(report.preferences, half.preferences, rtol=0, atol=2e-2)  # saved in half precision


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(folder: Path, tmp_path: Path) -> None:
    sets = [
        ProteinSet.read(structure_files(folder, split), centre="side chain").around for split in ("train", "validation")
    ]
    recipe = HologramRecipe(recipe=Recipe(epochs=3, learning_rate=3e-3, batch=16, keep="last"))

    class StoppedError(Exception):
        pass

    def stop(epoch: object) -> None:
        raise StoppedError

    def fresh() -> Hcnn:
        torch.manual_seed(0)
        return Hcnn(HcnnConfig(**SMALL))

    with torch.random.fork_rng(devices=[]):
        whole = fresh()
        train_on_holograms(whole, *sets, recipe)
        with pytest.raises(StoppedError):
            train_on_holograms(fresh(), *sets, recipe, tmp_path / "state", stop)
        resumed = fresh()
        epochs = train_on_holograms(resumed, *sets, recipe, tmp_path / "state")
    assert len(epochs) == 3
    for name, value in whole.state_dict().items():
        assert resumed.state_dict()[name].equal(value), name
    with pytest.raises(TrainingError, match="the state of another training"):
        train_on_holograms(fresh(), *sets, HologramRecipe(), tmp_path / "state")


def test_noise_is_that_of_seed_and_epoch(folder: Path) -> None:
    around = ProteinSet.read(structure_files(folder, "train")).around
    first, again, other = (moved(around, 0.1, 0, epoch).protein.positions for epoch in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).any()
    assert abs(float((first - around.protein.positions).std()) - 0.1) < 0.01


def report_of(preferences: torch.Tensor, classes: torch.Tensor) -> RecoveryReport:
    return RecoveryReport("made", preferences, classes, torch.arange(len(classes)) % 2, ("a", "b"))


def test_numbers_are_those_of_a_case_that_can_be_counted() -> None:
    classes = torch.tensor([0, 0, 1, 2])
    certain = torch.full((4, 20), -100.0, dtype=torch.float64)
    certain[torch.arange(4), torch.tensor([0, 1, 1, 2])] = 0.0
    report = report_of(certain, classes)
    assert report.accuracy == 0.75
    assert report.chance == 0.5
    assert report.cross_entropy == pytest.approx(25.0)
    assert report.confusion().loc["ALA", "ARG"] == 1
    assert report.to_frame().set_index("amino_acid").loc["ALA", "recovered"] == 0.5
    assert report.calibration_error == pytest.approx(0.25)
    low, high = report.interval()
    assert low == pytest.approx(0.5)
    assert high == pytest.approx(1.0)
    assert "made names 75.0% of 4 residues in 2 proteins" in report.describe()
    json.dumps(report.to_dict(), allow_nan=False)
    assert report.figure().data


def test_probabilities_that_are_true_are_calibrated() -> None:
    generator = torch.Generator().manual_seed(0)
    preferences = 2 * torch.randn(20_000, 20, generator=generator, dtype=torch.float64)
    classes = torch.multinomial(preferences.softmax(1), 1, generator=generator)[:, 0]
    report = report_of(preferences, classes)
    # 20,000 draws in ten bins: sqrt(p (1 - p) / 2,000) is .01.
    assert report.calibration_error < 0.015
    assert report_of(3 * preferences, classes).calibration_error > 0.1, "one that boasts is found out"


def test_nothing_to_score_is_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match="at least one site"):
        report_of(torch.zeros(0, 20), torch.zeros(0, dtype=torch.long))
    with pytest.raises(DatasetError, match="No protein could be read"):
        evaluate_recovery(Hcnn(HcnnConfig(**SMALL)), [folder / "missing.pdb"])


def test_noise_members_and_channels_are_options_of_the_command(folder: Path, tmp_path: Path) -> None:
    asked = ["train", "hermes", "--data", str(folder), "--out", str(tmp_path / "out"), "--epochs", "1"]
    result = CliRunner().invoke(app, [*asked, "--members", "2", "--noise", "0.5", "--channels", "C,N,O,S"])
    assert result.exit_code == 0, result.output
    model = equiviz.load(tmp_path / "out")
    manifest = manifest_of(model)
    assert manifest is not None
    assert (manifest.family, manifest.members, manifest.recipe["noise"]) == ("hermes", 2, 0.5)
    assert manifest.config["channels"] == ["C", "N", "O", "S"]
    with pytest.raises(TrainingError, match="noise is for data of proteins; glassy reads liquids"):
        train("glassy", folder, tmp_path / "other", noise=0.1)
    with pytest.raises(TrainingError, match="a noise of at least 0 Å, got -1"):
        hologram_recipe(noise=-1)


def test_scoring_what_was_trained_on_is_told(folder: Path, tmp_path: Path) -> None:
    train_recovery(family("hcnn"), folder, tmp_path / "out", hologram_recipe(epochs=1), SMALL, progress=False)
    model = equiviz.load(tmp_path / "out")
    note = evaluate_recovery(model, [folder / "p0.pdb", folder / "p3.pdb"]).to_dict()["note"]
    assert "1 of 2 files were trained on (by name), p0.pdb among them" in str(note)
    assert evaluate_recovery(model, folder / "p3.pdb").to_dict()["note"] == ""
    assert isinstance(equiviz.evaluate(model, [folder / "p3.pdb"]), RecoveryReport)


def test_the_check_command_takes_a_protein(folder: Path, tmp_path: Path) -> None:
    train_recovery(family("hcnn"), folder, tmp_path / "out", hologram_recipe(epochs=1), SMALL, progress=False)
    result = CliRunner().invoke(app, ["check", str(tmp_path / "out"), str(folder / "p3.pdb"), "--elements", "2"])
    assert result.exit_code == 0, result.output
    assert "Hcnn keeps what it claims" in result.output

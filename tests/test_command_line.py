"""Do the commands take what they promise to take?"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from typer.testing import CliRunner

import equiviz
from equiviz.cli import app
from equiviz.datasets.errors import DatasetError
from equiviz.explain.errors import AttributionError


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "models"]])
def test_the_version_is_printed(arguments: list[str]) -> None:
    answer = CliRunner().invoke(app, arguments)
    assert (answer.exit_code, answer.output) == (0, f"equiviz {equiviz.__version__}\n")


def test_without_arguments_the_help_names_the_commands() -> None:
    output = CliRunner().invoke(app, []).output
    for word in ("See into equivariant networks", "tour", "generate", "train", "evaluate", "models", "--version"):
        assert word in output


@pytest.fixture
def nameless(tmp_path: Path) -> Path:
    """A folder with a BOTAN file whose name does not tell its time."""
    rng = np.random.default_rng(0)
    initial = rng.uniform(0, 3, (40, 3))
    moved = initial + rng.normal(0, 0.3, (4, 40, 3))
    folder = tmp_path / "data"
    folder.mkdir()
    types = (np.arange(40) >= 32).astype(np.int8)
    np.savez(folder / "mine.npz", types=types, initial_positions=initial, positions=moved)
    return folder


def test_evaluate_takes_the_time_of_files_that_do_not_tell_it(nameless: Path, trained: Path) -> None:
    arguments = ["evaluate", str(trained), "--data", str(nameless), "--json"]
    assert isinstance(CliRunner().invoke(app, arguments).exception, DatasetError)
    told = CliRunner().invoke(app, [*arguments, "--time", "9.8"])
    assert told.exit_code == 0, told.output
    assert set(json.loads(told.stdout)["rho"]["A"]) == {"9.8"}
    assert CliRunner().invoke(app, [*arguments, "--time", "-1"]).exit_code == 2


def test_train_takes_the_time_of_files_that_do_not_tell_it(
    nameless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path / "cache"))
    out = tmp_path / "out"
    arguments = ["train", "bapst", "--data", str(nameless), "--out", str(out), "--epochs", "1"]
    untold = CliRunner().invoke(app, arguments)
    assert isinstance(untold.exception, DatasetError)
    assert "name does not tell its time" in str(untold.exception)
    assert CliRunner().invoke(app, [*arguments, "--time", "-1"]).exit_code == 2
    assert not out.exists()
    few = CliRunner().invoke(app, [*arguments, "--time", "9.8"])
    assert "nothing to validate on: 1 configuration came" in str(few.exception)
    for copy in "ab":
        shutil.copy(nameless / "mine.npz", nameless / f"mine_{copy}.npz")
    told = CliRunner().invoke(app, [*arguments, "--time", "9.8"])
    assert told.exit_code == 0, told.output
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["data"]["times"] == manifest["config"]["times"] == [9.8]


def test_train_and_evaluate_say_the_same_about_the_time() -> None:
    from equiviz.cli import evaluate_model, train_family

    hints = [get_type_hints(command, include_extras=True)["time"] for command in (train_family, evaluate_model)]
    assert hints[0] == hints[1]


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Weights of a network that predicts t = 10."""
    from equiviz.models.bapst import Bapst, BapstConfig
    from equiviz.training.glass_training import Plan, save_trained
    from tests.training.liquids import liquid

    model = Bapst(BapstConfig(times=(10.0,), width=8, steps=1))
    return save_trained(tmp_path / "weights", model, Plan(), None, "made up", [liquid(0, times=(10.0,))])


def test_check_says_what_breaks_and_ends_with_one_only_for_what_is_claimed(tmp_path: Path, trained: Path) -> None:
    page = tmp_path / "page.html"
    told = CliRunner().invoke(app, ["check", str(trained), "glass", "--elements", "1", "--json", "--html", str(page)])
    assert told.exit_code == 0, told.output  # Bapst's network claims no rotation
    document = json.loads(told.stdout)
    assert document["passed"] is True
    assert document["groups"]["rotation"] | {"claimed": False, "passed": False} == document["groups"]["rotation"]
    assert {"stage", "irrep", "inherited", "local", "floor"} <= set(document["findings"][0])
    assert "Equivariance of Bapst" in page.read_text()


def test_check_ends_with_one_when_a_claim_is_broken(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from equiviz.models.bapst import Bapst

    monkeypatch.setattr(Bapst, "group", "E(3)")
    told = CliRunner().invoke(app, ["check", str(trained), "glass", "--elements", "1"])
    assert told.exit_code == 1
    assert "breaks rotation" in told.output


def test_check_names_the_types_of_a_model_liquid(tmp_path: Path, trained: Path) -> None:
    from equiviz.datasets.glass.shipped import load_shipped

    glass = load_shipped("test")[0].structure
    edges = " ".join(str(float(number)) for number in glass.cell.flatten())
    rows = [f"{kind} {x} {y} {z}" for kind, (x, y, z) in zip(glass.labels, glass.positions.tolist(), strict=True)]
    header = f'Lattice="{edges}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    path = tmp_path / "glass.extxyz"
    path.write_text("\n".join([str(len(rows)), header, *rows]) + "\n")
    arguments = ["check", str(trained), str(path), "--elements", "1"]
    refused = CliRunner().invoke(app, arguments)
    assert "(on the command line: --species-names A,B)" in str(refused.exception)
    told = CliRunner().invoke(app, [*arguments, "--species-names", "A, B"])
    assert told.exit_code == 0, told.output


def test_check_in_full_says_how_it_varies_and_drifts(tmp_path: Path, trained: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 3, (12, 3))
    rows = [f"{'AB'[k % 2]} {x} {y} {z}" for k, (x, y, z) in enumerate(points.tolist())]
    path = tmp_path / "small.extxyz"
    header = 'Lattice="6 0 0 0 6 0 0 0 6" Properties=species:S:1:pos:R:3 pbc="T T T"'
    path.write_text("\n".join(["12", header, *rows]) + "\n")
    arguments = ["check", str(trained), str(path), "--species-names", "A,B", "--full"]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    assert "How fast does it drift?" in told.output
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert "How fast does it drift?" in document["examination"]
    assert "How fast does it drift?" not in CliRunner().invoke(app, arguments[:-1]).output


def test_files_are_listed_alike_wherever_they_are_taken() -> None:
    from equiviz.structures.read import BY_SUFFIX, read

    help_text = " ".join(CliRunner().invoke(app, ["check", "--help"], terminal_width=200).output.split())
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    for name in ("extxyz", "xyz", "PDB", "mmCIF", "CIF", "POSCAR"):
        assert re.search(rf"\b{name}\b", help_text)
        assert re.search(rf"\b{name}\b", readme)
        assert name.lower() in (read.__doc__ or "").lower()
    assert {".xyz", ".extxyz", ".pdb", ".mmcif", ".cif", ".poscar"} <= set(BY_SUFFIX)


def test_the_command_generates_what_the_shipped_set_holds() -> None:
    import inspect

    from equiviz.cli import generate_glass
    from equiviz.datasets.glass.recipe import GlassRecipe
    from equiviz.datasets.glass.shipped import shipped_folder

    shipped = json.loads((shipped_folder() / "manifest.json").read_text())["recipe"]
    defaults = {name: entry.default for name, entry in inspect.signature(generate_glass).parameters.items()}
    assert [float(time) for time in defaults["times"].split(",")] == shipped["times"] == list(GlassRecipe().times)
    for name in ("temperature", "particles", "configurations", "replicas"):
        assert defaults[name] == shipped[name] == getattr(GlassRecipe(), name)


def test_attribute_shares_a_prediction_out(tmp_path: Path, trained: Path) -> None:
    asked = ["attribute", str(trained), "glass", "--output", "propensity", "--at", "3", "--component", "0"]
    page = tmp_path / "why.html"
    found = CliRunner().invoke(app, [*asked, "--steps", "2", "--html", str(page)])
    assert found.exit_code == 0, found.output
    assert "propensity[0] at node 3" in found.output
    assert "The strongest" in page.read_text()
    rows = json.loads(CliRunner().invoke(app, [*asked, "--method", "saliency", "--json"]).stdout)
    assert {"kind", "name", "score"} <= set(rows[0])
    refused = CliRunner().invoke(app, [*asked, "--method", "guess"])
    assert isinstance(refused.exception, AttributionError)


def _hears_interrupts() -> None:
    """In the child: whoever starts the suite in the background of a shell leaves it deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    asked = f"-m equiviz.cli train unitary --data oscillators --epochs 4000 --out {tmp_path}".split()
    state, patience = tmp_path / "state" / "manifest.json", time.monotonic() + 240  # a loaded machine imports for long
    with subprocess.Popen(
        [sys.executable, *asked], stderr=subprocess.PIPE, text=True, preexec_fn=_hears_interrupts
    ) as running:
        try:
            while not state.exists() and time.monotonic() < patience:
                time.sleep(0.1)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 130, told
    assert re.search(r"equiviz: Stopped after [1-9]\d* epochs?; the state is in", told)
    assert "Run the same command to continue." in told

"""`equiviz check MODEL INPUT` and `equiviz attribute`: does each model read what it should of what a user types?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from equiviz.apps.check_command import check_files, input_named
from equiviz.cli import app
from equiviz.datasets.errors import DatasetError
from equiviz.datasets.phase_space.motion_file import states_named, write_motions
from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.sphere.named_signals import signals_named
from equiviz.models import unitary
from equiviz.nn.errors import ModelError
from equiviz.structures.phase_space import STATE
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.training.load import load


@pytest.mark.parametrize(
    ("model", "typed", "kinds"),
    [
        ("unitary-oscillators", "oscillators", {"unitary", "real rotation", "diagonal phase"}),
        ("unitary-charges", "charges", {"unitary", "real rotation", "diagonal phase"}),
        ("gauge_cnn-digits", "digits", {"icosahedral"}),
    ],
)
def test_shipped_models_keep_what_they_claim_on_what_they_read(model: str, typed: str, kinds: set[str]) -> None:
    told = CliRunner().invoke(app, ["check", model, typed, "--elements", "2", "--json"])
    assert told.exit_code == 0, told.output
    groups = json.loads(told.stdout)["groups"]
    assert all(groups[kind]["claimed"] and groups[kind]["passed"] for kind in kinds)


def test_check_ends_with_one_when_a_unitary_network_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an activation on real parts keeps real rotations, and no more."""

    def on_real_parts(u: Tensor, residue: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(u.real, dim=-1, keepdim=True)
        return u / (1 + size) + residue * u

    monkeypatch.setattr(unitary, "softsign", on_real_parts)
    told = CliRunner().invoke(app, ["check", "unitary-oscillators", "oscillators", "--elements", "2", "--json"])
    assert told.exit_code == 1
    groups = json.loads(told.stdout)["groups"]
    assert not groups["unitary"]["passed"]
    assert groups["real rotation"]["passed"]


def test_files_of_motions_and_of_signals_are_read(tmp_path: Path) -> None:
    write_motions(tmp_path / "mine.npz", Motions.make("charges", "test", 5))
    assert check_files("unitary-charges", str(tmp_path / "mine.npz"), elements=2).passed
    digits = signals_named("digits", 3)
    np.save(tmp_path / "mine.npy", digits.spread[:2].numpy())
    found = input_named(load("gauge_cnn-digits"), str(tmp_path / "mine.npy"))
    assert isinstance(found, SphereSignal)
    assert torch.equal(found.spread, digits.spread[:2].double())


def test_a_model_says_itself_what_it_reads(tmp_path: Path) -> None:
    """States of a system for one, signals for another, structures for those that say nothing."""
    states = input_named(load("unitary-oscillators"), "oscillators")
    assert isinstance(states, TypedTensors)
    assert torch.equal(states.fields[STATE].values, states_named("oscillators").fields[STATE].values)
    path = tmp_path / "two.xyz"
    path.write_text("2\n\nH 0 0 0\nO 0 0 1\n")
    assert isinstance(input_named(load("painn-acac"), str(path)), Structure)
    with pytest.raises(DatasetError, match=r"a system in phase space, oscillators or charges, or an \.npz file"):
        input_named(load("unitary-oscillators"), str(path))


def test_what_a_model_cannot_read_is_refused_in_one_sentence() -> None:
    wrong = {
        ("unitary-oscillators", "charges"): r"reads state 4xV\(3\), got state 4xV\(2\) and field 1xA\(2\)",
        ("unitary-oscillators", "glass"): r"reads state 4xV\(3\), got Structure",
        ("gauge_cnn-digits", "glass"): "reads signals on the sphere, got Structure",
        ("hcnn", "glass"): "reads holograms of proteins, got a Structure",
    }
    for (model, typed), words in wrong.items():
        with pytest.raises(ModelError, match=words):
            check_files(model, typed, elements=1)
    with pytest.raises(DatasetError, match=r"Expected 'digits', .* got 'nowhere\.npy', which does not exist"):
        check_files("gauge_cnn-digits", "nowhere.npy")


@pytest.mark.parametrize(
    ("model", "typed", "asked"),
    [
        ("unitary-oscillators", "oscillators", ["--output", "state", "--at", "3"]),
        ("gauge_cnn-digits", "digits", ["--at", "2", "--component", "3"]),
    ],
)
def test_attribute_reads_the_same(model: str, typed: str, asked: list[str]) -> None:
    told = CliRunner().invoke(app, ["attribute", model, typed, *asked, "--steps", "8"])
    assert told.exit_code == 0, told.output
    assert f"rests most on row {asked[asked.index('--at') + 1]} " in told.output

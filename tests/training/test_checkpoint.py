"""Does a saved model come back as it was, and does a foreign or damaged one say what is wrong?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from equiviz.training import bundle
from equiviz.training.checkpoint import Manifest, load_checkpoint, save_checkpoint
from equiviz.training.errors import CheckpointError

MANIFEST = Manifest(
    family="bapst",
    config={"times": [1.0, 2.0], "width": 8},
    data={"name": "somewhere", "configurations": 4},
    recipe={"epochs": 3},
    seeds=(5,),
    scores={"rho_A": 0.7},
    note="Handle with care.",
)


def test_one_model_comes_back(tmp_path: Path) -> None:
    model = nn.Linear(3, 40)
    save_checkpoint(tmp_path, model, MANIFEST)
    saved = load_checkpoint(tmp_path)
    assert saved.manifest == MANIFEST
    assert len(saved.states) == 1
    for name, value in model.state_dict().items():
        assert torch.equal(saved.states[0][name], value)


def test_an_ensemble_comes_back_member_by_member(tmp_path: Path) -> None:
    models = [nn.Linear(3, 4) for _ in range(12)]
    save_checkpoint(tmp_path, models, MANIFEST)
    saved = load_checkpoint(tmp_path)
    assert saved.manifest.members == 12
    for model, state in zip(models, saved.states, strict=True):
        assert torch.equal(state["weight"], model.weight)
        assert torch.equal(state["bias"], model.bias)


def test_half_precision_halves_the_file_and_keeps_small_and_large_numbers(tmp_path: Path) -> None:
    state = {
        "large": torch.randn(100, 100),
        "small": torch.randn(10),
        "huge": torch.full((100,), 1e6),
        "count": torch.arange(99),
    }
    save_checkpoint(tmp_path / "half", state, MANIFEST, half=True)
    save_checkpoint(tmp_path / "full", state, MANIFEST)
    size = {kind: (tmp_path / kind / "weights.safetensors").stat().st_size for kind in ("half", "full")}
    assert size["half"] < 0.6 * size["full"]
    (back,) = load_checkpoint(tmp_path / "half").states
    assert back["large"].dtype == torch.float32
    # float16 has 11 significant bits: rounding moves a number by at most 2^-11 of itself (below 6e-5 by 3e-8)
    torch.testing.assert_close(back["large"], state["large"], rtol=2**-11, atol=3e-8)
    for name in ("small", "huge", "count"):
        assert torch.equal(back[name], state[name])


@pytest.mark.parametrize("count", [0, 65])
def test_an_ensemble_of_no_or_too_many_members_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(CheckpointError, match=rf"has 1\.\.64 members, but {count} were given"):
        save_checkpoint(tmp_path, [{"w": torch.zeros(1)}] * count, MANIFEST)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "other"}, r"is no saved model: 'format' is 'other', not 'equiviz-model-1'"),
        ({"family": 3}, r"'family' should be a name, but 3 was found"),
        ({"members": 10**9}, r"'members' should be 1\.\.64, but 1000000000 was found"),
        ({"seeds": ["a"]}, r"'seeds' should be a list of whole numbers"),
        ({"config": [1]}, r"'config' should be a table of entries, but \[1\] was found"),
        ({"note": 3}, "'note' should be a sentence, but 3 was found"),
    ],
)
def test_a_foreign_manifest_says_what_is_wrong(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    bundle.write_bundle(tmp_path, {"w": torch.zeros(1)}, {**MANIFEST.to_dict(), **change})
    with pytest.raises(CheckpointError, match=complaint):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "key", ["weight", "member2.weight", "member-1.weight", "member0", "member0.", "member٣.weight"]
)
def test_keys_of_no_member_are_refused(tmp_path: Path, key: str) -> None:
    bundle.write_bundle(tmp_path, {key: torch.zeros(1)}, {**MANIFEST.to_dict(), "members": 2})
    with pytest.raises(CheckpointError, match="belongs to none of the 2 members"):
        load_checkpoint(tmp_path)


def test_a_manifest_edited_by_hand_is_noticed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, nn.Linear(2, 2), MANIFEST)
    path = tmp_path / "manifest.json"
    entries = json.loads(path.read_text())
    entries["scores"]["rho_A"] = 0.9
    path.write_text(json.dumps(entries, indent=2) + "\n")
    with pytest.raises(CheckpointError, match="edited by hand"):
        load_checkpoint(tmp_path)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, nn.Linear(2, 2), MANIFEST)
    torch.save({"w": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(tmp_path)

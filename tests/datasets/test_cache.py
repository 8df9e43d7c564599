"""Does the cache ever give back something else than what was computed?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from equiviz.datasets.cache import cache_folder, cached, content_key

INPUT = {"positions": torch.arange(6.0).reshape(2, 3)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Counted:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, torch.Tensor]:
        self.calls += 1
        return {"double": 2 * INPUT["positions"]}


def test_the_second_call_does_not_compute() -> None:
    compute = Counted()
    for _ in range(3):
        assert torch.equal(cached("double-1", INPUT, compute)["double"], 2 * INPUT["positions"])
    assert compute.calls == 1


def test_any_change_of_input_or_label_is_another_entry() -> None:
    key = content_key("double-1", INPUT)
    moved = INPUT["positions"].clone()
    moved[1, 2] = torch.nextafter(moved[1, 2], torch.tensor(100.0))
    others = [
        content_key("double-2", INPUT),
        content_key("double-1", {"positions": moved}),
        content_key("double-1", {"position": INPUT["positions"]}),
        content_key("double-1", {"positions": INPUT["positions"].double()}),
        content_key("double-1", {"positions": INPUT["positions"].reshape(3, 2)}),
    ]
    assert len({key, *others}) == 6
    assert content_key("double-1", {"positions": INPUT["positions"].clone()}) == key


def test_a_damaged_entry_is_computed_anew(folder: Path) -> None:
    compute = Counted()
    cached("double-1", INPUT, compute)
    (entry,) = (folder / "prepared").iterdir()
    whole = entry.read_bytes()
    for damaged in (b"", whole[:-1], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]):
        entry.write_bytes(damaged)
        assert torch.equal(cached("double-1", INPUT, compute)["double"], 2 * INPUT["positions"])
        assert entry.read_bytes() == whole
    assert compute.calls == 4


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path / "file"))
    compute = Counted()
    cached("double-1", INPUT, compute)
    assert cached("double-1", INPUT, compute)["double"].shape == (2, 3)
    assert compute.calls == 2


RACE = """
import os, sys, torch
from equiviz.datasets.cache import cached
torch.set_num_threads(1)

def work():
    for number in range(50):
        source = {"x": torch.full((50,), float(number % 5))}
        result = cached("race-1", source, lambda: {"y": source["x"] + 1})
        if not torch.equal(result["y"], source["x"] + 1):
            return 1
    return 0

for _ in range(8):
    if os.fork() == 0:
        os._exit(work())
sys.exit(sum(os.waitstatus_to_exitcode(os.wait()[1]) != 0 for _ in range(8)))
"""


def test_eight_processes_share_one_folder(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "prepared").iterdir())) == 5  # and nothing temporary is left


def test_without_the_variable_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUIVIZ_CACHE_DIR")
    assert "equiviz" in cache_folder().parts

"""Does the cache ever give back something else than what was computed?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from equiviz.datasets.cache import cache_folder, cache_limit, cached, content_key
from equiviz.datasets.errors import DatasetError

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


def test_eight_processes_share_a_folder_that_is_too_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIVIZ_CACHE_GB", "1e-6")  # 1,000 bytes; each of the five takes about 300
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    _used(7)  # an entry that was used while another process made room stays until the next one is written
    sizes = [path.stat().st_size for path in (folder / "prepared").iterdir()]
    assert 0 < sum(sizes) <= 1000
    assert 2 <= len(sizes) <= 4  # three of the race at most, and the last one


def _used(number: int) -> int:
    """Ask for one of many entries of one size; returns how often it had to be computed."""
    compute = Counted()
    cached("one-1", {"n": torch.tensor(number)}, compute)
    return compute.calls


def _one_entry(folder: Path) -> int:
    """Bytes of such an entry, in a folder that has one."""
    _used(0)
    return next(path for path in (folder / "prepared").iterdir() if path.name.startswith("one-1")).stat().st_size


def _names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "prepared").iterdir()}


def test_what_was_not_used_for_longest_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = _one_entry(folder)
    shutil.rmtree(folder)
    monkeypatch.setenv("EQUIVIZ_CACHE_GB", str(2.5 * size / 1e9))
    first, second, third = (content_key("one-1", {"n": torch.tensor(number)}) + ".bin" for number in range(3))
    for number, name in enumerate((first, second)):
        assert _used(number) == 1
        os.utime(folder / "prepared" / name, (1000 + number, 1000 + number))
    assert _used(0) == 0  # from the cache: now the second is the one that was not used for longest
    assert _used(2) == 1
    assert _names(folder) == {first, third}
    assert _used(1) == 1


def test_an_entry_above_the_limit_pushes_out_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _used(0)
    before = _names(folder)
    monkeypatch.setenv("EQUIVIZ_CACHE_GB", str(2 * _one_entry(folder) / 1e9))
    large = cached("large-1", INPUT, lambda: {"y": torch.zeros(10_000)})
    assert len(large["y"]) == 10_000
    assert _names(folder) == before
    monkeypatch.setenv("EQUIVIZ_CACHE_GB", "0")
    assert (_used(5), _used(5)) == (1, 1)  # nothing is kept


def test_unfinished_files_go_when_nobody_can_be_writing_them(folder: Path) -> None:
    _used(0)
    old, new = folder / "prepared" / ".a.bin.1-00.part", folder / "prepared" / ".b.bin.2-00.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    _used(1)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("wrong", ["much", "-1", "nan"])
def test_a_limit_that_is_no_size_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUIVIZ_CACHE_GB", wrong)
    with pytest.raises(DatasetError, match=f"EQUIVIZ_CACHE_GB: expected a number of GB >= 0 such as 20, got '{wrong}'"):
        cached("double-1", INPUT, Counted())


@pytest.mark.parametrize(("stated", "limit"), [("", 20e9), ("0.5", 0.5e9), ("inf", float("inf"))])
def test_the_limit_is_twenty_gigabytes_or_what_is_said(
    stated: str, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EQUIVIZ_CACHE_GB", stated)
    assert cache_limit() == limit


def test_without_the_variable_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUIVIZ_CACHE_DIR")
    assert "equiviz" in cache_folder().parts

"""Can a saved state be lost, or be read wrongly?"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from equiviz.training.bundle import DOCUMENT, SLOTS, exists, read_bundle, write_bundle
from equiviz.training.errors import CheckpointError

WEIGHTS = SLOTS[0]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    tensors = {"w": torch.arange(600, dtype=torch.float32).reshape(20, 30), "b": torch.tensor(2.5)}
    return write_bundle(tmp_path / "saved", tensors, {"note": "hello", "numbers": [1, 2, 3]})


def test_what_goes_in_comes_out(bundle: Path) -> None:
    tensors, document = read_bundle(bundle)
    assert torch.equal(tensors["w"], torch.arange(600.0).reshape(20, 30))
    assert tensors["b"].shape == ()
    assert document["note"] == "hello"
    assert sorted(path.name for path in bundle.iterdir()) == sorted([DOCUMENT, WEIGHTS])


def test_a_second_save_replaces_the_first_and_leaves_no_third_file(bundle: Path) -> None:
    for number in range(3):
        write_bundle(bundle, {"w": torch.full((2,), float(number))}, {"note": number})
        tensors, document = read_bundle(bundle)
        assert document["note"] == number
        assert tensors["w"].tolist() == [number, number]
        assert len(list(bundle.iterdir())) == 2


@pytest.mark.parametrize("name", [DOCUMENT, WEIGHTS])
def test_every_flipped_bit_is_found(bundle: Path, name: str) -> None:
    path, draw = bundle / name, random.Random(7)
    whole = path.read_bytes()
    for _ in range(400):
        position, bit = draw.randrange(len(whole)), draw.randrange(8)
        damaged = bytearray(whole)
        damaged[position] ^= 1 << bit
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            read_bundle(bundle)
    path.write_bytes(whole)
    read_bundle(bundle)  # the control: undamaged, the same reader accepts it


@pytest.mark.parametrize("name", [DOCUMENT, WEIGHTS])
def test_every_truncation_is_found(bundle: Path, name: str) -> None:
    path, draw = bundle / name, random.Random(11)
    whole = path.read_bytes()
    for length in [0, 1, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(200))]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_bundle(bundle)
    path.write_bytes(whole + b"x")
    with pytest.raises(CheckpointError):
        read_bundle(bundle)


def _whole_after_kills(folder: Path, how: str, kills: int) -> list[bool]:
    """Kill a process that saves without pause, `kills` times; whether the reader then found one complete save."""
    draw, whole, seen = random.Random(3), [], []
    write_bundle(folder, {"w": torch.zeros(20_000)}, {"note": 0})
    for child in _writers(folder, how, kills):
        time.sleep(draw.uniform(0.0, 0.08))
        child.kill()
        try:
            tensors, document = read_bundle(folder)
        except CheckpointError:
            whole.append(False)
            write_bundle(folder, {"w": torch.zeros(20_000)}, {"note": 0})
            continue
        seen.append(document["note"])
        whole.append(torch.equal(tensors["w"], torch.full((20_000,), float(str(document["note"])))))
    assert how != "write_bundle" or any(seen), "the writer never saved anything: this test killed nobody at work"
    return whole


def test_kill_at_any_moment_leaves_a_whole_bundle(tmp_path: Path) -> None:
    assert all(_whole_after_kills(tmp_path / "saved", "write_bundle", 20))


def test_the_same_kills_break_a_writer_that_works_in_place(tmp_path: Path) -> None:
    """The control: without temporary files the same instrument reports damage."""
    assert not all(_whole_after_kills(tmp_path / "saved", "in_place", 12))


class _Child:
    """A forked writer, cheap to start: torch is imported once, in the parent of all writers."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        assert server.stdin is not None
        assert server.stdout is not None
        self.server = server
        server.stdin.write("start\n")
        server.stdin.flush()
        assert server.stdout.readline().strip() == "ready"

    def kill(self) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write("kill\n")
        self.server.stdin.flush()
        assert self.server.stdout is not None
        assert self.server.stdout.readline().strip() == str(-signal.SIGKILL)


SERVER = """
import os, signal, sys, torch
from equiviz.training import bundle
torch.set_num_threads(1)

def in_place(path, blob):
    with open(path, "wb") as handle:
        for start in range(0, len(blob), 512):
            handle.write(blob[start : start + 512])
            handle.flush()

bundle.write_bundle(sys.argv[1] + "-warm", {"w": torch.zeros(2)}, {})
if sys.argv[2] == "in_place":
    bundle.write_atomically = in_place
for line in sys.stdin:
    if line.strip() == "start":
        child = os.fork()
        if child == 0:
            number = 0
            print("ready", flush=True)
            while True:
                number += 1
                bundle.write_bundle(sys.argv[1], {"w": torch.full((20_000,), float(number))}, {"note": number})
    else:
        os.kill(child, signal.SIGKILL)
        print(-os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""


def _writers(folder: Path, how: str, count: int) -> Iterator[_Child]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        for _number in range(count):
            yield _Child(server)
    finally:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.close()
        server.wait(timeout=20)
        server.stdout.close()


def test_a_full_disk_leaves_the_previous_bundle(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match=r"No space left on device.*is untouched"):
        write_bundle(bundle, {"w": torch.ones(3)}, {"note": "new"})
    monkeypatch.undo()
    assert read_bundle(bundle)[1]["note"] == "hello"
    assert not list(bundle.glob(".*"))


def test_an_absent_bundle_says_what_was_expected(tmp_path: Path) -> None:
    assert not exists(tmp_path)
    with pytest.raises(CheckpointError, match=r"No saved model at .* A saved model is a folder with manifest.json"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("target", ["../secret", "/etc/hostname", "other.safetensors", 3, None])
def test_the_document_cannot_point_outside_the_bundle(bundle: Path, target: object) -> None:
    from equiviz.training import bundle as module

    document = module.read_document(bundle)
    document["weights"] = {**document["weights"], "file": target}  # type: ignore[dict-item]
    (bundle / DOCUMENT).write_bytes(module._signed(document))
    with pytest.raises(CheckpointError, match="does not say which weights belong to it"):
        read_bundle(bundle)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_damage(bundle: Path, constant: str) -> None:
    (bundle / DOCUMENT).write_text(f'{{"loss": {constant}}}\n')
    with pytest.raises(CheckpointError, match=f"does not read as JSON \\({constant} is no number in JSON"):
        read_bundle(bundle)


def test_oversized_files_are_refused_before_they_are_read(bundle: Path) -> None:
    with open(bundle / DOCUMENT, "r+b") as handle:
        handle.truncate(1 << 40)  # sparse: costs no disk
    with pytest.raises(CheckpointError, match="This is no saved model"):
        read_bundle(bundle)

"""Does a reader ever see half a file, and is anything left behind?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from equiviz.structures.atomic_file import UNFINISHED, expect_writable, remove_unfinished, write_atomically


def test_bytes_and_text_arrive_as_they_are_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "deep" / "page.html", "one\ntwo \u03c3\n")
    assert path.read_bytes() == "one\ntwo \u03c3\n".encode()  # no line ending is translated
    write_atomically(str(path), b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_atomically(tmp_path / "file", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_found_out_before(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    assert expect_writable(path) == path
    assert list(path.parent.iterdir()) == []  # nothing is left behind
    write_atomically(path, "old")
    expect_writable(path)
    assert path.read_text() == "old"
    with pytest.raises(IsADirectoryError):
        expect_writable(path.parent)
    with pytest.raises(NotADirectoryError):
        expect_writable(path / "inside" / "a file")


def test_writers_of_one_file_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second writer comes between a first one's writing and its renaming."""
    path, rename = tmp_path / "entry", os.replace

    def interrupted(*places: Path) -> None:
        monkeypatch.setattr(os, "replace", rename)
        write_atomically(path, b"b" * 20)
        assert path.read_bytes() == b"b" * 20
        rename(*places)

    monkeypatch.setattr(os, "replace", interrupted)
    write_atomically(path, b"a" * 10)
    assert path.read_bytes() == b"a" * 10
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda *_: None)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    for name in ("weights", "manifest"):
        write_atomically(tmp_path / name, b"half")
    monkeypatch.undo()
    (tmp_path / "mine.part").touch()
    assert len([entry for entry in tmp_path.iterdir() if entry.suffix == UNFINISHED]) == 3
    remove_unfinished(tmp_path, "weights")
    assert len(list(tmp_path.iterdir())) == 2
    remove_unfinished(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.part"]

"""Is the file, whenever its writer is killed, what it was at some commit?"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins import journaled_file
from equiviz.datasets.proteins.journaled_file import PAGE, JournaledFile, journal_of, recover


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file"
    found.write_bytes(b"")
    return found


def test_it_reads_like_a_plain_file_whatever_was_committed(path: Path) -> None:
    generator, wanted = random.Random(0), bytearray()
    file = JournaledFile(path)
    for step in range(400):
        start, count = generator.randrange(min(4 * PAGE, len(wanted) + 1)), generator.randrange(1, 2 * PAGE)
        content = generator.randbytes(count)
        wanted[start : start + count] = content
        file.seek(start)
        assert file.write(content) == count
        if step % 7 == 0:
            size = generator.randrange(len(wanted))
            file.truncate(size)
            del wanted[size:]
        if step % 5 == 0:
            file.commit()
            assert path.read_bytes() == wanted
        assert file.seek(0, os.SEEK_END) == len(wanted)
        place = generator.randrange(len(wanted) + 1)
        file.seek(place)
        assert file.read(len(wanted) - place) == wanted[place:]
    file.close()


@pytest.fixture
def moments(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes | None]]:
    """The file and its journal before and after each step of a writer that lasts."""
    found: list[tuple[bytes, bytes | None]] = []

    def look() -> None:
        journal = journal_of(path)
        found.append((path.read_bytes(), journal.read_bytes() if journal.exists() else None))

    def watched(owner: object, name: str) -> None:
        plain = getattr(owner, name)

        def step(*arguments: object, **options: object) -> object:
            look()
            result = plain(*arguments, **options)
            look()
            return result

        monkeypatch.setattr(owner, name, step)

    watched(os, "fsync")
    watched(os, "replace")
    watched(JournaledFile, "_put")
    watched(Path, "unlink")
    return found


def test_a_kill_at_any_moment_leaves_what_was_committed(
    path: Path, moments: list[tuple[bytes, bytes | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, file = random.Random(1), JournaledFile(path)
    committed, last = [b""], [0]
    for _ in range(6):
        for _ in range(5):
            file.seek(generator.randrange(3 * PAGE))
            file.write(generator.randbytes(generator.randrange(1, PAGE)))
        file.commit()
        committed.append(path.read_bytes())
        last.append(len(moments))
    file.close()
    monkeypatch.undo()
    assert len(moments) > 100
    for number, (content, journal) in enumerate(moments):
        path.write_bytes(content)
        if journal is not None:
            journal_of(path).write_bytes(journal)
        JournaledFile(path).close()
        round_ = next(k for k, end in enumerate(last) if number < end)  # in which commit the writer was
        found = path.read_bytes()
        # A tail that was never committed may stay: nothing refers to it.
        assert found == committed[round_] or found.startswith(committed[round_ - 1]), f"killed at moment {number}"
        assert not journal_of(path).exists()


def test_what_was_not_committed_never_was(path: Path) -> None:
    path.write_bytes(b"abc")
    file = JournaledFile(path)
    file.write(b"xyz and more")
    file.close()
    file.close()
    assert path.read_bytes() == b"abc"


def test_a_second_writer_is_refused(path: Path) -> None:
    file = JournaledFile(path)
    with pytest.raises(DatasetError, match="another process is writing it"):
        JournaledFile(path)
    file.close()
    JournaledFile(path).close()


@pytest.mark.parametrize("content", [b"", b"words", b"equiviz journal\n" + bytes(40)])
def test_a_damaged_journal_is_refused_and_changes_nothing(path: Path, content: bytes) -> None:
    path.write_bytes(b"abc")
    journal_of(path).write_bytes(content)
    with pytest.raises(DatasetError, match="damaged, or no journal of ours"):
        recover(path)
    assert path.read_bytes() == b"abc"


def test_a_full_disk_leaves_the_file_of_the_last_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"abc")
    file = JournaledFile(path)
    file.write(b"xy")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journaled_file, "write_atomically", full)
        with pytest.raises(OSError, match="No space left"):
            file.commit()
    assert path.read_bytes() == b"abc"
    file.commit()
    file.close()
    assert path.read_bytes() == b"xyc"

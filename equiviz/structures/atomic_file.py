"""Writing a file so that a reader sees the old one or the new one, never half of it: the one writer of the package.

The content goes to a temporary file in the same folder, is forced to the disk, and moved into place by `os.replace`,
the only step that changes what a reader sees.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

UNFINISHED = ".part"
"""Suffix of the temporary file, whose name is that of the file between a dot and something random."""


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write `content` (text as UTF-8) to `path`, making its folder; returns the path.

    A crash or a full disk leaves the previous file intact. Safe for several processes that write the same path: each
    has a temporary file of its own, the last one wins.

    Raises:
        OSError: the folder cannot be made or written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}{UNFINISHED}")
    try:
        with temporary.open("xb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)
    return target


def expect_writable(path: str | os.PathLike[str]) -> Path:
    """Find out now whether `write_atomically` will be able to write `path`: for programs that work long before.

    Makes the folder, and writes and removes an empty file in it; returns the path.

    Raises:
        OSError: the folder cannot be made or written, or `path` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    probe = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}-probe{UNFINISHED}")
    try:
        write_atomically(probe, b"")
    finally:
        if probe.parent.is_dir():
            probe.unlink(missing_ok=True)
    return target


def remove_unfinished(folder: Path, pattern: str = "*") -> None:
    """Remove what killed writers of files named like `pattern` left behind in the folder."""
    for left in folder.glob(f".{pattern}.*{UNFINISHED}"):
        left.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself durable, where the system can open folders (not Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

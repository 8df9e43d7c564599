"""JournaledFile: a file that is changed in place, and that a kill at any moment leaves as it was at some commit.

What is written behind the end of the last commit goes to its place at once: nothing that was committed refers to it.
What is written before that end waits in memory. A commit writes it to a journal beside the file, atomically, and only
then to its place; who opens the file next does what the journal of a killed writer says. So bulk data are written once,
and the little that an index changes twice.

HDF5 needs this: a process that is killed while HDF5 writes its index leaves a file that nothing can open.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from equiviz.datasets.errors import DatasetError
from equiviz.structures.atomic_file import write_atomically

if TYPE_CHECKING:
    from typing_extensions import Buffer

PAGE = 4096
JOURNAL = ".journal"
"""Suffix of the journal: magic, SHA-256 of the rest, the file's length; then place, length and bytes of each page."""
_MAGIC = b"equiviz journal\n"
_NUMBER = struct.Struct("<Q")


class JournaledFile:
    """A file opened for reading and changing, by one process at a time; what `h5py.File` needs of a file object.

    Bytes that were never written, in the middle or at the end, may be anything.

    Args:
        path: an existing file. A journal that a killed writer left is carried out first.

    Raises:
        DatasetError: another process has it open for writing, or its journal is damaged.
        OSError: it cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("r+b", buffering=0)
        try:
            _lock(self._file, path)
            if journal_of(path).exists():
                self._carry_out(_read_journal(path))
        except BaseException:
            self._file.close()
            raise
        self._kept = self._size = os.fstat(self._file.fileno()).st_size
        self._pages: dict[int, bytearray] = {}  # by number: what is to stand before `_kept`
        self._place = 0
        self._closed = False
        self._failure: OSError | None = None

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place from the start, or, with ``io.SEEK_END``, from the end; returns it from the start."""
        self._place = place + (self._size if whence == io.SEEK_END else 0)
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def read(self, count: int) -> bytes:
        """So many bytes; zeros beyond the end."""
        found = bytearray(count)
        self.readinto(found)
        return bytes(found)

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer; zeros beyond the end."""
        view = memoryview(buffer).cast("B")
        start, end = self._place, self._place + len(view)
        self._fill(start, view)
        for number in range(start // PAGE, -(-min(end, self._kept) // PAGE)):
            page, first = self._pages.get(number, b""), number * PAGE
            low, high = max(start, first), min(end, first + len(page))
            if low < high:
                view[low - start : high - start] = page[low - first : high - first]
        self._place = end
        return len(view)

    def write(self, buffer: Buffer) -> int:
        """Write all of the buffer: before the end of the last commit into memory, behind it into the file."""
        view = memoryview(buffer).cast("B")
        start, end = self._place, self._place + len(view)
        if not self._closed:
            inside = max(0, min(end, self._kept) - start)
            self._remember(start, view[:inside])
            try:
                self._put(start + inside, view[inside:])
            except OSError as full:  # HDF5 is not told, which would not know what to do: there will be no commit
                self._failure = full
        self._place, self._size = end, max(self._size, end)
        return len(view)

    def truncate(self, size: int) -> int:
        """Set the length; what was committed loses nothing before the next commit. A longer file ends with anything."""
        self._size = size
        if not self._closed:
            self._file.truncate(max(size, self._kept))
        return size

    def flush(self) -> None:
        """Nothing: only `commit` makes anything last."""

    def commit(self) -> None:
        """Make all that was written last.

        Raises:
            OSError: the disk is full, say, or was when it was written; the file is as it was at the commit before.
        """
        if self._failure is not None:
            raise self._failure
        os.fsync(self._file.fileno())
        pages = {number * PAGE: bytes(page) for number, page in self._pages.items()}
        write_atomically(journal_of(self._path), _journal(self._size, pages))
        self._carry_out((self._size, pages))
        self._kept, self._pages = self._size, {}

    def close(self) -> None:
        """Close it; what was not committed never was.

        What HDF5 reads and writes when it is closed after this is zeros, and forgotten: so a full disk does not matter.
        """
        if not self._closed:
            self._closed = True
            self._file.truncate(self._kept)
            self._file.close()

    def _remember(self, start: int, view: memoryview) -> None:
        done = 0
        while done < len(view):
            number, offset = divmod(start + done, PAGE)
            page = self._page(number)
            count = min(len(page) - offset, len(view) - done)
            page[offset : offset + count] = view[done : done + count]
            done += count

    def _page(self, number: int) -> bytearray:
        """A page as it is to be; the last one ends where the last commit did."""
        if number not in self._pages:
            page = bytearray(min(PAGE, self._kept - number * PAGE))
            self._fill(number * PAGE, memoryview(page))
            self._pages[number] = page
        return self._pages[number]

    def _fill(self, start: int, view: memoryview) -> None:
        """Read what stands in the file."""
        done = 0
        if not self._closed:
            self._file.seek(start)
        while not self._closed and done < len(view) and (count := self._file.readinto(view[done:])):
            done += count
        view[done:] = bytes(len(view) - done)

    def _put(self, start: int, view: memoryview) -> None:
        """Write into the file."""
        self._file.seek(start)
        done = 0
        while done < len(view):
            done += self._file.write(view[done:])

    def _carry_out(self, journal: tuple[int, dict[int, bytes]]) -> None:
        """Do what a journal says: any number of times, the result is the same."""
        size, pages = journal
        for start, page in pages.items():
            self._put(start, memoryview(page))
        self._file.truncate(size)
        os.fsync(self._file.fileno())
        journal_of(self._path).unlink(missing_ok=True)


def journal_of(path: Path) -> Path:
    """Where the journal of a file stands, while there is one."""
    return path.with_name(path.name + JOURNAL)


def recover(path: Path) -> None:
    """Carry out the journal of a killed writer, where there is one.

    Raises:
        DatasetError: another process has the file open for writing, or the journal is damaged.
        OSError: the file cannot be written.
    """
    if journal_of(path).exists():
        JournaledFile(path).close()


def _journal(size: int, pages: dict[int, bytes]) -> bytes:
    body = [_NUMBER.pack(size)]
    for start, page in pages.items():
        body += [_NUMBER.pack(start), _NUMBER.pack(len(page)), page]
    content = b"".join(body)
    return _MAGIC + hashlib.sha256(content).digest() + content


def _read_journal(path: Path) -> tuple[int, dict[int, bytes]]:
    place = journal_of(path)
    found = place.read_bytes()
    head = len(_MAGIC) + hashlib.sha256().digest_size
    content = found[head:]
    if found[:head] != _MAGIC + hashlib.sha256(content).digest():
        raise DatasetError(place, "damaged, or no journal of ours; remove it if the file beside it opens without")
    (size,), rest, pages = _NUMBER.unpack_from(content), content[_NUMBER.size :], dict[int, bytes]()
    while rest:
        (start,), (length,) = _NUMBER.unpack_from(rest), _NUMBER.unpack_from(rest, _NUMBER.size)
        body = 2 * _NUMBER.size
        pages[start], rest = rest[body : body + length], rest[body + length :]
    return size, pages


def _lock(file: io.FileIO, path: Path) -> None:
    """Refuse a second writer; HDF5 itself refuses readers by the same lock. Windows has no such lock."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        raise DatasetError(path, "another process is writing it; wait for its end, or choose another file") from busy

"""HologramFile: the holograms of many structure files in one HDF5 file.

    /                       attributes: format, schema, channels, basis, norm, n_max, l_max, radius (Å)
    /files/NAME             attributes: protein (percent-encoded), sha256, size (bytes), mtime_ns of the structure file
    /files/NAME/coefficients    [S, W] float32, as `Hologram.coefficients`
    /files/NAME/classes         [S] int8, as `Hologram.classes`
    /files/NAME/sites           [S] text
    /problems/NAME          one text: why a file gave no hologram; attributes: sha256, size, mtime_ns of the file and
                            version of the package that refused it, where to read it again would give the same

NAME is the path of the structure file as seen from the folder of the HDF5 file, percent-encoded: "..%2Fpdb%2F1PGA.pdb".
Nothing is compressed: gzip makes the coefficients 22 % smaller, and takes longer (30 MB/s) than to project them.
One process writes (`HologramWriter`), see `journaled_file.py` for what a kill leaves.
"""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins.hdf5_door import Attributes, decoded, encoded, fixed, h5py, in_words
from equiviz.datasets.proteins.hologram_settings import HologramSettings
from equiviz.datasets.proteins.journaled_file import JournaledFile, journal_of, recover
from equiviz.holograms.errors import HologramError
from equiviz.holograms.hologram import Hologram, Origin
from equiviz.structures.atomic_file import write_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

FORMAT = "equiviz-holograms"
SCHEMA = 1
FILES, PROBLEMS = "files", "problems"
VERSIONS = ("v108", "v110")
"""Of HDF5: older ones have slow large groups, newer ones mark a file that was not closed as unusable."""


@dataclass(frozen=True)
class Source:
    """What a structure file was when it was read: SHA-256 in hexadecimal, bytes, time of the last change."""

    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Refused:
    """Why a structure file gives no hologram.

    Attributes:
        why: a sentence.
        source: the file, where its content is the reason; None where another attempt may succeed.
        version: of the package that read it; another one may read more.
    """

    why: str
    source: Source | None = None
    version: str = ""


@dataclass(frozen=True, eq=False)
class Projected:
    """The hologram of one structure file as arrays; S sites, W coefficients of each.

    Attributes:
        coefficients: ``[S, W]``.
        classes: ``[S]``, amino acids 0 to 19.
        sites: what people call each.
        protein: its name.
        source: the structure file.
    """

    coefficients: NDArray[np.float32]
    classes: NDArray[np.int8]
    sites: tuple[str, ...]
    protein: str
    source: Source


class HologramFile:
    """A file of holograms, opened for reading; use it in a ``with`` statement.

    Iterating gives the names of the structure files, in order.

    Args:
        path: an HDF5 file that `project_files` wrote.

    Raises:
        DatasetError: no such file, no file of ours, a damaged one, or one that another process is writing.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DatasetError(self.path, "no such file; `equiviz holograms PATHS --out FILE` makes one")
        with in_words(self.path):
            recover(self.path)
            self._open(self.path, "r")

    def _open(self, file: Path | JournaledFile, mode: str, wanted: HologramSettings | None = None) -> None:
        library = h5py()
        try:
            self._file: Any = library.File(file, mode, libver=VERSIONS)
        except BlockingIOError as busy:
            raise DatasetError(self.path, "another process is writing it; read it when that has ended") from busy
        try:
            self.settings = _settings(self.path, Attributes(self._file), wanted)
            self._files, self._problems = (self._group(self._file, name) for name in (FILES, PROBLEMS))
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the structure files with holograms: their paths as seen from the folder of this file, in order."""
        with in_words(self.path):
            return tuple(sorted(map(decoded, self._files)))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        """Number of structure files with holograms."""
        with in_words(self.path):
            return len(self._files)

    def __contains__(self, name: object) -> bool:
        with in_words(self.path):
            return isinstance(name, str) and encoded(name) in self._files

    @property
    def problems(self) -> dict[str, str]:
        """By name, why a structure file gave no hologram."""
        with in_words(self.path):
            return {decoded(key): self._problem(key) for key in sorted(self._problems)}

    @property
    def sites(self) -> int:
        """Number of sites of all files."""
        with in_words(self.path):
            groups = (self._group(self._files, key) for key in self._files)
            return sum(len(self._dataset(group, "classes", np.int8, 1)) for group in groups)

    def source(self, name: str) -> Source:
        """What the structure file was when it was read.

        Raises:
            DatasetError: no such name, or a damaged file.
        """
        attributes = Attributes(self._entry(name))
        with in_words(self.path):
            return _source(attributes)

    def refused(self, name: str) -> Refused | None:
        """Why a structure file gave no hologram, with what it was then; None where it is no such file."""
        key = encoded(name)
        with in_words(self.path):
            if key not in self._problems:
                return None
            why, attributes = self._problem(key), Attributes(self._problems[key])
            if "sha256" not in attributes:
                return Refused(why)
            return Refused(why, _source(attributes), str(attributes["version"]))

    def read(self, name: str) -> Hologram:
        """The hologram of one structure file.

        Args:
            name: one of `names`, or its last parts ("1PGA.pdb") where only one ends so.

        Raises:
            DatasetError: no such name, several, or a damaged file.
        """
        entry = self._entry(self._complete(name))
        with in_words(self.path):
            coefficients = self._array(entry, "coefficients", np.float32, 2)  # [S, W]
            classes = self._array(entry, "classes", np.int8, 1)
            sites = [site.decode() for site in self._array(entry, "sites", np.bytes_, 1).tolist()]
            if not len(coefficients) == len(classes) == len(sites) or not ((classes >= -1) & (classes < 20)).all():
                raise DatasetError(self.path, f"{name}: expected as many classes and names as sites, classes below 20")
            kinds = torch.from_numpy(classes.astype(np.int64))
            values, settings, protein = torch.from_numpy(coefficients), self.settings, Attributes(entry)["protein"]
            origin, called = Origin(radius=settings.radius), decoded(str(protein))
            return Hologram.of(values, settings.channels, settings.basis, kinds, sites, called, origin)

    def _complete(self, name: str) -> str:
        if name in self:
            return name
        found = [one for one in self.names if one.endswith("/" + name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise DatasetError(self.path, f"{len(found)} files are called {name!r}: expected one of {_few(found)}")
        why = self.problems.get(name)
        more = f"it gave none: {why}" if why else f"expected one of {_few(list(self.names))}"
        raise DatasetError(self.path, f"no hologram of {name!r}; {more}")

    def _entry(self, name: str) -> Any:
        if name not in self:
            raise DatasetError(self.path, f"no hologram of {name!r}; expected one of {_few(list(self.names))}")
        with in_words(self.path):
            return self._group(self._files, encoded(name))

    def _group(self, parent: Any, key: str) -> Any:
        """A group of this very file: a link could lead anywhere on the disk."""
        library = h5py()
        if not isinstance(parent.get(key, getlink=True), library.HardLink) or not isinstance(
            found := parent[key], library.Group
        ):
            raise DatasetError(self.path, f"expected a group {key!r}; the file is damaged, or not ours")
        return found

    def _array(self, entry: Any, key: str, kind: type[np.generic], dimensions: int) -> NDArray[Any]:
        return self._dataset(entry, key, kind, dimensions)[...]

    def _dataset(self, entry: Any, key: str, kind: type[np.generic], dimensions: int) -> Any:
        """An array that lies in this very file, and is no larger than that; not yet read."""
        found: Any = entry[key] if isinstance(entry.get(key, getlink=True), h5py().HardLink) else None
        sound = isinstance(found, h5py().Dataset) and np.issubdtype(found.dtype, kind) and found.ndim == dimensions
        # Another storage than contiguous is not ours: external files, and chunks that a few bytes may unpack to.
        if not sound or found.external or found.chunks or found.is_virtual or found.nbytes > self._size():
            raise DatasetError(self.path, f"{decoded(entry.name)}: expected an array {key!r} of {kind.__name__}")
        return found

    def _size(self) -> int:
        return self.path.stat().st_size

    def _problem(self, key: str) -> str:
        return self._array(self._problems, key, np.bytes_, 0).item().decode("utf-8", "replace")


class HologramWriter(HologramFile):
    """The same, opened for adding holograms by one process; made where there is none.

    What `commit` has seen survives a kill at any moment. Leaving the ``with`` statement commits, by an exception too.

    Args:
        path: an HDF5 file, or none yet.
        settings: how the holograms are projected; a file belongs to one.

    Raises:
        DatasetError: the path is something else, which is left alone; a file of other settings; a damaged file; one
            that another process is writing.
    """

    def __init__(self, path: str | os.PathLike[str], settings: HologramSettings) -> None:
        self.path = Path(path)
        self._whole = True
        library = h5py()
        with in_words(self.path):
            if not os.path.lexists(self.path):
                _create(self.path, settings)
            if not self.path.is_file() or not library.is_hdf5(self.path):
                raise DatasetError(self.path, "exists, and is no file of holograms; it is left alone: choose another")
            self._journal = JournaledFile(self.path)
            try:
                self._open(self._journal, "r+", settings)
            except BaseException:
                self._journal.close()
                raise

    def add(self, name: str, found: Projected) -> None:
        """Add the hologram of a structure file, in place of what there is of this name.

        Raises:
            DatasetError: the disk is full, say.
        """
        with self._change(name) as key:
            group = self._files.create_group(key)
            texts = np.array([site.encode() for site in found.sites], dtype=np.bytes_)
            group["sites"] = texts.astype(h5py().string_dtype("utf-8", max(1, texts.itemsize)))
            group["classes"] = found.classes
            group["coefficients"] = found.coefficients
            group.attrs.update(fixed({"protein": encoded(found.protein), **vars(found.source)}))

    def refuse(self, name: str, problem: Refused) -> None:
        """Note why a structure file gives no hologram."""
        with self._change(name) as key:
            self._problems[key] = fixed({key: problem.why})[key]
            if problem.source is not None:
                self._problems[key].attrs.update(fixed({**vars(problem.source), "version": problem.version}))

    def commit(self) -> None:
        """Make what was added last.

        Raises:
            DatasetError: the disk is full, say; the file is as it was at the commit before.
        """
        with in_words(self.path), self._unbroken():
            self._file.flush()
        with in_words(self.path):
            self._journal.commit()  # if interrupted, can be done again

    def close(self) -> None:
        """Commit, and close; where a change was interrupted in the middle, as it was at the last commit."""
        if not self._file:
            return
        try:
            if self._whole:
                self.commit()
        finally:
            self._journal.close()
            with suppress(OSError, RuntimeError, ValueError):  # nothing of it matters any more
                self._file.close()

    @contextmanager
    def _change(self, name: str) -> Generator[str]:
        key = encoded(name)
        with in_words(self.path), self._unbroken():
            for group in (self._files, self._problems):
                if key in group:
                    del group[key]
            yield key

    @contextmanager
    def _unbroken(self) -> Generator[None]:
        """An exception inside, Ctrl-C too, leaves HDF5 with half a change: from then on nothing is committed."""
        before, self._whole = self._whole, False
        yield
        self._whole = before


def _source(attributes: Mapping[str, Any]) -> Source:
    return Source(str(attributes["sha256"]), int(attributes["size"]), int(attributes["mtime_ns"]))


def _create(path: Path, settings: HologramSettings) -> None:
    memory = io.BytesIO()
    with h5py().File(memory, "w", libver=VERSIONS) as file:
        file.attrs.update(fixed({"format": FORMAT, "schema": SCHEMA, "basis": "zernike", **settings.to_dict()}))
        file.create_group(FILES)
        file.create_group(PROBLEMS)
    journal_of(path).unlink(missing_ok=True)  # of a file that is no more
    write_atomically(path, memory.getvalue())


def _settings(path: Path, attributes: Mapping[str, Any], wanted: HologramSettings | None) -> HologramSettings:
    if attributes.get("format") != FORMAT or attributes.get("basis") != "zernike":
        raise DatasetError(path, "an HDF5 file, but none of holograms; it is left alone: choose another")
    if attributes.get("schema") != SCHEMA:
        raise DatasetError(path, f"expected schema {SCHEMA}, got {attributes.get('schema')}: of another equiviz")
    try:
        found = HologramSettings.from_dict(attributes)
    except HologramError as problem:
        raise DatasetError(path, f"damaged: its settings are impossible. {problem}") from problem
    old, new = found.to_dict(), (wanted or found).to_dict()
    changes = ", ".join(f"{key} was {old[key]!r}, now {new[key]!r}" for key in old if old[key] != new[key])
    if changes:
        raise DatasetError(path, f"this file belongs to other settings ({changes}); choose another file")
    return found


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" ... ({len(names)} in all)" if len(names) > 8 else "") or "none: it is empty"

"""`project_files`: the holograms of folders of structure files into one file, in parallel, and resumable.

Workers read and project, one structure each; this process alone writes. Every few seconds what is done is made to
last: after an interruption, of whatever kind, the same call goes on where that was. A structure file that has changed
since is projected anew. One whose content was refused is not read again by the same version of the package while it is
unchanged; one that gave another problem (memory, a library that is absent) is tried again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Generator, Iterable
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from equiviz import __version__
from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins.hologram_file import HologramWriter, Projected, Refused, Source
from equiviz.datasets.proteins.hologram_settings import HologramSettings
from equiviz.datasets.proteins.lasting_workers import in_processes, on_cluster
from equiviz.datasets.proteins.protein_set import ENDINGS
from equiviz.holograms.errors import HologramError
from equiviz.structures.errors import StructureError
from equiviz.symmetry.errors import EquivizError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Outcome: TypeAlias = "Projected | Refused"
"""The hologram, or why there is none."""
Outcomes: TypeAlias = "Generator[tuple[Path, Outcome | None], None, None]"
KILLED = "the process that projected it died twice, the second time with this file alone; is there enough memory?"
COMMIT_EVERY = 2.0
"""Seconds: what a kill of this very process costs at most."""
MOST_WORKERS = 8
"""By default: beyond, reading the files and writing the holograms are as slow as projecting."""


@dataclass(frozen=True)
class HologramSummary:
    """What became of a set of structure files.

    Attributes:
        out: the file of holograms.
        asked: how many structure files were asked for.
        projected: of how many the holograms were added now; ``sites``: how many sites these have.
        seconds: what that took, with the start of the workers.
        problems: by name, why a file gave none.
        total: files and sites that ``out`` holds in all.
        unread: how many of the problems were known from before, of files that are unchanged: these were not read again.
        rate: sites per second after the first file was done, so without the start; None of fewer than two files.
    """

    out: Path
    asked: int
    projected: int
    sites: int
    seconds: float
    problems: dict[str, str]
    total: tuple[int, int]
    unread: int = 0
    rate: float | None = None

    @property
    def before(self) -> int:
        """How many of the files had been done before."""
        return self.asked - self.projected - len(self.problems)

    def describe(self) -> str:
        """Sentences, with one line for each problem."""
        speed = "" if self.rate is None else f" ({self.rate:,.0f} sites/s after the start)"
        counts = f"{self.projected} projected now, {self.before} before, {len(self.problems)} gave none"
        known = f" ({self.unread} of them unchanged since the last run, and not read again)" if self.unread else ""
        now = f"{self.sites:,} sites in {self.seconds:.1f} s{speed}; " if self.projected else ""
        lines = [
            f"{self.asked} files: {counts}{known}.",
            f"{now}{self.out} holds {self.total[1]:,} sites of {self.total[0]} files.",
        ]
        return "\n".join(lines + [f"  {_printed(name)}: {_printed(why)}" for name, why in self.problems.items()])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        total = {"files": self.total[0], "sites": self.total[1]}
        return {**vars(self), "out": str(self.out), "before": self.before, "total": total}


def project_files(
    paths: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    settings: HologramSettings | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = False,
) -> HologramSummary:
    """Project structure files into a file of holograms, or finish what was interrupted.

    Args:
        paths: structure files, and folders of them, with all their subfolders.
        out: an HDF5 file; one of the same settings is added to.
        settings: how to project; as published by default.
        workers: processes; 1 works in this one; by default the number of cores, at most 8.
        scheduler: a Dask cluster instead: its address, whose workers must see the files by the same paths, or
            ``"local[2]"``.
        progress: whether to draw a bar, and to tell of a file that is added to.

    Raises:
        MissingLibrary: Dask is not installed, and a scheduler is asked for.
        DatasetError: a path that does not exist; no structure files; see `HologramWriter` for ``out``; the cluster
            cannot be reached.
        GenerationError: ``scheduler`` is none of these.
        HologramError: impossible settings.
    """
    files = structure_files_under(paths)
    if workers is not None and workers < 1:
        raise DatasetError(None, f"Expected at least one worker, got {workers}.")
    start = time.perf_counter()
    settings = settings or HologramSettings()
    with HologramWriter(out, settings) as file:
        names = {path: name_beside(path, file.path) for path in files}
        undone = [path for path in files if not _is_done(path, names[path], file)]
        left = [path for path in undone if not _is_refused(path, names[path], file)]
        if progress and len(file):
            done = len(files) - len(undone)
            print(f"{file.path} has {len(file)} files already; {done} of them are asked for and kept.", file=sys.stderr)
        with _outcomes(left, settings, workers, scheduler) as outcomes:
            counted = _collect(outcomes, file, names, len(files), progress, len(left))
        asked = set(names.values())
        problems = {name: why for name, why in file.problems.items() if name in asked}
        unread = len(undone) - len(left)
        return HologramSummary(
            out=file.path,
            asked=len(files),
            projected=len(undone) - len(problems),
            sites=counted.sites,
            seconds=time.perf_counter() - start,
            problems=problems,
            total=(len(file), file.sites),
            unread=unread,
            rate=counted.rate,
        )


def structure_files_under(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Absolute paths of the files, and of the structure files in the folders and their subfolders; each once.

    Raises:
        DatasetError: a path that does not exist; not one structure file.
    """
    given = [Path(os.path.abspath(path)) for path in paths]  # keeps symbolic links, as `Path.resolve` does not
    found: dict[Path, None] = {}
    for path in given:
        if not path.exists():
            raise DatasetError(path, "no such file or folder")
        found.update(dict.fromkeys(_inside(path) if path.is_dir() else [path]))
    if not found:
        where = ", ".join(map(str, given)) or "no path"
        raise DatasetError(None, f"No structure files in {where}: expected names that end in {', '.join(ENDINGS)}.")
    return list(found)


def _inside(folder: Path) -> list[Path]:
    found = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    return sorted(path for path in found if path.name.lower().removesuffix(".gz").endswith(ENDINGS))


def name_beside(path: Path, file: Path) -> str:
    """What a structure file is called in a file of holograms: its path as seen from there, with forward slashes."""
    try:
        return Path(os.path.relpath(path, os.path.abspath(file.parent))).as_posix()
    except ValueError:  # on another drive of Windows
        return path.as_posix()


def _is_done(path: Path, name: str, file: HologramWriter) -> bool:
    """Whether the hologram of this very content is there."""
    if name not in file:
        return False
    return _is_unchanged(path, file.source(name))


def _is_refused(path: Path, name: str, file: HologramWriter) -> bool:
    """Whether this version of the package has refused this very content before."""
    known = file.refused(name)
    if known is None or known.source is None or known.version != __version__:
        return False
    return _is_unchanged(path, known.source)


def _is_unchanged(path: Path, source: Source) -> bool:
    """Whether a file is what it was: by size and time, else by its content."""
    try:
        status = path.stat()
        if status.st_size != source.size:
            return False
        return status.st_mtime_ns == source.mtime_ns or _sha256(path) == source.sha256
    except OSError:
        return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def project_file(path: Path, settings: HologramSettings) -> Outcome:
    """Project one structure file with one thread; whatever goes wrong becomes a sentence."""
    try:
        status = path.stat()
        source = Source(_sha256(path), status.st_size, status.st_mtime_ns)
    except OSError as problem:
        return Refused(f"{path}: cannot be read: {problem}")
    try:
        with _threads().limit(limits=1):
            found = settings.project(path)
    except (StructureError, HologramError) as problem:
        lasting = not isinstance(problem.__cause__, OSError)  # a disk that fails may come back
        return Refused(str(problem), source if lasting else None, __version__)
    except EquivizError as problem:
        return Refused(str(problem))
    except Exception as problem:
        return Refused(f"{path}: {type(problem).__name__}: {str(problem)[:300]}")
    return Projected(
        coefficients=found.coefficients.numpy(),
        classes=found.classes.numpy().astype(np.int8),
        sites=found.sites,
        protein=found.name,
        source=source,
    )


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of this process: of the libraries that it has loaded, so those of a projection come first."""
    import scipy.linalg
    from threadpoolctl import ThreadpoolController

    from equiviz.holograms import moments_kernel

    _ = scipy.linalg, moments_kernel
    return ThreadpoolController()


@contextmanager
def _outcomes(
    paths: list[Path], settings: HologramSettings, workers: int | None, scheduler: str | None
) -> Generator[Outcomes]:
    function = partial(project_file, settings=settings)
    count = min(workers or min(_cores(), MOST_WORKERS), max(1, len(paths)))
    if scheduler is not None:
        with _cluster(scheduler) as client:
            yield on_cluster(function, paths, client)
        return
    found = in_processes(function, paths, count) if count > 1 else ((path, function(path)) for path in paths)
    try:
        yield found
    finally:
        found.close()  # ends the processes


@contextmanager
def _cluster(scheduler: str) -> Generator[Any]:
    from equiviz.datasets.glass.workers import dask_client

    try:
        with dask_client(scheduler, "protein") as client:
            yield client
    except (OSError, CancelledError) as lost:
        why = f"The Dask cluster {scheduler} is lost ({type(lost).__name__}: {str(lost)[:200]})"
        raise DatasetError(None, f"{why}; start the same again to go on.") from lost


@dataclass
class _Counted:
    """What came: the sites; those of the first file, and when it was done, in seconds of `time.perf_counter`."""

    sites: int = 0
    files: int = 0
    first: int = 0
    since: float = 0.0
    until: float = 0.0

    def add(self, sites: int) -> None:
        self.sites += sites
        self.files += 1
        self.until = time.perf_counter()
        if self.files == 1:
            self.first, self.since = sites, self.until

    @property
    def rate(self) -> float | None:
        """Sites per second after the first file."""
        seconds = self.until - self.since
        return (self.sites - self.first) / seconds if self.files > 1 and seconds > 0 else None


def _collect(
    outcomes: Outcomes, file: HologramWriter, names: dict[Path, str], total: int, progress: bool, left: int
) -> _Counted:
    """Write what comes, and count it."""
    from tqdm.auto import tqdm

    counted, problems, committed = _Counted(), 0, time.monotonic()
    with tqdm(total=total, initial=total - left, desc="holograms", unit="file", disable=not progress) as bar:
        for path, outcome in outcomes:
            if outcome is None or isinstance(outcome, Refused):
                file.refuse(names[path], outcome or Refused(KILLED))
                problems += 1
            else:
                file.add(names[path], outcome)
                counted.add(len(outcome.classes))
            if time.monotonic() - committed >= COMMIT_EVERY:
                file.commit()
                committed = time.monotonic()
            bar.set_postfix(sites=counted.sites, problems=problems, refresh=False)
            bar.update()
    return counted


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _printed(text: str) -> str:
    """Names of files may hold anything: what a terminal would obey is written out."""
    return text if text.isprintable() else repr(text)[1:-1]

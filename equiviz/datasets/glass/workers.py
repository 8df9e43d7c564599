"""Where tasks run: in this process, or on a Dask cluster. The same tasks give the same results in both."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from equiviz.datasets.errors import GenerationError

Key = TypeVar("Key", bound=Hashable)
Task = tuple[Callable[..., Any], tuple[Any, ...]]
"""A pure function and its arguments."""


class Workers(Protocol):
    """Something that runs tasks."""

    def run(self, tasks: Iterable[tuple[Key, Task]]) -> Iterator[tuple[Key, Any]]:
        """Yield (key, result) of each task as it completes, in any order; ``tasks`` is drawn lazily."""
        ...


class Serial:
    """Runs tasks one after another in this process."""

    def run(self, tasks: Iterable[tuple[Key, Task]]) -> Iterator[tuple[Key, Any]]:
        """Yield (key, result) in the order of the tasks."""
        for key, (function, arguments) in tasks:
            yield key, function(*arguments)


class Cluster(Generic[Key]):
    """Runs tasks on a Dask cluster, at most ``ahead`` per thread in flight, so that memory stays bounded."""

    def __init__(self, client: Any, ahead: int = 3) -> None:
        self._client = client
        self._ahead = ahead

    def run(self, tasks: Iterable[tuple[Key, Task]]) -> Iterator[tuple[Key, Any]]:
        """Yield (key, result) as tasks complete; earlier tasks start earlier."""
        from distributed import as_completed

        source = iter(tasks)
        keys: dict[str, Key] = {}
        window = self._ahead * max(1, sum(self._client.nthreads().values()))
        completed = as_completed(self._submit(source, keys, window))
        for future in completed:
            yield keys.pop(future.key), future.result()
            for extra in self._submit(source, keys, 1):
                completed.add(extra)

    def _submit(self, source: Iterator[tuple[Key, Task]], keys: dict[str, Key], count: int) -> list[Any]:
        futures = []
        for _, (key, (function, arguments)) in zip(range(count), source, strict=False):
            future = self._client.submit(function, *arguments, pure=False, retries=2)
            keys[future.key] = key
            futures.append(future)
        return futures


@contextmanager
def workers(scheduler: str | None) -> Generator[Workers]:
    """Open the workers named by ``scheduler``: None (serial), ``"local[2]"`` (processes here), or a Dask address.

    Raises:
        MissingLibrary: Dask is asked for and not installed.
        GenerationError: ``scheduler`` is none of these.
    """
    if scheduler is None:
        yield Serial()
        return
    with dask_client(scheduler) as client:
        yield Cluster(client)


@contextmanager
def dask_client(scheduler: str, extra: str = "md") -> Generator[Any]:
    """Open the Dask cluster named by ``scheduler``: ``"local[2]"`` (processes here), or an address.

    Raises:
        MissingLibrary: Dask is not installed; ``extra`` of the package brings it.
        GenerationError: ``scheduler`` is none of these.
    """
    local = re.fullmatch(r"local\[([1-9]\d{0,3})\]", scheduler)
    if local is None and not re.match(r"(tcp|tls|ucx|ws|wss|inproc)://", scheduler):
        raise GenerationError(f"scheduler: expected 'local[2]' or an address like 'tcp://host:8786', got {scheduler!r}")
    try:
        from distributed import Client
    except ImportError as cause:
        from equiviz.symmetry.errors import MissingLibrary

        raise MissingLibrary("dask.distributed", extra) from cause
    if local is None:
        with Client(scheduler) as client:
            yield client
        return
    with _local_cluster(int(local[1])) as cluster, Client(cluster) as client:
        yield client


def _local_cluster(processes: int) -> Any:
    """One single-threaded process per worker: LAMMPS holds state per process."""
    from distributed import LocalCluster

    start: Any = LocalCluster
    return start(n_workers=processes, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0")

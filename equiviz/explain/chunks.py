"""Long work piece by piece: a function over parts that are drawn as they are needed, here or on a Dask cluster.

What is held at any moment is bounded: one part and one result here; on a cluster a few for each of its threads.
Results come in the order of the parts, and are the same in both places.

Dask sends functions and results as pickles between its own processes, which trust each other; nothing that a file or a
stranger holds is read that way.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sized
from itertools import islice
from typing import Protocol, TypeVar, cast

from equiviz.equivariance.late_bar import late_bar

Part = TypeVar("Part")
Result = TypeVar("Result")

AHEAD = 2
"""Parts in flight for each thread of a cluster: one that is worked on, one that waits."""


class Pending(Protocol):
    """What a cluster owes: a `distributed.Future`."""

    def result(self) -> object:
        """Wait for it; raises what the function raised."""
        ...

    def cancel(self) -> object:
        """Let go of it."""
        ...


class DaskClient(Protocol):
    """The part of a `dask.distributed.Client` that is used here."""

    def submit(self, function: Callable[..., object], /, *arguments: object, pure: bool, retries: int) -> Pending:
        """Send a task."""
        ...

    def nthreads(self) -> Mapping[str, int]:
        """Threads by worker."""
        ...


def in_chunks(
    function: Callable[[Part], Result],
    parts: Iterable[Part],
    client: DaskClient | None = None,
    *,
    progress: bool = True,
    what: str = "structures",
) -> Iterator[Result]:
    """Yield ``function(part)`` of each part, in their order.

    Args:
        function: of one part. On a cluster it is sent once, with all that it holds (a model, say), so that it has to be
            a function of a module or an instance of a class of one; each process works on a copy of its own.
        parts: drawn lazily, so that a generator of many structures never lies in memory as a whole.
        client: of a Dask cluster, `dask.distributed.Client`; None works here. One process runs one part at a time,
            however many threads it has: torch's own threads share the work, and hooks and default types are of the
            process. A worker that dies is replaced by another, three times.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.
        what: the parts are, beside the bar.

    Raises:
        whatever the function raises, also on a cluster.
    """
    total = len(parts) if isinstance(parts, Sized) else None
    found = map(function, parts) if client is None else _on_cluster(function, parts, client)
    with late_bar(what, total, "", progress=progress) as bar:
        for result in found:
            bar.update()
            yield result


def batches(entries: Iterable[Part], size: int) -> Iterator[list[Part]]:
    """Lists of `size` entries, the last perhaps shorter, drawn as they are needed.

    Raises:
        ValueError: a size below one.
    """
    if size < 1:
        raise ValueError(f"Expected batches of at least one entry, got size={size}.")
    source = iter(entries)
    while batch := list(islice(source, size)):
        yield batch


def _on_cluster(
    function: Callable[[Part], Result], parts: Iterable[Part], client: DaskClient
) -> Generator[Result, None, None]:
    from distributed.protocol.pickle import dumps

    # A task of its own rather than scattered data: the scheduler makes it again where the worker that held it is lost.
    sent = client.submit(bytes, dumps(function), pure=False, retries=3)
    window = AHEAD * max(1, sum(client.nthreads().values()))
    source, flight = iter(parts), deque[Pending]()
    try:
        while True:
            wanted = islice(source, window - len(flight))
            flight.extend(client.submit(_run, sent, part, pure=False, retries=3) for part in wanted)
            if not flight:
                return
            yield cast("Result", flight.popleft().result())
    finally:
        for pending in flight:
            pending.cancel()


_ONE_AT_A_TIME = threading.Lock()
_LAST: dict[bytes, Callable[[object], object]] = {}


def _run(sent: bytes, part: object) -> object:
    """On a worker: the function is read once, and kept until another comes."""
    from distributed.protocol.pickle import loads

    with _ONE_AT_A_TIME:
        if sent not in _LAST:
            _LAST.clear()
            _LAST[sent] = loads(sent)
        return _LAST[sent](part)

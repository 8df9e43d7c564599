"""Workers that may die: a function of many items in several processes, or on a Dask cluster; no item is lost.

A worker that dies, whatever killed it, takes nothing along: what was in flight is done again, one item at a time, so
that one that kills its worker, by the memory it takes say, is found out. It is given up when it does so again: its
result is None. Results come in the order in which they end.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

from equiviz.datasets.errors import DatasetError

Item = TypeVar("Item", bound=Hashable)
Result = TypeVar("Result")
Pairs: TypeAlias = "Generator[tuple[Item, Result | None], None, None]"
AHEAD = 3
"""Items per worker in flight: enough that none waits, few enough that memory stays bounded."""
FEWEST = 32
"""Items in flight on a cluster, which may get its workers later."""


def in_processes(function: Callable[[Item], Result], items: Sequence[Item], count: int) -> Pairs[Item, Result]:
    """In so many processes of this machine; closing the generator ends them.

    Raises:
        DatasetError: processes die before they have done anything.
    """
    waiting, suspects, seen = deque(items), deque[Item](), set[Item]()
    while waiting or suspects:
        running: dict[Future[Result], Item] = {}
        with _pool(count) as pool, suppress(BrokenProcessPool):
            yield from _drained(pool, function, suspects, 1, running)
            yield from _drained(pool, function, waiting, AHEAD * count, running)
        lost = list(running.values())  # with a process that died; else it is empty
        if len(lost) == 1 and lost[0] in seen:
            yield lost[0], None
        else:
            seen.update(lost)
            suspects.extend(lost)


def _drained(
    pool: ProcessPoolExecutor,
    function: Callable[[Item], Result],
    queue: deque[Item],
    ahead: int,
    running: dict[Future[Result], Item],
) -> Iterator[tuple[Item, Result]]:
    """Empty the queue; what is in flight stands in ``running``, also when a process dies."""
    while queue or running:
        while queue and len(running) < ahead:
            running[pool.submit(function, queue[0])] = queue[0]
            queue.popleft()
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            result = future.result()
            yield running.pop(future), result


@contextmanager
def _pool(count: int) -> Generator[ProcessPoolExecutor]:
    """Fresh processes: those that `fork` makes of a process with threads may hang."""
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_prepare)
    try:
        _expect_start(pool)
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _expect_start(pool: ProcessPoolExecutor) -> None:
    try:
        pool.submit(os.getpid).result()
    except BrokenProcessPool as problem:
        why = "Worker processes cannot be started: a script that starts some must do so under"
        raise DatasetError(None, f"{why} `if __name__ == '__main__':`. Or work in one process.") from problem


def _prepare() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when that is killed."""
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.join,), daemon=True).start()


def _end_with(ended: Callable[[], object]) -> None:
    ended()
    os._exit(1)


def on_cluster(function: Callable[[Item], Result], items: Sequence[Item], client: Any) -> Pairs[Item, Result]:
    """On a Dask cluster, which itself does again, three times, what a worker had in hand that died."""
    suspects: list[Item] = []
    for item, result in _completed(function, items, client, max(FEWEST, AHEAD * sum(client.nthreads().values()))):
        if result is None:
            suspects.append(item)
        else:
            yield item, result
    yield from _completed(function, suspects, client, 1)


def _completed(
    function: Callable[[Item], Result], items: Sequence[Item], client: Any, ahead: int
) -> Iterator[tuple[Item, Result | None]]:
    """None for an item whose workers died."""
    from distributed import KilledWorker, as_completed

    waiting, running = deque(items), dict[str, Item]()
    completed: Any = as_completed()
    while waiting or running:
        while waiting and len(running) < ahead:
            future = client.submit(function, waiting[0], pure=False)
            running[future.key] = waiting.popleft()
            completed.add(future)
        future = next(completed)
        try:
            result = future.result()
        except KilledWorker:
            result = None
        yield running.pop(future.key), result

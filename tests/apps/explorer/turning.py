"""A kernel to run in, and a turn to make, for the tests of the explorer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from equiviz.apps.explorer.face import Explorer
from equiviz.symmetry.groups import O3

Result = TypeVar("Result")
STAGE = "stage_layers.1"
G = O3.rotation((1.0, 2.0, 3.0), 0.6)


def in_a_kernel(work: Coroutine[object, object, Result]) -> Result:
    """Run where an event loop runs, as in a kernel."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asyncio.wait_for(work, 60)).result()


def turned(explorer: Explorer, g: O3) -> list[float]:
    return [float(x) for x in g.matrix.flatten()]

"""Dragging in the picture: how often it is drawn meanwhile, and what the kernel hears of it."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.view.pixels import canvas, changed, shown

if TYPE_CHECKING:
    from benchmarks.view.lab import Notebook

STEPS = 60
LIMIT = 60  # seconds until the page is quiet again


@dataclass(frozen=True)
class Dragged:
    """What a drag of `STEPS` steps did."""

    pictures: int
    interval: float  # median milliseconds from one drawn picture to the next
    changed: float  # share of pixels that differ after it
    asked: tuple[str, ...]  # what the page asked of the kernel, apart from the states of traits
    traits: tuple[str, ...]  # traits whose states it sent
    executions: int  # cells that the kernel ran meanwhile


def dragged(opened: Notebook) -> Dragged:
    """Press in the middle of the picture, draw a wave, release."""
    page, since = opened.page, opened.now()
    before, box = shown(page), canvas(page)
    if box is None:
        raise RuntimeError("there is no canvas to drag in")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    opened.quiet(opened.now(), 0, LIMIT)
    page.mouse.down()
    began = opened.now()
    for step in range(STEPS):
        page.mouse.move(x + 3 * step, y + 20 * (step % 10 - 5) / 10)
        page.wait_for_timeout(16)
    ended = opened.now()
    page.mouse.up()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] + 40)
    record = opened.quiet(since, 0, LIMIT)
    done = [picture["done"] for picture in record.pictures if began <= picture["begun"] <= ended]
    intervals = [after - before for before, after in itertools.pairwise(done)]
    sent = [one for one in record.messages if one["way"] == "out" and one["type"] == "comm_msg"]
    traits = sorted({trait for one in sent for trait in one["traits"]})
    middle = statistics.median(intervals) if intervals else float("inf")
    difference = changed(before, shown(page))
    return Dragged(len(done), middle, difference, tuple(record.asked()), tuple(traits), record.executions())

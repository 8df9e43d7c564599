"""The figures to reach (issue 4), and which of them a run missed.

Ratios are to the quickest of the other libraries in the same run. For all of them the first picture counts that has
everything in it, and a pixel for each of the screen's. What follows (ours smooths its edges when it stands still) is
told beside it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.view.cases import Case
from benchmarks.view.peers import OTHERS, OURS
from benchmarks.view.pixels import SHARE
from benchmarks.view.visit import Measured, Timing

RESPONSIVE = 200.0  # milliseconds from picture to picture: five a second, in software


@dataclass(frozen=True)
class Goal:
    """What a case has to reach; None: not asked."""

    frame: float | None = None  # of the best other library's seconds
    update: float | None = None
    update_seconds: float | None = None
    payload: float | None = None  # bytes per atom or glyph, of display and of update
    responsive: bool = False


GOALS = {
    ("atoms", 4096): Goal(0.5, 0.3, payload=20),
    ("atoms", 20_000): Goal(1.0, 1.0, payload=20),
    ("atoms", 100_000): Goal(responsive=True),
    ("glyphs", 500): Goal(0.1, 0.2, payload=120),
    ("glyphs", 4096): Goal(update_seconds=1.0),
}
OTHER_SIZES = Goal()


@dataclass(frozen=True)
class Summary:
    """The medians of all visits of a peer to a case; NaN where no visit got that far."""

    peer: str
    case: Case
    visits: list[Measured]

    def seconds(self, step: str, field: str = "first") -> float:
        """``step``: drawing or updating; ``field``: of `Timing`."""
        return _median(getattr(timing, field) for timing in self.timings(step))

    def each(self, step: str) -> float:
        """Bytes per atom or glyph."""
        return self.seconds(step, "payload") / self.case.count

    def timings(self, step: str) -> list[Timing]:
        """All that were measured."""
        found: Iterable[Timing | None] = (getattr(visit, step) for visit in self.visits)
        return [timing for timing in found if timing is not None]

    @property
    def interval(self) -> float:
        """Milliseconds from picture to picture while dragging."""
        return _median(visit.drag.interval for visit in self.visits if visit.drag is not None)

    @property
    def failure(self) -> str:
        """Of the first visit that failed."""
        return next((visit.failure for visit in self.visits if visit.failure), "")


def missed(summaries: list[Summary]) -> list[str]:
    """One line for each figure that was not reached."""
    lines: list[str] = []
    for ours in summaries:
        if ours.peer in OTHERS and not ours.timings("drawing") and any(visit.unmeasured for visit in ours.visits):
            lines.append(f"{ours.case.name}: {ours.peer} could not be measured: {ours.failure}")
        if ours.peer == OURS:
            lines += _missed(ours, [one for one in summaries if one.case == ours.case and one.peer in OTHERS])
    return lines


def best(others: list[Summary], step: str) -> float:
    """The quickest of the others, in seconds; NaN where none draws."""
    found = [one.seconds(step) for one in others]
    return min((value for value in found if not math.isnan(value)), default=math.nan)


def hand_faults(visit: Measured) -> list[str]:
    """What speaks against "the rotation of a glyph field costs no kernel call"."""
    drag = visit.drag
    if drag is None:
        return [f"rotation hand: {visit.failure or 'not measured'}"]
    found = {
        f"the page asked the kernel: {', '.join(drag.asked)}": bool(drag.asked),
        f"the kernel ran {drag.executions} cells": drag.executions > 0,
        f"only {drag.pictures} pictures were drawn meanwhile": drag.pictures < 5,
        "the picture is as before": drag.changed < SHARE,
        f"`turn` was not set (traits sent: {', '.join(drag.traits)})": "turn" not in drag.traits,
    }
    return [f"rotation hand: {words}" for words, wrong in found.items() if wrong]


def _missed(ours: Summary, others: list[Summary]) -> list[str]:
    goal, case = GOALS.get((ours.case.kind, ours.case.count), OTHER_SIZES), ours.case.name
    if ours.failure:
        return [f"{case}: {ours.failure}"]
    lines: list[str] = []

    def ask(what: str, value: float, limit: float | None, show: Callable[[float], str]) -> None:
        if limit is not None and value > limit:
            lines.append(f"{case}, {what}: {show(value)}, expected at most {show(limit)}")

    for step, name, limit in (("drawing", "first frame", goal.frame), ("updating", "update", goal.update)):
        ask(name, ours.seconds(step) / best(others, step), limit, lambda value: f"{value:.2f}x the best")
        ask(f"payload ({name})", ours.each(step), goal.payload, lambda value: f"{value:.1f} B each")
    ask("update", ours.seconds("updating"), goal.update_seconds, lambda value: f"{value:.2f} s")
    ask("orbit", ours.interval, RESPONSIVE if goal.responsive else None, lambda value: f"{value:.0f} ms a picture")
    return lines


def _median(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.median(found) if found else math.nan

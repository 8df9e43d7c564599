"""The table of a run, in Markdown."""

from __future__ import annotations

import math
import os
from dataclasses import fields

from benchmarks.machine import machine_line
from benchmarks.view.peers import OTHERS, OURS
from benchmarks.view.record import QUIET
from benchmarks.view.verdict import Summary, best
from benchmarks.view.visit import Timing

HEAD = (
    "| case | by | first frame (still), s | x best | update (still), s | x best "
    "| B each: display, update | script once, kB | orbit, ms | fails |"
)

TIMES = tuple(field.name for field in fields(Timing) if field.name != "payload")


def told(summaries: list[Summary], chromium: str) -> str:
    """Machine, versions, a row for each peer and case, and how far the repeats lie apart."""
    rows = [row(one, [other for other in summaries if other.case == one.case]) for one in summaries]
    found = {(one.peer, visit.version) for one in summaries for visit in one.visits if visit.version != "?"}
    versions = ", ".join(f"{peer} {version}" for peer, version in sorted(found))
    repeats = max((len(one.visits) for one in summaries), default=0)
    return "\n".join(
        [
            f"{machine_line()}; load {os.getloadavg()[0]:.1f}; {chromium}, software WebGL; {versions}",
            "",
            HEAD,
            "|" + "---|" * (HEAD.count("|") - 1),
            *rows,
            "",
            f"Medians of {repeats} visits, ± half the range, from running the cell to the first picture with "
            "everything in it and a pixel for each of the screen's; *still*: to the last picture before "
            f"{QUIET} s without pictures or messages, which for us is the one with smooth edges. *x best*: of the "
            f"quickest of {', '.join(OTHERS)}. *Orbit*: median time from picture to picture while dragging.",
        ]
    )


def row(one: Summary, together: list[Summary]) -> str:
    """One peer, one case."""
    others = [other for other in together if other.peer in OTHERS]
    bare = not one.peer.startswith(OURS)
    cells = [one.case.name, one.peer]
    for step in ("drawing", "updating"):
        cells += [_spread(one, step), "" if bare else _number(one.seconds(step) / best(others, step))]
    script = one.visits[0].script if one.visits else 0
    sizes = ", ".join(_number(one.each(step), 1) or "-" for step in ("drawing", "updating"))
    cells += [sizes, f"{script / 1000:.0f}" if script else "", _number(one.interval, 0), one.failure]
    return f"| {' | '.join(cells)} |"


def phases(summaries: list[Summary]) -> str:
    """Where the time goes: kernel, arrival of the last message, first and last picture; median seconds since start.

    In brackets what the picture itself took, from its first draw call until the graphics were done.
    """
    head = "| case | by | step | kernel busy | last message | picture (itself) | still picture (itself) |"
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for one in summaries:
        for step in ("drawing", "updating"):
            if one.timings(step):
                found = {name: _number(one.seconds(step, name)) for name in TIMES}
                pictures = f"{found['first']} ({found['painting']}) | {found['complete']} ({found['refining']})"
                start = f"| {one.case.name} | {one.peer} | {step} | {found['kernel']} | {found['arrived']} |"
                lines.append(f"{start} {pictures} |")
    return "\n".join(lines)


def _spread(one: Summary, step: str) -> str:
    timings = one.timings(step)
    if not timings:
        return "-"
    first = [timing.first for timing in timings]
    half = f" ± {(max(first) - min(first)) / 2:.2f}" if len(first) > 1 else ""
    return f"{one.seconds(step):.2f}{half} ({one.seconds(step, 'complete'):.2f})"


def _number(value: float, digits: int = 2) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"

"""python -m benchmarks.view [--cases "4,096 atoms" ...] [--peers equiviz plotly ...] [--repeats 3] [--out FILE].

Run from the top of the repository. Exit code 1 where a figure of issue 4 is missed; the missed ones are listed.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.view.cases import Case, chosen
from benchmarks.view.parts import fetch
from benchmarks.view.peers import OTHERS, OURS, PEERS
from benchmarks.view.table import phases, told
from benchmarks.view.verdict import Summary, hand_faults, missed
from benchmarks.view.visit import LIMIT, Measured, Place
from tests.browser_visits import NAMES

HAND = Case("glyphs", 500)


def main() -> None:
    """Measure, print, and judge."""
    wanted = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the server and the browser end with us
    with tempfile.TemporaryDirectory(prefix="equiviz-view-") as name:
        fetch(wanted.peers, Path(name))
        place = Place(wanted.chromium, wanted.limit, wanted.pictures)
        summaries = run(place, chosen(wanted.cases), wanted.peers, wanted.repeats)
        faults = hand(place) if wanted.hand else []
    version = subprocess.run([wanted.chromium, "--version"], capture_output=True, text=True).stdout.strip()
    faults = missed(summaries) + faults
    text = "\n\n".join([told(summaries, version), phases(summaries), verdict(faults, wanted.peers, wanted.hand)])
    print(text)
    if wanted.out:
        wanted.out.write_text(text + "\n")
    sys.exit(1 if faults else 0)


def arguments() -> argparse.Namespace:
    """Of the command line; refuses a machine without Chromium."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.view", description=__doc__)
    parser.add_argument("--cases", nargs="*", default=[], help="words of their names, or others: '64 atoms'")
    parser.add_argument("--peers", nargs="*", default=[OURS, *OTHERS], choices=list(PEERS), metavar="PEER")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for a picture")
    parser.add_argument("--no-hand", dest="hand", action="store_false", help="leave the rotation hand out")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each page at its end")
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    wanted.chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if wanted.chromium is None:
        parser.error("Chromium is not on this machine: apt-get install chromium")
    return wanted


def run(place: Place, cases: list[Case], peers: list[str], repeats: int) -> list[Summary]:
    """All visits; one after the other within a repeat, so that a busy moment of the machine hits all peers."""
    visits: dict[tuple[Case, str], list[Measured]] = {key: [] for key in pairs(cases, peers)}
    for case in cases:
        for repeat in range(repeats):
            for (which, peer), found in visits.items():
                if which == case and not (found and found[-1].failure):
                    found.append(visited(place, case, peer, repeat + 1))
    return [Summary(peer, case, found) for (case, peer), found in visits.items()]


def visited(place: Place, case: Case, peer: str, number: int) -> Measured:
    """A visit; another one where nothing could be measured, or where another library fails. Where we fail, we fail."""
    for again in (True, False):
        found = place.visit(peer, case, drag=peer.startswith(OURS))
        print(f"{case.name}, {peer}, {number}: {said(found)}", file=sys.stderr, flush=True)
        if not (again and (found.unmeasured or (found.failure and peer in OTHERS))):
            break
    return found


def pairs(cases: list[Case], peers: list[str]) -> Iterator[tuple[Case, str]]:
    """Who draws what."""
    return ((case, peer) for case in cases for peer in peers if case.peers or peer == OURS)


def hand(place: Place) -> list[str]:
    """What speaks against the rotation hand costing no kernel call."""
    return hand_faults(visited(place, HAND, "equiviz with the hand", 1))


def said(visit: Measured) -> str:
    """In a line, for those who wait."""
    timings = [f"{timing.complete:.2f} s" for timing in (visit.drawing, visit.updating) if timing is not None]
    return ", ".join(timings + ([visit.failure] if visit.failure else []))


def verdict(faults: list[str], peers: list[str], with_hand: bool) -> str:
    """The last words."""
    compared = [peer for peer in peers if peer in OTHERS]
    against = "" if compared else " (no other library was measured: no ratio was asked for)"
    handled = " Dragging the rotation hand: no kernel call." if with_hand else ""
    if not faults:
        return f"All figures are reached{against}.{handled}"
    return f"Missed{against}:\n" + "\n".join(f"- {fault}" for fault in faults)


if __name__ == "__main__":
    main()

"""Libraries that draw the cases, one per file; each file's classes `Atoms` and `Glyphs` draw and update in a notebook.

A file may be slow to import; `prepare` does it in a cell of its own, before anything is timed.
"""

from __future__ import annotations

import json
import resource
from importlib import import_module
from importlib.metadata import version
from typing import Protocol

from benchmarks.view.cases import Case
from benchmarks.view.surfaces import cuts, sphere

PEERS = {  # name: (file, distribution whose version is told)
    "equiviz": ("ours", "equiviz"),
    "equiviz with PNG": ("ours_with_picture", "equiviz"),
    "equiviz with the hand": ("ours_with_hand", "equiviz"),
    "plotly": ("plotly_widget", "plotly"),
    "plotly figure": ("plotly_figure", "plotly"),
    "py3Dmol": ("molecule", "py3Dmol"),
    "nglview": ("ngl", "nglview"),
}
OURS = "equiviz"
OTHERS = ("plotly", "plotly figure", "py3Dmol", "nglview")
MEMORY = 6 * 2**30  # bytes of a kernel: nglview's messages for 4,096 glyphs took all 23 GiB of a machine


class Drawing(Protocol):
    """What a notebook's cells call."""

    script_bytes: int  # of a script that is sent once per page, whatever is drawn

    def draw(self) -> None:
        """Show the case in the cell's output."""

    def update(self, turn: int) -> None:
        """Show the numbers of another turn in the same place."""


def prepare(peer: str, kind: str, count: int) -> Drawing:
    """Import the peer and make its drawing; prints one line that the benchmark waits for."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    file, distribution = PEERS[peer]
    module = import_module(f"benchmarks.view.peers.{file}")
    import_module("anywidget")  # imported late by those that use it
    case = Case(kind, count)  # type: ignore[arg-type]
    if kind == "glyphs":
        sphere(cuts(count))
    drawing: Drawing = (module.Atoms if kind == "atoms" else module.Glyphs)(case)
    print("PREPARED" + json.dumps({"version": version(distribution), "script_bytes": drawing.script_bytes}) + ".")
    return drawing

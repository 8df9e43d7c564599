"""Can the benchmark of the view fail? A page that draws nothing must be told as that, and a missed figure be listed."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.view.cases import CASES, Case
from benchmarks.view.drag import Dragged
from benchmarks.view.lab import Notebook
from benchmarks.view.record import SCRIPT, PageError
from benchmarks.view.verdict import Summary, hand_faults, missed
from benchmarks.view.visit import Measured, Timing, measured

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A page with three "cells", as measured() runs them; `paint(points, colour)` makes one draw call on a white canvas.
PAGE = """<!DOCTYPE html><body><canvas id="c" width="300" height="300"></canvas><script>
const context = (canvas) => canvas.getContext("webgl2", { preserveDrawingBuffer: true });
function paint(points, colour, gl = context(document.getElementById("c"))) {
  const program = gl.createProgram();
  const add = (kind, text) => { const s = gl.createShader(kind); gl.shaderSource(s, text); gl.compileShader(s);
    gl.attachShader(program, s); };
  add(gl.VERTEX_SHADER, "#version 300 es\\nvoid main() { gl_Position = vec4(0, 0, 0, 1); gl_PointSize = 200.0; }");
  const shade = `out vec4 c; void main() { c = vec4(${colour}, 1); }`;
  add(gl.FRAGMENT_SHADER, `#version 300 es\\nprecision highp float; ${shade}`);
  gl.linkProgram(program); gl.useProgram(program); gl.clearColor(1, 1, 1, 1); gl.clear(gl.COLOR_BUFFER_BIT);
  gl.drawArrays(gl.POINTS, 0, points);
}
const white = "1, 1, 1", red = "1, 0, 0", blue = "0, 0, 1";
const cells = [() => document.body.append('PREPARED{"version": "1", "script_bytes": 0}.'), () => {%s}, () => {%s}];
const shell = { currentWidget: { content: {} } };
globalThis.jupyterapp = { shell, commands: { execute: () => setTimeout(() => {
  cells[shell.currentWidget.content.activeCellIndex]();
  const time = performance.timeOrigin + performance.now();
  __record.messages.push({ way: "in", type: "status", state: "idle", parent: "execute_request", time, sent: time });
}, 20) } };
</script></body>"""
CASE = Case("atoms", 64)
DRAW, CHANGE = "paint(64, red)", "paint(64, blue)"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(offline=True)
    context.add_init_script(SCRIPT)
    yield context.new_page()
    context.close()


def visited(page: Page, folder: Path, first: str, update: str, limit: float = 20) -> Measured:
    (folder / "page.html").write_text(PAGE % (first, update))
    page.goto((folder / "page.html").as_uri())
    return measured(Notebook(page, silence=0.4), "a page", CASE, limit)


def test_a_page_that_draws_is_measured(page: Page, tmp_path: Path) -> None:
    found = visited(page, tmp_path, f"{DRAW}; setTimeout(() => {DRAW}, 300)", CHANGE)
    assert found.failure == ""
    assert found.drawing is not None
    assert found.updating is not None
    assert found.drawing.complete > found.drawing.first, "what is drawn later, but soon, belongs to the picture"


@pytest.mark.parametrize(
    ("first", "update", "failure"),
    [
        ("context(document.getElementById('c'))", CHANGE, "first frame: draws nothing (after 4 s)"),
        ("paint(63, red)", CHANGE, "first frame: draws 63 of 64 points"),
        (f"setInterval(() => {DRAW}, 100)", CHANGE, "first frame: is never still"),
        ("paint(64, white)", CHANGE, "first frame: draws nothing: 0.0 % of the canvas differ"),
        ("paint(64, red); document.getElementById('c').remove()", CHANGE, "first frame: draws nothing"),
        (DRAW, DRAW, "update: the picture stays as it was"),
        (DRAW, "", "update: draws nothing (after 4 s)"),
    ],
    ids=["no draw call", "one point missing", "never still", "white on white", "no canvas", "same again", "no update"],
)
def test_what_draws_nothing_is_told(page: Page, tmp_path: Path, first: str, update: str, failure: str) -> None:
    assert visited(page, tmp_path, first, update, limit=4).failure.startswith(failure)


def test_a_cell_that_does_not_run_is_told(page: Page, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE % (DRAW, CHANGE))
    page.goto((tmp_path / "page.html").as_uri())
    with pytest.raises(PageError, match="no cell ran"):
        Notebook(page, silence=0.4).quiet(Notebook(page).now(), CASE.points, limit=1)


def test_an_error_in_a_cell_is_told_at_once(page: Page, tmp_path: Path) -> None:
    say = "__record.messages.push({ way: 'in', type: 'error', error: 'ValueError: no', time: 1e15 })"
    assert visited(page, tmp_path, say, CHANGE).failure == "first frame: ValueError: no"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "const gl = context(new OffscreenCanvas(9, 9)); paint(64, red, gl)",
        "const f = document.createElement('iframe'); document.body.append(f);"
        "const c = f.contentDocument.createElement('canvas'); paint(64, red, context(c))",
        "const gl = document.createElement('canvas').getContext('webgl');"
        "gl.getExtension('ANGLE_instanced_arrays').drawArraysInstancedANGLE(gl.POINTS, 0, 8, 8)",
        "context(document.getElementById('c')).drawElementsInstanced(0, 16, 5123, 0, 4)",
    ],
    ids=["OffscreenCanvas", "iframe", "WebGL 1", "instances"],
)
def test_draw_calls_are_seen_wherever_they_are_made(page: Page, tmp_path: Path, elsewhere: str) -> None:
    (tmp_path / "page.html").write_text(PAGE % (elsewhere, ""))
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate("cells[1]()")
    page.wait_for_function("() => __record.pictures.length === 1 && __record.pictures[0].points === 64", timeout=20_000)


def message(kind: str, content: dict[str, object], parts: list[bytes]) -> bytes:
    """As jupyter_server packs it for v1.kernel.websocket.jupyter.org."""
    header = {"msg_type": kind, "date": "2026-01-01T00:00:00Z"}
    whole = [b"iopub", *(json.dumps(one).encode() for one in (header, {}, {}, content)), *parts]
    offsets = [8 * (len(whole) + 2)]
    for part in whole:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(whole)


def test_messages_are_weighed_and_named(chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True)
    context.add_init_script("globalThis.WebSocket = class extends EventTarget { constructor() { super(); } };" + SCRIPT)
    page = context.new_page()
    page.goto("about:blank")
    sent = message("comm_msg", {"data": {"method": "update", "state": {"turn": []}}}, [bytes(1000)])
    say = "socket.dispatchEvent(new MessageEvent('message', { data: new Uint8Array(told).buffer }));"
    page.evaluate(f"(told) => {{ const socket = new WebSocket('ws://a/api/kernels/1/channels'); {say} }}", list(sent))
    (heard,) = page.evaluate("() => __record.messages")
    context.close()
    assert heard["bytes"] == len(sent)
    assert (heard["way"], heard["type"], heard["method"], heard["traits"]) == ("in", "comm_msg", "update", ["turn"])


def summary(peer: str, case: Case, seconds: float, payload: int = 0, failure: str = "") -> Summary:
    timing = Timing(seconds, seconds, 0.0, 0.0, payload)
    return Summary(peer, case, [Measured(peer, case, drawing=timing, updating=timing, failure=failure)])


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (summary("equiviz", CASES[0], 0.29, 80_000), []),
        (summary("equiviz", CASES[0], 0.49, 80_000), ["update: 0.49x"]),
        (summary("equiviz", CASES[0], 0.51, 80_000), ["first frame: 0.51x", "update: 0.51x"]),
        (summary("equiviz", CASES[0], 0.1, 86_016), ["payload (first frame): 21.0 B", "payload (update): 21.0 B"]),
        (summary("equiviz", CASES[0], 0.1, 0, "draws nothing"), ["draws nothing"]),
    ],
    ids=["reached", "update", "both", "payload", "failure"],
)
def test_missed_figures_are_listed(ours: Summary, expected: list[str]) -> None:
    others = [summary("plotly", CASES[0], 3.0), summary("py3Dmol", CASES[0], 1.0)]
    lines = missed([ours, *others])
    assert len(lines) == len(expected)
    assert all(words in line for words, line in zip(expected, lines, strict=True))


def test_a_library_that_was_not_measured_is_told() -> None:
    """Otherwise a run without rivals would look like a run that beat them."""
    busy = Summary("plotly", CASES[0], [Measured("plotly", CASES[0], failure="notebook: connection refused")])
    broken = Summary("py3Dmol", CASES[0], [Measured("py3Dmol", CASES[0], failure="first frame: draws nothing")])
    (line,) = missed([summary("equiviz", CASES[0], 1.0), busy, broken])
    assert line == "4,096 atoms: plotly could not be measured: notebook: connection refused"


def test_a_hand_that_asks_the_kernel_is_told() -> None:
    quiet = Dragged(30, 30.0, 0.4, (), ("turn",), 0)
    asking = Dragged(30, 30.0, 0.4, ("comm_msg",), ("camera",), 1)
    still = Dragged(0, float("inf"), 0.0, (), ("turn",), 0)
    assert hand_faults(Measured("equiviz", CASE, drag=quiet)) == []
    assert len(hand_faults(Measured("equiviz", CASE, drag=asking))) == 3
    assert len(hand_faults(Measured("equiviz", CASE, drag=still))) == 2
    assert hand_faults(Measured("equiviz", CASE, failure="update: no")) == ["rotation hand: update: no"]

"""Opens the bundle in a real browser, from file://, and looks: pictures into /tmp/look, checks of what a reader does.

Run: .venv/bin/python js/test/look.py [pictures|checks|times] [name ...]
"""

from __future__ import annotations

import base64
import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import look_scenes
from look_checks import CHECKS, settle
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
BUNDLE = HERE.parents[1] / "equiviz" / "view" / "static" / "view.js"
OUT = Path("/tmp/look")
FLAGS = ["--no-sandbox", "--headless", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>look</title></head><body style="margin:12px"><div id="place"></div>
<script type="application/json" id="state">%s</script>
<script type="module">
%s</script>
<script type="module">
const state = JSON.parse(document.getElementById("state").textContent);
for (const name of ["packet", "update"]) {
  if (state[name]) state[name] = Uint8Array.from(atob(state[name]), c => c.charCodeAt(0)).buffer;
}
if (state.no_webgl) {
  const given = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === "2d" ? given.call(this, kind, ...rest) : null;
  };
}
globalThis.began = performance.now();
globalThis.models = [];
// A model like a kernel's, which remembers what was sent.
const modelOf = (values) => {
  const on = {};
  const model = {
    values, sent: [], saved: 0,
    get: n => values[n] ?? null,
    set: (n, v) => { values[n] = v; model.fire("change:" + n); },
    on: (e, f) => (on[e] ??= new Set()).add(f),
    off: (e, f) => on[e]?.delete(f),
    fire: (e, ...a) => { for (const f of on[e] ?? []) f(...a); },
    save_changes() { model.saved++; },
    send(content, callbacks, buffers) { model.sent.push([content, buffers]); },
  };
  return model;
};
new MutationObserver(() => {
  if (!document.querySelector("[data-ready=true]") || performance.getEntriesByName("first").length) return;
  requestAnimationFrame(() => performance.mark("first"));
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-ready"] });
const { mount, render } = globalThis[Symbol.for("equiviz.view")];
for (let k = 0; k < (state.copies ?? 1); k++) {
  const el = document.createElement("div");
  document.getElementById("place").append(el);
  if (state.plain) mount(el, state);
  else {
    const model = modelOf({ ...state });
    models.push(model);
    render({ model, el });
  }
}
</script></body></html>"""


def page_text(packet: bytes, **state: object) -> str:
    values = {"packet": base64.b64encode(packet).decode(), "height": 480} | state
    text = json.dumps(values).replace("<", "\\u003c")
    return PAGE % (text, BUNDLE.read_text())


@contextmanager
def opened(
    packet: bytes, *, dark: bool = False, expected: str = "", size: tuple[int, int] = (840, 620), **state: object
) -> Iterator[Page]:
    """The page with a view of the packet; fails on console errors and on requests."""
    OUT.mkdir(exist_ok=True)
    file = OUT / "page.html"
    file.write_text(page_text(packet, **state))
    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        page.on(
            "console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                errors.append(request.url) if not request.url.startswith(("file:", "blob:", "data:")) else None
            ),
        )
        page.goto(file.as_uri())
        try:
            page.wait_for_selector(".equiviz-view[data-ready=true], .eqv-words", timeout=60_000)
            yield page
        finally:
            browser.close()
    unexpected = [error for error in errors if "GPU stall" not in error and not (expected and expected in error)]
    assert not unexpected, unexpected


SCENES = {
    "molecule": look_scenes.molecule,
    "glyphs": look_scenes.glyphs,
    "arrows": look_scenes.arrows,
    "axial": lambda: look_scenes.arrows(axial=True),
    "glass": look_scenes.glass,
    "closeup": look_scenes.closeup,
}


def pictures(names: list[str]) -> None:
    for name in names or SCENES:
        packet = SCENES[name]()
        for dark in (False, True):
            with opened(packet, dark=dark) as page:
                settle(page)
                page.screenshot(path=OUT / f"{name}_{'dark' if dark else 'light'}.png")
                print(
                    name,
                    "dark" if dark else "light",
                    "drawn",
                    page.locator(".equiviz-view").get_attribute("data-drawn"),
                )


# Errors that a check provokes, and that must therefore be said on the console too.
PROVOKED = {
    "damaged_packets_are_told": "PacketError",
    "a_lost_context_comes_back": "Context Lost",
    "without_webgl_the_words_are_shown": "WebGL",
    "hostile_strings_stay_text": "ERR_INVALID_URL",
}


def checks(names: list[str]) -> None:
    failed = []
    for name in names or CHECKS:
        scene, state, function = CHECKS[name]
        began = time.time()
        try:
            with opened(scene(), expected=PROVOKED.get(name, ""), **state) as page:
                function(page)
            print(f"  ok      {name} ({time.time() - began:.1f} s)")
        except Exception as error:
            failed.append(name)
            print(
                f"  FAILED  {name}: {type(error).__name__}: {str(error)[:1500]}",
                [line.lineno for line in traceback.extract_tb(error.__traceback__)],
            )
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def times(names: list[str]) -> None:
    """Seconds from the script's start to the first picture, and to the fine one; for an update of all values, too."""
    scenes = {
        "4,096 atoms": lambda: look_scenes.glass(4096, slab=False),
        "20,000 atoms": lambda: look_scenes.glass(20_000, slab=False),
        "100,000 atoms": lambda: look_scenes.glass(100_000, slab=False),
        "500 glyphs": look_scenes.glyphs,
        "4,096 glyphs": lambda: look_scenes.glyphs(4096),
    }
    for name, make in scenes.items():
        packet = make()
        if names and name not in names:
            continue
        with opened(packet) as page:
            first = page.evaluate("performance.getEntriesByName('first')[0].startTime - began")
            settle(page)
            print(f"  {name}: {len(packet) / 1000:.0f} kB, first picture {first / 1000:.2f} s")


if __name__ == "__main__":
    what, *names = sys.argv[1:] or ["pictures"]
    {"pictures": pictures, "checks": checks, "times": times}[what](names)

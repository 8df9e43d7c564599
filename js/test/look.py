"""Opens the bundle in a real browser, from file://, and looks: pictures into /tmp/look, and checks of what a reader does.

Run: .venv/bin/python js/test/look.py [pictures|checks|times] [name ...]
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import look_scenes
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
BUNDLE = HERE.parents[1] / "equiviz" / "view" / "static" / "view.js"
OUT = Path("/tmp/look")
FLAGS = ["--no-sandbox", "--headless", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>look</title></head>
<body style="margin:12px"><div id="place"></div>
<script type="application/json" id="state">%s</script>
<script type="module">
%s</script>
<script type="module">
const state = JSON.parse(document.getElementById("state").textContent);
for (const name of ["packet", "update"]) if (state[name]) state[name] = Uint8Array.from(atob(state[name]), c => c.charCodeAt(0)).buffer;
globalThis.began = performance.now();
globalThis.states = [];
const mountView = globalThis[Symbol.for("equiviz.view")].mount;
for (let k = 0; k < (state.copies ?? 1); k++) { const e = document.createElement("div"); document.getElementById("place").append(e); mountView(e, state); }
</script></body></html>"""


def page_text(packet: bytes, **state: object) -> str:
    values = {"packet": base64.b64encode(packet).decode(), "height": 480} | state
    text = json.dumps(values).replace("<", "\\u003c")
    return PAGE % (text, BUNDLE.read_text())


@contextmanager
def opened(packet: bytes, dark: bool = False, width: int = 840, height: int = 620, **state: object) -> Iterator[Page]:
    """The page with a view of the packet; fails on console errors and on requests."""
    OUT.mkdir(exist_ok=True)
    file = OUT / "page.html"
    file.write_text(page_text(packet, **state))
    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.append(request.url) if not request.url.startswith(("file:", "blob:", "data:")) else None)
        page.goto(file.as_uri())
        try:
            page.wait_for_selector(".equiviz-view[data-ready=true]", timeout=60_000)
            yield page
        finally:
            if errors:
                print("  PAGE SAID:", *errors, sep="\n    ")
            browser.close()
    assert not [error for error in errors if "GPU stall" not in error], errors


def settle(page: Page) -> None:
    """Waits until no more pictures come."""
    before = ""
    for _ in range(60):
        page.wait_for_timeout(350)
        now = page.evaluate("[...document.querySelectorAll('.equiviz-view')].map(e => e.dataset.drawn).join()")
        if now == before:
            return
        before = now
    raise AssertionError("pictures keep coming")


SCENES = {
    "molecule": look_scenes.molecule,
    "glyphs": look_scenes.glyphs,
    "arrows": look_scenes.arrows,
    "axial": lambda: look_scenes.arrows(axial=True),
    "glass": look_scenes.glass,
}


def pictures(names: list[str]) -> None:
    for name in names or SCENES:
        packet = SCENES[name]()
        for dark in (False, True):
            with opened(packet, dark) as page:
                settle(page)
                page.screenshot(path=OUT / f"{name}_{'dark' if dark else 'light'}.png")
                print(name, "dark" if dark else "light", "drawn", page.locator(".equiviz-view").get_attribute("data-drawn"))


if __name__ == "__main__":
    what, *names = sys.argv[1:] or ["pictures"]
    {"pictures": pictures}[what](names)

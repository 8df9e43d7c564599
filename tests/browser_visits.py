"""A real browser for tests of pages. Chromium is found on the system; where CI runs, it must be there.

All tests get it from tests/conftest.py: one browser per worker, since playwright runs once per process. `browser` opens
pages from file://, aborts and records every request that would leave the machine, and records what the console says.
`Visit.assert_sound` asks that there was neither.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

# Software WebGL: the machines of CI have no graphics card. Only the 3D canvases need it; the rest of the page is
# painted without (Debian's wrapper asks for GPU painting, which in software costs several times as much).
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS += ["--disable-gpu-rasterization", "--disable-gpu-compositing", "--disable-extensions", "--no-first-run"]
PATIENCE = 1000 * int(os.environ.get("EQUIVIZ_BROWSER_SECONDS", "120"))  # milliseconds; raise it on a loaded machine
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


Open: TypeAlias = "Callable[..., Visit]"


@dataclass
class Visit:
    """An open page, and what happened on it."""

    page: Page
    requests: list[str] = field(default_factory=list)  # those that would have left the machine
    complaints: list[str] = field(default_factory=list)  # console errors, and exceptions that nobody caught

    def wait_until_drawn(self) -> None:
        """Wait until the page says that all its figures are drawn."""
        self.page.wait_for_selector("html[data-drawn]", state="attached", timeout=PATIENCE)

    def assert_sound(self) -> None:
        """Nothing left the machine, and nothing went wrong."""
        assert self.requests == []
        assert self.complaints == []


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for all tests of a worker."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine (looked for chromium, google-chrome); in CI this fails")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Iterator[Open]:
    """`browser(path, scheme="light", width=1100, bypass_csp=False)` opens a file and returns the visit."""
    contexts: list[BrowserContext] = []

    def visit(path: Path, scheme: str = "light", width: int = 1100, bypass_csp: bool = False) -> Visit:
        size = {"width": width, "height": 800}
        context = chromium.new_context(color_scheme=scheme, viewport=size, bypass_csp=bypass_csp, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        opened = Visit(page)
        _watch(opened)
        page.goto(path.resolve().as_uri(), wait_until="commit", timeout=PATIENCE)
        return opened

    yield visit
    for context in contexts:
        context.close()


def _watch(visit: Visit) -> None:
    def decide(route: Route, request: Request) -> None:
        if request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
            return
        visit.requests.append(request.url)
        route.abort()

    visit.page.route("**/*", decide)
    visit.page.on("console", lambda said: said.type == "error" and visit.complaints.append(said.text))
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))

"""A fresh JupyterLab, notebook, kernel and browser for each measurement.

One server for all would not do: JupyterLab restores the notebooks that were open before, which slows later visits, and
commands may go to one of those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from playwright.sync_api import TimeoutError, sync_playwright

from benchmarks.view.parts import extend_lab
from benchmarks.view.record import BUSY_WITH, MISSING, QUIET, QUIET_SINCE, SCRIPT, PageError, Record
from tests.browser_visits import FLAGS
from tests.jupyter_lab import KERNEL_IS_READY, jupyter_lab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, Page

NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
SIZE = {"width": 1000, "height": 1300}
TRIES, BEGINNING = 4, 20  # how often a cell is told to run, and seconds after which it is told again
OPENING = 180  # seconds for a notebook to be ready, on a loaded machine


@dataclass
class Notebook:
    """An open notebook, whose cells are run one by one."""

    page: Page
    silence: float = QUIET  # seconds without anything, after which a picture is complete

    def run(self, cell: int, points: int, limit: float) -> Record:
        """Run a cell and wait until its picture is complete; raises `PageError` after ``limit`` s."""
        return self.quiet(self._started(cell), points, limit)

    def _started(self, cell: int) -> float:
        """When a cell began; the command is given again where none did, for it may have reached the page too early."""
        for _ in range(TRIES):
            since = self.page.evaluate(_RUN, cell)
            with suppress(TimeoutError):
                self.page.wait_for_function(HAS_BEGUN, arg=since, timeout=1000 * BEGINNING, polling=50)
                return since
        raise PageError(f"no cell ran, told {TRIES} times")

    def quiet(self, since: float, points: int, limit: float) -> Record:
        """Wait until nothing is drawn or sent any more."""
        told = [since, points, self.silence, list(BUSY_WITH)]
        try:
            found = self.page.wait_for_function(QUIET_SINCE, arg=told, timeout=1000 * limit, polling=250).json_value()
        except TimeoutError as reason:
            raise PageError(f"{self._missing(since, points)} (after {limit:.0f} s)") from reason
        if "failure" in found:
            raise PageError(found["failure"])
        return Record(since, found["pictures"], found["messages"])

    def _missing(self, since: float, points: int) -> str:
        try:
            return self.page.wait_for_function(MISSING, arg=[since, points], timeout=10_000, polling=500).json_value()
        except TimeoutError:
            return "the page hangs"

    def prepared(self) -> dict[str, Any]:
        """Run the first cell; what it prints after PREPARED."""
        self._started(0)
        look = "() => document.body.innerText.match(/PREPARED({.*})\\./)?.[1]"
        told = json.loads(self.page.wait_for_function(look, timeout=1000 * OPENING, polling=250).json_value())
        self.quiet(self.now(), 0, OPENING)
        return told

    def now(self) -> float:
        """Milliseconds since 1970, as the page counts them."""
        return self.page.evaluate("() => performance.timeOrigin + performance.now()")


HAS_BEGUN = """(since) => globalThis.__record.messages.some((message) =>
  message.time >= since && message.parent === "execute_request" && message.state)"""
_RUN = """(cell) => {
  globalThis.jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
  const since = performance.timeOrigin + performance.now();
  globalThis.jupyterapp.commands.execute("notebook:run-cell");
  return since;
}"""


@contextmanager
def notebook(path: str, *cells: str) -> Iterator[Notebook]:
    """A notebook of these cells, none of them run, in the Chromium at a path.

    Playwright starts anew, too: its driver can die of what a page holds.
    """
    with TemporaryDirectory(prefix="equiviz-view-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        extend_lab(folder)
        write_notebook(folder / "visit.ipynb", *cells)
        with jupyter_lab(folder) as address, sync_playwright() as play, _browser(play.chromium, path) as browser:
            yield _opened(browser, f"{address}/lab/tree/visit.ipynb")


@contextmanager
def _browser(browsers: BrowserType, path: str) -> Iterator[Browser]:
    browser = browsers.launch(executable_path=path, args=[*FLAGS, NO_NETWORK], timeout=1000 * OPENING)
    try:
        yield browser
    finally:
        browser.close()


def _opened(browser: Browser, address: str) -> Notebook:
    context = browser.new_context(viewport=SIZE)
    context.add_init_script(SCRIPT)
    page = context.new_page()
    page.set_default_timeout(1000 * OPENING)
    page.goto(address)
    page.wait_for_function(KERNEL_IS_READY)
    page.evaluate("() => window.jupyterapp.restored")
    page.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area') }")
    return Notebook(page)

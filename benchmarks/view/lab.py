"""One JupyterLab for a whole run, and in it one fresh notebook, kernel and browser for each measurement."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import TimeoutError

from benchmarks.view.parts import extend_lab
from benchmarks.view.record import BUSY_WITH, MISSING, QUIET, QUIET_SINCE, SCRIPT, PageError, Record
from tests.browser_visits import FLAGS
from tests.jupyter_lab import KERNEL_IS_READY, jupyter_lab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import BrowserType, Page

NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
SIZE = {"width": 1000, "height": 1300}
OPENING = 180  # seconds for a notebook to be ready, on a loaded machine


@dataclass
class Notebook:
    """An open notebook, whose cells are run one by one."""

    page: Page
    silence: float = QUIET  # seconds without anything, after which a picture is complete

    def run(self, cell: int, points: int, limit: float) -> Record:
        """Run a cell and wait until its picture is complete; raises `PageError` after ``limit`` s."""
        since = self.page.evaluate(_RUN, cell)
        return self.quiet(since, points, limit)

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
        self.page.evaluate(_RUN, 0)
        look = "() => document.body.innerText.match(/PREPARED({.*})\\./)?.[1]"
        told = json.loads(self.page.wait_for_function(look, timeout=1000 * OPENING, polling=250).json_value())
        self.quiet(self.now(), 0, OPENING)
        return told

    def now(self) -> float:
        """Milliseconds since 1970, as the page counts them."""
        return self.page.evaluate("() => performance.timeOrigin + performance.now()")


_RUN = """(cell) => {
  globalThis.jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
  const since = performance.timeOrigin + performance.now();
  globalThis.jupyterapp.commands.execute("notebook:run-cell");
  return since;
}"""


@contextmanager
def lab(folder: Path) -> Iterator[str]:
    """A JupyterLab that serves this folder; its address."""
    extend_lab(folder)
    with jupyter_lab(folder) as address:
        yield address


@contextmanager
def notebook(browsers: BrowserType, path: str, address: str, folder: Path, *cells: str) -> Iterator[Notebook]:
    """A notebook of these cells in a browser of its own, none of them run; its kernel ends with it."""
    name = f"visit-{time.time_ns()}.ipynb"
    write_notebook(folder / name, *cells)
    browser = browsers.launch(executable_path=path, args=[*FLAGS, NO_NETWORK], timeout=1000 * OPENING)
    try:
        context = browser.new_context(viewport=SIZE)
        context.add_init_script(SCRIPT)
        page = context.new_page()
        page.set_default_timeout(1000 * OPENING)
        page.goto(f"{address}/lab/tree/{name}")
        page.wait_for_function(KERNEL_IS_READY)
        page.evaluate("() => window.jupyterapp.restored")
        page.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area') }")
        yield Notebook(page)
    finally:
        browser.close()
        _end_kernels(address)


def _end_kernels(address: str) -> None:
    with urllib.request.urlopen(f"{address}/api/sessions", timeout=30) as answer:
        sessions = json.loads(answer.read())
    for session in sessions:
        order = urllib.request.Request(f"{address}/api/sessions/{session['id']}", method="DELETE")
        urllib.request.urlopen(order, timeout=30).close()

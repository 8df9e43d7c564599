"""Memory of a Binder session: JupyterLab with a notebook open and run, server and kernel together.

    python -m benchmarks.binder_memory [notebook]          (from the top of the repository; needs Chromium)

Proportional set size (PSS) of the server and all its children, so that shared pages count once. The browser is the
visitor's own and does not count.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.machine import machine_line
from tests.browser_visits import FLAGS, NAMES
from tests.jupyter_lab import ROOT, jupyter_lab, run_notebook


def descendants(root: int) -> list[int]:
    """A process and all that it started, directly or not."""
    parents = {
        int(place.name): int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
        for place in Path("/proc").iterdir()
        if place.name.isdecimal() and (place / "stat").exists()
    }
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def pss(process: int) -> float:
    """Proportional set size in MiB; 0 for a process that has ended."""
    try:
        lines = (Path("/proc") / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def servers() -> list[int]:
    """Processes of JupyterLab that this one started."""
    import os

    return [
        child
        for child in descendants(os.getpid())
        if "jupyterlab" in (Path("/proc") / str(child) / "cmdline").read_text()
    ]


def main() -> None:
    """Open, run, wait for the kernel, and add up."""
    name = sys.argv[1] if len(sys.argv) > 1 else "03_see_the_features.ipynb"
    chromium = next(filter(None, map(shutil.which, NAMES)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        shutil.copy(ROOT / "notebooks" / name, Path(folder) / name)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with jupyter_lab(Path(folder)) as address:
            visit = run_notebook(browser, address, name)
            highest = 0.0
            until, idle = time.monotonic() + 240, 0
            while time.monotonic() < until and idle < 5:
                time.sleep(1)
                highest = max(highest, sum(pss(process) for server in servers() for process in descendants(server)))
                busy = visit.page.evaluate(
                    "() => document.querySelectorAll('.jp-InputPrompt').length === 0 || "
                    "[...document.querySelectorAll('.jp-InputPrompt')].some((e) => e.textContent.includes('*'))"
                )
                idle = 0 if busy else idle + 1
            now = sum(pss(process) for server in servers() for process in descendants(server))
        browser.close()
    print(f"{machine_line()}\n{name}: {now:.0f} MiB once it has run, {highest:.0f} MiB at most")


if __name__ == "__main__":
    main()

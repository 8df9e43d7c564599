"""A real JupyterLab for tests of widgets: a server of its own on this machine, in which Chromium runs a notebook.

Settings, workspaces and connection files lie in the test's folder; the user's own are neither read nor changed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser_visits import PATIENCE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request, Route

ROOT = Path(__file__).resolve().parents[1]


# On a loaded machine JupyterLab 4.6 trips over its own left area while it puts the page together; widgets come later.
OF_LAB_ITSELF = ("Could not add command", "Cannot read properties of null (reading 'widgets')")
KERNEL_IS_READY = """() =>
  window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === "idle"
"""


@contextmanager
def jupyter_lab(folder: Path, theme: str = "JupyterLab Light") -> Iterator[str]:
    """The address of a server of `folder`, without a token; it listens to this machine only."""
    options = ["--allow-root", "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    with served("jupyterlab", folder, [*options, "--IdentityProvider.token="], "api/status", theme) as address:
        yield address


@contextmanager
def served(module: str, folder: Path, options: list[str], alive: str, theme: str = "JupyterLab Light") -> Iterator[str]:
    """The address of a server, `python -m module`, that answers at `alive` once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, "--no-browser", f"--port={port}", *options]
    if module != "voila":  # it listens to this machine only, by default
        command += ["--ip=127.0.0.1", "--port-retries=0"]
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(command, env=_surroundings(folder, theme), stdout=log, stderr=log)
    try:
        _wait(server, f"{address}/{alive}", folder / "server.log")
        yield address
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of code cells that was never run."""
    empty = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    listed = [{**empty, "id": f"cell-{k}", "source": source} for k, source in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": listed, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole))


def run_notebook(chromium: Browser, address: str, name: str, width: int = 1000) -> Visit:
    """Open a notebook, run it, and watch; nothing may leave the machine."""
    visit = opened(chromium, address, f"lab/tree/{name}", width)
    page = visit.page
    page.wait_for_function(KERNEL_IS_READY)
    page.evaluate("() => window.jupyterapp.restored")
    # Keys and clicks get lost while the page is still being put together; commands do not.
    for command in ("application:toggle-left-area", "notebook:run-all-cells"):
        page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{command}') }}")
    return visit


def opened(chromium: Browser, address: str, path: str, width: int = 1000) -> Visit:
    """Open a page of a server, and watch; nothing may leave the machine."""
    context = chromium.new_context(viewport={"width": width, "height": 1300})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visit = Visit(page)

    def decide(route: Route, request: Request) -> None:
        if request.url.startswith((address, "data:", "blob:")):
            route.continue_()
            return
        visit.requests.append(request.url)
        route.abort()

    def note(complaint: str) -> None:
        if not any(own in complaint for own in OF_LAB_ITSELF):
            visit.complaints.append(complaint)

    page.route("**/*", decide)
    page.on("console", lambda said: said.type == "error" and note(said.text))
    page.on("pageerror", lambda error: note(str(error)))
    page.goto(f"{address}/{path}")
    return visit


def _surroundings(folder: Path, theme: str) -> dict[str, str]:
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    own = {
        name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    own |= {"IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own}


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.HTTPError:  # it answers, if only to say that there is no such file
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start:\n{log.read_text()[-2000:]}")

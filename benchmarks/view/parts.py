"""What the other libraries need and we do not ship: fetched into a folder outside the repository, used, thrown away.

3Dmol's script comes from npm (py3Dmol itself asks for a CDN). nglview 4.0 wants numpy < 2.3, although it works with
later ones: it is put beside the environment, without its dependencies, all of which JupyterLab has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

NGLVIEW = "nglview==4.0"


def fetch(peers: list[str], folder: Path) -> None:
    """What these peers need; tells their notebooks by environment variables where it is."""
    if "py3Dmol" in peers:
        os.environ["EQUIVIZ_3DMOL"] = str(_script(folder))
    if "nglview" in peers:
        os.environ["EQUIVIZ_NGLVIEW"] = str(_nglview(folder))


def extend_lab(folder: Path) -> None:
    """Settings of the Lab that serves this folder: nglview's extension, and no limit on what a kernel may send."""
    (folder / "jupyter_config_dir").mkdir()
    (folder / "jupyter_config_dir" / "jupyter_server_config.json").write_text(
        '{"ZMQChannelsWebsocketConnection": {"limit_rate": false}, "ServerApp": {"disable_check_xsrf": true}}'
    )
    extensions = folder / "jupyter_data_dir" / "labextensions"
    extensions.mkdir(parents=True)
    if "EQUIVIZ_NGLVIEW" in os.environ:
        shipped = Path(os.environ["EQUIVIZ_NGLVIEW"]) / "share" / "jupyter" / "labextensions" / "nglview-js-widgets"
        (extensions / "nglview-js-widgets").symlink_to(shipped)


def _script(folder: Path) -> Path:
    package = f"3dmol@{version('py3Dmol').split('.post')[0]}"
    _run("npm", "install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", str(folder), package)
    return folder / "node_modules" / "3dmol" / "build" / "3Dmol-min.js"


def _nglview(folder: Path) -> Path:
    target = folder / "nglview"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    _run(*pip, "--target", str(target), NGLVIEW)
    return target


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")

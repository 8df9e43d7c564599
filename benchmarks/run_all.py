"""All benchmarks one after the other: `make bench`. One thread each, so that two machines can be compared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SCRIPTS = ("wigner.py", "neighbours.py", "descriptors.py", "glassy_speed.py")
MODULES = (
    ("benchmarks.attribution", "--structures", "3", "--repeats", "1"),
    ("benchmarks.probe_speed", "--environments", "1024"),
)
"""With settings that keep them short; what the docs quote comes from their defaults."""


def main() -> None:
    """Run each script in its own process; a failure stops the rest."""
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    commands = [(str(FOLDER / script),) for script in SCRIPTS] + [("-m", *module) for module in MODULES]
    for command in commands:
        print(f"\n== {' '.join(command).removeprefix(str(FOLDER))}", flush=True)
        subprocess.run([sys.executable, *command], check=True, env=quiet, cwd=FOLDER.parent)


if __name__ == "__main__":
    main()

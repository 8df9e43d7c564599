"""All benchmarks one after the other: `make bench`. One thread each, so that two machines can be compared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SCRIPTS = ("wigner.py", "neighbours.py", "descriptors.py", "glassy_speed.py")


def main() -> None:
    """Run each script in its own process; a failure stops the rest."""
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    for script in SCRIPTS:
        print(f"\n== {script}", flush=True)
        subprocess.run([sys.executable, str(FOLDER / script)], check=True, env=quiet)


if __name__ == "__main__":
    main()

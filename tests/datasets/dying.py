"""Functions for workers that are killed; nothing else is imported, so that such workers start at once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def die_once(path: Path) -> str:
    """The path's last part; "once" and "two.ent" kill their process the first time, "poison" always does."""
    flag = path.with_name(path.name + ".flag")
    if path.name == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name in ("once", "two.ent") and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def linger(path: Path) -> None:
    """Write the number of this process to the path, and wait."""
    path.write_text(str(os.getpid()))
    time.sleep(60)

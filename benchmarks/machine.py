"""The line that stands above every table of figures: machine, versions, date."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path


def machine_line() -> str:
    """Processor, cores, Python, torch and today's date, in one line."""
    import torch

    return (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}, "
        f"{datetime.date.today().isoformat()}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()

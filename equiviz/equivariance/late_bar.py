"""The progress bar of long work: it shows itself late, and only to somebody, at a terminal or in a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm.std import tqdm

PATIENCE = 3.0
"""Seconds after which it is shown."""


def late_bar(doing: str, total: int | None = None) -> tqdm[Any]:
    """A bar that counts runs of the model."""
    from tqdm.auto import tqdm

    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    return tqdm(desc=doing, total=total, unit=" runs", delay=PATIENCE, leave=False, disable=not watched)

"""Where numbers come from: versions, date, machine, data. Every page ends with it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("equiviz", "torch", "e3nn", "numpy", "plotly")


@dataclass(frozen=True)
class Provenance:
    """What a reader needs to repeat the result.

    ``data`` names each data set with its checksum; ``notes`` adds anything else.
    """

    date: str  # ISO 8601, UTC
    machine: str  # kind of processor, cores and system; never its name in the network
    versions: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def collect(cls, data: dict[str, str] | None = None, notes: dict[str, str] | None = None) -> Provenance:
        """Now, here, with the versions that are installed (found in the packages' metadata: nothing is imported)."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
        known = {"python": platform.python_version(), **_versions()}
        return cls(now, machine, known, data or {}, notes or {})

    def rows(self) -> list[tuple[str, str]]:
        """The record as (name, text) pairs, in the order they are printed in."""
        libraries = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return [("made", self.date), ("on", self.machine), ("with", libraries), *self.data.items(), *self.notes.items()]


def _versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found

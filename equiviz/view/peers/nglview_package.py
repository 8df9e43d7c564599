"""nglview, where the version that draws is installed: 4.0. Of 4.0.1 nothing is seen, for it asks for a script it lacks.

It is imported when it is asked for, because importing it opens widgets. It runs offline.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from equiviz.view.errors import MissingLibrary

WORKS = "4.0"


def draws() -> bool:
    """Whether the version that draws is installed; nothing is imported."""
    return _lacks() is None


def nglview() -> Any:
    """The package.

    Raises:
        MissingLibrary: it is absent, or another version than the one that draws.
    """
    lacks = _lacks()
    if lacks is not None:
        raise MissingLibrary(lacks, "nglview")
    return import_module("nglview")


def _lacks() -> str | None:
    """What has to be installed, and why; None for nothing."""
    try:
        found = version("nglview")
    except PackageNotFoundError:
        return f"nglview=={WORKS}"
    if found.split(".")[:2] == WORKS.split(".") and found.split(".")[2:] in ([], ["0"]):
        return None
    return f"nglview=={WORKS} (nglview {found} asks for a script that it does not bring)"

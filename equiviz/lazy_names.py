"""Names of a package that are imported on first use (PEP 562), so that importing the package costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """What a package assigns to its ``__getattr__``.

    Args:
        package: Its ``__name__``.
        homes: The module, relative to the package, where each public name lives.
    """

    def find(name: str) -> object:
        if name not in homes:
            offered = ", ".join(sorted(homes))
            raise AttributeError(f"module {package!r} has no attribute {name!r}; it offers {offered}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return find

"""Views: Scene (pure data) becomes a figure or a file; charts; pages; Report, the common face of all results.

Knows structures and fields, never a model or a tool. The only door from data to HTML is :mod:`equiviz.view.escape`.
Names load on first use, so that importing this folder costs nothing. `show` and `escape` are modules here: their
functions are imported from them.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Report": "report",
    "Page": "page",
    "Section": "page",
    "Provenance": "provenance",
    "ViewError": "errors",
    "SceneFileError": "errors",
    "Series": "charts",
    "Ceiling": "charts",
    "line_chart": "charts",
    "learning_curves": "charts",
    "bars": "charts",
    "heat_map": "maps",
    "error_heat_map": "maps",
    "parity": "maps",
    "Scene": "scene",
    "SceneRow": "scene",
    "Atoms": "scene",
    "Arrows": "scene",
    "CellBox": "scene",
    "ColourScale": "scene",
    "Slab": "scene",
}
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__

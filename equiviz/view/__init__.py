"""Views: Scene (pure data) becomes a figure or a file; charts; pages; Report, the common face of all results.

Knows structures and fields, never a model or a tool. The only door from data to HTML is :mod:`equiviz.view.escape`.
Names load on first use, so that importing this folder costs nothing. `show` and `escape` are modules here: their
functions are imported from them.
"""

from __future__ import annotations

from equiviz.lazy_names import lazy_names

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
    "HeatMap": "maps",
    "heat_map_row": "maps",
    "parity": "maps",
    "Scene": "scene",
    "SceneRow": "scene",
    "Slab": "scene",
    "Camera": "scene",
    "Frame": "scene",
    "Atoms": "layers",
    "Bonds": "layers",
    "Arrows": "layers",
    "Glyphs": "layers",
    "CellBox": "layers",
    "Labels": "layers",
    "ColourScale": "colour_scale",
    "PacketError": "errors",
}
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

"""Pictures of scenes as PNG, drawn by the processor: no browser, no GPU, and the same bytes for the same scene.

A scene is cut to its slab, its layers become shapes (`shapes.py`, `glyph_surfaces.py`), a camera places them
(`camera.py`), and compiled loops (`raster.py`) draw them into a canvas with a depth for each sample. Titles, colour
bars and labels are lettered on top.

Nothing here is imported before a picture is asked for: numba and Pillow take time to load.
"""

from __future__ import annotations

from equiviz.view.picture.page import png

__all__ = ["png"]

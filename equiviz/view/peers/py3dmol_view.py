"""A scene in py3Dmol: a portable snapshot that needs no kernel. Offline, and with its texts made harmless.

py3Dmol fetches 3Dmol.js from elsewhere, and writes texts into a ``<script>`` unescaped. Here the script is part of each
output (542 kB; a page runs it once), and a text that goes into a view has no angle bracket any more.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.view.colours import DIVERGING, SEQUENTIAL
from equiviz.view.document import static
from equiviz.view.errors import MissingLibrary, ViewError
from equiviz.view.extent import extent
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Labels, Layer
from equiviz.view.palette import UNKNOWN, label_colours
from equiviz.view.scene_words import describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.colour_scale import ColourScale
    from equiviz.view.scene import Scene

MOST_SHAPES = 5_000  # 3Dmol.js makes a mesh of each; more would freeze the page
_BRACKETS = str.maketrans({"<": "\u2039", ">": "\u203a", "\u2028": " ", "\u2029": " "})
_HOME = """<script>
if (typeof window.$3Dmol === "undefined") {{
  (function () {{ var define, exports, module; {script} }}).call(window);
}}
window.$3Dmolpromise = Promise.resolve();
</script>"""


class PortableView:
    """What py3Dmol draws, as HTML that works without a network.

    Attributes:
        view: the `py3Dmol.view`, for more of its commands.
        words: what is drawn.
    """

    def __init__(self, view: Any, words: str) -> None:
        self.view, self.words = view, words

    def html(self, with_script: bool = True) -> str:
        """The output; with 3Dmol.js itself, which must be on the page once."""
        home = _HOME.format(script=static("3Dmol-min.js")) if with_script else ""
        return home + str(self.view._make_html())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/html": self.html(), "text/plain": self.words}


def py3dmol_view(scene: Scene, width: int = 720, height: int = 480) -> PortableView:
    """Draw a scene with py3Dmol.

    Raises:
        MissingLibrary: py3Dmol is absent.
        ViewError: glyphs, which it cannot draw; too many shapes.
    """
    try:
        import py3Dmol
    except ImportError as reason:
        raise MissingLibrary("py3Dmol", "view") from reason
    view = py3Dmol.view(width=width, height=height, js="")
    atoms = next((layer for layer in scene.layers if isinstance(layer, Atoms)), None)
    for layer in scene.layers:
        _draw(view, layer, atoms)
    centre, _ = extent(scene.layers)
    view.center({"x": float(centre[0]), "y": float(centre[1]), "z": float(centre[2])})
    view.zoomTo()
    return PortableView(view, f"{scene.title or 'Scene'}\n\n{describe(scene)}")


def _draw(view: Any, layer: Layer, atoms: Atoms | None) -> None:
    if _count(layer) > MOST_SHAPES:
        raise ViewError(f"py3Dmol draws up to {MOST_SHAPES:,} shapes, got {_count(layer):,}. Leave out backend=.")
    if isinstance(layer, Glyphs):
        raise ViewError("py3Dmol cannot draw glyphs. Leave out backend=, or pass style='colour'.")
    if isinstance(layer, Atoms):
        _spheres(view, layer)
    elif isinstance(layer, Arrows):
        _arrows(view, layer)
    elif isinstance(layer, Labels):
        for point, text in zip(layer.positions, layer.texts, strict=True):
            view.addLabel(text.translate(_BRACKETS), {"position": _point(point), "fontSize": 12})
    else:
        _lines(view, layer, atoms)


def _count(layer: Layer) -> int:
    if isinstance(layer, Bonds):
        return len(layer.pairs)
    if isinstance(layer, CellBox):
        return len(layer.path())
    return len(layer.origins if isinstance(layer, (Arrows, Glyphs)) else layer.positions)


def _spheres(view: Any, atoms: Atoms) -> None:
    colours = colours_of(atoms)
    for k, (point, radius) in enumerate(zip(atoms.positions, atoms.radii, strict=True)):
        view.addSphere({"center": _point(point), "radius": float(radius), "color": colours[k]})


def _arrows(view: Any, arrows: Arrows) -> None:
    values = np.linalg.norm(arrows.vectors, axis=1) if arrows.values is None else arrows.values
    colours = scaled(values, arrows.scale)
    ends = arrows.origins + arrows.magnify * arrows.vectors
    for k, (start, end) in enumerate(zip(arrows.origins, ends, strict=True)):
        view.addArrow({"start": _point(start), "end": _point(end), "radius": arrows.width / 2, "color": colours[k]})


def _lines(view: Any, layer: Bonds | CellBox | Layer, atoms: Atoms | None) -> None:
    if isinstance(layer, Bonds) and atoms is not None:
        for a, b in atoms.positions[layer.pairs]:
            view.addCylinder(
                {"start": _point(a), "end": _point(b), "radius": layer.radius, "color": layer.colour or UNKNOWN}
            )
    if isinstance(layer, CellBox):
        path = layer.path()
        for a, b in itertools.pairwise(path):
            if np.isfinite([a, b]).all():
                view.addLine({"start": _point(a), "end": _point(b), "color": UNKNOWN})


def colours_of(atoms: Atoms) -> list[str]:
    """One CSS colour per atom: by value, by label, or the one of all."""
    if atoms.colour:
        return [atoms.colour] * len(atoms.positions)
    if atoms.values is not None:
        return scaled(atoms.values, atoms.scale)
    known = label_colours(atoms.labels)
    return [known.get(label, UNKNOWN) for label in atoms.labels or ("",) * len(atoms.positions)]


def scaled(values: NDArray[np.float64], scale: ColourScale) -> list[str]:
    """Values ``[N]`` as CSS colours; grey for NaN."""
    low, high = scale.limits(values)
    table = DIVERGING if scale.kind == "diverging" else SEQUENTIAL
    places = [place for place, _ in table]
    parts = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for _, colour in table])
    share = np.clip((values - low) / (high - low), 0, 1)
    mixed = np.stack([np.interp(share, places, part) for part in parts.T], axis=1)  # [N, 3]
    known = np.isfinite(values)
    return [
        f"#{int(r):02x}{int(g):02x}{int(b):02x}" if ok else UNKNOWN
        for ok, (r, g, b) in zip(known, np.nan_to_num(mixed), strict=True)
    ]


def _point(position: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip("xyz", map(float, position), strict=True))

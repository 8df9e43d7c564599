"""The slice of a scene that its slab shows at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.errors import ViewError
from equiviz.view.extent import slab_thickness
from equiviz.view.layers import Arrows, Atoms, Bonds, Glyphs, Labels, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.scene import Scene


def seen(scene: Scene) -> list[NDArray[np.bool_]]:
    """Which rows of each layer are drawn: those in the slice from ``slab.start`` on, or all where no start is named.

    An object belongs to the slice by its position or origin, a bond by both of its atoms. A cell has no rows.

    Raises:
        ViewError: bonds between atoms that do not exist.
    """
    places = [_places(layer) for layer in scene.layers]
    kept = _inside(scene, places)
    atoms = next((rows for layer, rows in zip(scene.layers, kept, strict=True) if isinstance(layer, Atoms)), None)
    shown = np.zeros(0, dtype=bool) if atoms is None else atoms
    return [
        _joined(layer, shown) if isinstance(layer, Bonds) else rows
        for layer, rows in zip(scene.layers, kept, strict=True)
    ]


def _inside(scene: Scene, places: list[NDArray[np.float64]]) -> list[NDArray[np.bool_]]:
    slab = scene.slab
    if slab is None or slab.start is None:
        return [np.ones(len(points), dtype=bool) for points in places]
    axis = "xyz".index(slab.axis)
    end = slab.start + slab_thickness(slab, scene.layers)
    return [(points[:, axis] >= slab.start) & (points[:, axis] <= end) for points in places]


def _places(layer: Layer) -> NDArray[np.float64]:
    if isinstance(layer, (Atoms, Labels)):
        return layer.positions
    return layer.origins if isinstance(layer, (Arrows, Glyphs)) else np.zeros((0, 3))


def _joined(bonds: Bonds, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The bonds both of whose atoms are shown, ``[B]``."""
    if len(bonds.pairs) and bonds.pairs.max() >= len(shown):
        raise ViewError(f"Bonds.pairs: atom {bonds.pairs.max()} does not exist, there are {len(shown)}.")
    first, second = bonds.pairs.T
    return shown[first] & shown[second]

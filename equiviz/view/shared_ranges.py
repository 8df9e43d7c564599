"""Which values colour which layer; and one range for equal scales, in all scenes that stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.view.colour_scale import ColourScale
from equiviz.view.layers import Arrows, Atoms, Glyphs, Layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.scene import Scene


def coloured(layer: Layer) -> tuple[ColourScale, NDArray[np.float64]] | None:
    """The scale of a layer and the values that it is about, ``[n]``; None where no scale colours it.

    For glyphs these are the ends of f.
    """
    if isinstance(layer, Glyphs):
        reach = layer.extents()
        return layer.scale, np.concatenate([-reach, reach])
    if not isinstance(layer, (Atoms, Arrows)) or layer.values is None or (isinstance(layer, Atoms) and layer.colour):
        return None
    return layer.scale, layer.values


def with_shared_ranges(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """The same scenes, where equal scales have the range of all their values: equal colours mean equal numbers."""
    found: dict[ColourScale, list[NDArray[np.float64]]] = {}
    for told in (coloured(layer) for scene in scenes for layer in scene.layers):
        if told is not None:
            found.setdefault(told[0], []).append(told[1])
    limits = {scale: scale.limits(np.concatenate(values)) for scale, values in found.items()}
    return tuple(replace(scene, layers=[_ranged(layer, limits) for layer in scene.layers]) for scene in scenes)


def _ranged(layer: Layer, limits: dict[ColourScale, tuple[float, float]]) -> Layer:
    told = coloured(layer)
    if told is None:
        return layer
    low, high = limits[told[0]]
    changed: dict[str, Any] = {"scale": replace(told[0], low=low, high=high)}
    return replace(layer, **changed)

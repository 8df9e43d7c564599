"""Slices of a scene, and the slider that moves through them.

Each particle belongs to one half-slab; a step of the slider shows two neighbouring halves. So the page holds every
particle once, and neighbouring steps overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from equiviz.view.extent import slab_thickness
from equiviz.view.layers import Arrows, Atoms
from equiviz.view.scene import Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.graph_objects import Figure

MOST_SLICES = 40


@dataclass(frozen=True, eq=False)
class Slices:
    """Half-slabs along one axis (0, 1, 2): their ``edges`` (``[count + 1]``), and the length unit they are told in."""

    axis: int
    edges: NDArray[np.float64]
    unit: str = ""
    middle: float | None = None  # of the slice that is shown first; None shows everything

    @property
    def count(self) -> int:
        """How many half-slabs there are; 0 where nothing is sliced."""
        return max(0, len(self.edges) - 1)

    @classmethod
    def of(cls, scenes: Sequence[Scene]) -> Slices:
        """The slices of the first scene's slab, over the extent of all scenes."""
        slab = scenes[0].slab
        clouds = [_cloud(layer) for scene in scenes for layer in scene.layers if isinstance(layer, (Atoms, Arrows))]
        if slab is None or not sum(map(len, clouds)):
            return cls(0, np.zeros(0))
        axis = "xyz".index(slab.axis)
        along = np.concatenate(clouds)[:, axis]
        thickness = slab_thickness(slab, [layer for scene in scenes for layer in scene.layers])
        count = int(np.clip(np.ceil(2 * np.ptp(along) / thickness), 2, MOST_SLICES))
        middle = None if slab.start is None else slab.start + thickness / 2
        return cls(axis, np.linspace(along.min(), along.max(), count + 1), scenes[0].length_unit, middle)

    def index(self, positions: NDArray[np.float64]) -> NDArray[np.intp]:
        """The half-slab of each position, ``[N]``; all zero where nothing is sliced."""
        if not self.count:
            return np.zeros(len(positions), dtype=np.intp)
        return np.clip(np.searchsorted(self.edges, positions[:, self.axis], side="right") - 1, 0, self.count - 1)


def _cloud(layer: Atoms | Arrows) -> NDArray[np.float64]:
    return layer.positions if isinstance(layer, Atoms) else layer.origins


def slider(chart: Figure, slices: Slices, homes: Sequence[int | None]) -> None:
    """Add the slider: its first step shows everything, the others two half-slabs. ``homes``: each trace's half-slab."""
    middles = slices.edges[1:-1]
    name, unit = "xyz"[slices.axis], f" {slices.unit}" if slices.unit else ""
    choices = [("everything", [True] * len(homes))]
    for k, middle in enumerate(middles):
        seen = [home is None or home in (k, k + 1) for home in homes]
        choices.append((f"{name} = {middle:.3g}{unit}", seen))
    steps = [_step(told, seen) for told, seen in choices]
    active = 0 if slices.middle is None else 1 + int(np.abs(middles - slices.middle).argmin())
    look = {"len": 0.6, "x": 0.2, "y": 0, "pad": {"t": 0, "b": 10}, "ticklen": 0, "minorticklen": 0, "tickwidth": 0}
    label = {"prefix": "shown: ", "xanchor": "center", "font": {"size": 13}}
    font = {"color": "rgba(0,0,0,0)", "size": 1}  # the steps' own labels would overlap; the current one is told above
    chart.update_layout(sliders=[{**look, "steps": steps, "active": active, "currentvalue": label, "font": font}])
    chart.update_layout(margin={"b": 76})
    for trace, seen in zip(cast("tuple[Any, ...]", chart.data), choices[active][1], strict=True):
        trace.visible = seen


def _step(label: str, seen: list[bool]) -> dict[str, object]:
    return {"label": label, "method": "restyle", "args": [{"visible": seen}]}

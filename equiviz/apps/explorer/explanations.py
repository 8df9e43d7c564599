"""The explanations that the explorer asks for: quick by default; and how long others would take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from equiviz.apps.explorer.asking import Asked
from equiviz.apps.explorer.recorded import Recorded
from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.attribution import Attribution
from equiviz.explain.attribution.inner_attribution import StageAttribution
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import prepared
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.layers import Atoms
from equiviz.view.scene import Scene
from equiviz.view.show import show

METHODS: Mapping[str, str] = {
    "integrated gradients": "integrated_gradients",
    "saliency": "saliency",
    "relevance": "relevance",
    "occlusion of bonds": "occlusion",
    "Shapley values": "shapley",
}
"""Names in the menu, and those of `equiviz.attribute`."""
INSIDE: Mapping[str, str] = {"integrated gradients": "integrated_gradients", "relevance": "relevance"}
"""Those that share a prediction out inside a model."""
EFFORTS: Mapping[str, tuple[str, int]] = {"integrated_gradients": ("steps", 16), "shapley": ("samples", 4)}
"""What a method can do more or less of, and how much is quick."""
SLOW = 5.0
"""Seconds that readers should be told of."""
GRADIENT = 3
"""A run with its gradient, in runs without: forward, and about twice that backward."""
CROWD, BRIGHT, SMALL = 200, 5, 0.3
"""Of more atoms than these, so many get the full colour, and the weakest have so much of their radius."""


def explained(recorded: Recorded, structure: int, asked: Asked, method: str, effort: int) -> Attribution:
    """Which atoms a number rests on; one turned input is explained, too.

    Args:
        recorded: the model.
        structure: its number.
        asked: the number.
        method: of `equiviz.attribute`.
        effort: its steps or samples.

    Raises:
        AttributionError, CaptureError: as `equiviz.attribute`.
    """
    told = {"output": asked.output, "at": asked.at, "component": asked.component}
    x = recorded.measured(structure)
    return attribute(recorded.model, x, **told, method=method, steps=effort, samples=effort)  # type: ignore[arg-type]


def explained_inside(recorded: Recorded, structure: int, asked: Asked, method: str, steps: int) -> StageAttribution:
    """Which irreps of which layers carry a number; as `explained`."""
    told = {"output": asked.output, "at": asked.at, "component": asked.component}
    x = recorded.measured(structure)
    return attribute(recorded.model, x, **told, method=method, to="stages", steps=steps)  # type: ignore[call-overload,no-any-return]


def runs(capture: Capture, method: str, effort: int) -> int:
    """About how often the model is run forward (and backward, by methods with gradients); the turned input included."""
    atoms, bonds = _sizes(capture)
    once = {"integrated_gradients": effort, "occlusion": bonds, "shapley": 2 * effort * (atoms + 1)}
    return 2 * once.get(method, 1)


def seconds_of_a_run(recorded: Recorded, structure: int) -> float:
    """How long one run takes now, measured; the first one of a process is much slower, and says little."""
    taken = prepared(recorded.model, recorded.measured(structure))
    begun = time.perf_counter()
    with torch.no_grad():
        record(recorded.model, taken, recorded.supports)
    return time.perf_counter() - begun


def cost_words(count: int, seconds: float) -> str:
    """What readers should know before they wait for so many runs of so many seconds; "" of what is quick."""
    expected = GRADIENT * count * seconds
    if expected < SLOW:
        return ""
    told = f"{expected:.0f} s" if expected < 120 else f"{expected / 60:.0f} min"
    return f" That is {count:,} runs of the model, about {told}; interrupt the kernel to stop it."


def score_scene(structure: Structure, scores: NDArray[np.float64], name: str) -> Scene:
    """Atoms coloured by numbers, one each ``[N]``: about zero on a diverging scale where some are negative.

    Of many atoms the weak ones are drawn small, so that the strong ones inside are seen.
    """
    values, signed = structure.positions.new_tensor(scores)[:, None], bool((scores < 0).any())
    strong = float(np.sort(np.nan_to_num(np.abs(scores)))[-min(BRIGHT, len(scores)) :].min(initial=np.inf))
    crowd = len(scores) > CROWD and 0 < strong < np.inf
    limits = (-strong if signed else 0.0, strong) if crowd else None
    told = {"name": name, "signed": signed, "title": structure.name, "limits": limits}
    scene = show(structure, colour=Field(values, "1x0e", "node"), **told)  # type: ignore[arg-type]
    return _shrunk(scene, np.minimum(1.0, np.nan_to_num(np.abs(scores)) / strong)) if crowd else scene


def _shrunk(scene: Scene, strength: NDArray[np.float64]) -> Scene:
    """Atoms as large as they are strong ``[N]``, from 0 to 1, but never gone."""
    part = SMALL + (1 - SMALL) * np.sqrt(strength)
    layers = [replace(x, radii=part * x.radii) if isinstance(x, Atoms) else x for x in scene.layers]
    return replace(scene, layers=layers)


def node_scores(attribution: Attribution) -> NDArray[np.float64]:
    """Score of each atom ``[N]``, in the unit of the prediction."""
    return cast("NDArray[np.float64]", attribution.shares.nodes.detach().double().cpu().numpy())


def _sizes(capture: Capture) -> tuple[int, int]:
    graph = capture.graph
    if not isinstance(graph, Graph):
        return 0, 0
    return len(graph.positions), graph.edge_index.shape[1] // 2

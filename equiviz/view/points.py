"""Values that lie on points in space as a structure, one particle per point, so that the 3D view draws them.

What lies where is said by the representation (`equiviz.symmetry.points`): signals and features on the sphere, vectors
of phase space.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.points import LiesOnPoints, PointValues
from equiviz.view.errors import ViewError
from equiviz.view.layers import Atoms
from equiviz.view.scene import Camera, Scene

VALUE, ARROW = "0e", "1o"
"""Blocks of values on points: what is coloured, and what is drawn as arrows."""
INSIDE, QUIET_BALL = 0.97, "#C3C8D2"
"""Of the radius of a ball; its far side is not to be seen between the points."""
EVEN, STEEP = 0.1, 0.8
"""Values whose middle is nearer to the centre lie on all sides; a higher direction has no north above it."""
ROUND = Camera((0.42, 0.5, 0.76), (0.0, 1.0, 0.0))
ABOVE = Camera((0.12, -0.3, 0.95), (0.0, 1.0, 0.0))


def point_values(field: Field, row: int = 0) -> PointValues | None:
    """One row of a field, point by point; None where it has no place in space."""
    kind = field.representation
    if not isinstance(kind, LiesOnPoints) or field.values.ndim != 2 or not len(field):
        return None
    return kind.on_points(field.values[row])


def point_structure(on: PointValues, name: str = "") -> Structure:
    """The points alone."""
    none = torch.zeros(len(on.positions), dtype=torch.int64)
    return Structure(on.positions, none, length_unit=on.unit, species_names=(on.point,), name=name)


def drawn_points(source: TypedTensors | Field, row: int = 0, channel: int = 0) -> tuple[Structure, PointValues]:
    """The points of one row with one channel as attributes, under the names that the representation gives its blocks.

    Args:
        source: an input, such as a signal on the sphere or a state in phase space; or a field that a network has there:
            an entry of `equiviz.capture`.
        row: which sphere, or which system.
        channel: which channel.

    Raises:
        ViewError: what has no place in space; or a row or channel that is not there.
    """
    fields = list(source.fields.values()) if isinstance(source, TypedTensors) else [source]
    known = [field for field in fields if isinstance(field.representation, LiesOnPoints)]
    field = (known or fields)[0]
    if not 0 <= row < len(field):
        raise ViewError(f"show: expected row 0 to {len(field) - 1}, got {row}.")
    on = point_values(field, row)
    if on is None:
        raise ViewError(
            f"show: expected a structure, a signal on the sphere, or vectors of C^2 or C^3, got a field of "
            f"{field.representation}, which has no place in space. Its numbers are field.values, its invariants "
            "field.invariants()."
        )
    carried = Field(on.values, on.representation)
    channels = min(block.multiplicity for block in carried.blocks)
    if not 0 <= channel < channels:
        raise ViewError(f"show: expected channel 0 to {channels - 1} of {field.representation}, got {channel}.")
    structure = point_structure(on, str(field.representation))
    for label, name in on.names.items():
        structure = structure.with_node(name, Field(carried[label][:, channel], label))
    return structure, on


def arrow_scale(on: PointValues, longest: float) -> float | None:
    """By what arrows of this greatest length are drawn longer; None where nothing says it.

    On a ball so that the longest reaches the next point; elsewhere they are as long as in the unit of positions.
    """
    spacing = on.ball * (4 * math.pi / max(1, len(on.positions))) ** 0.5  # about that of points of as many equal areas
    return 1.0 if not on.ball else spacing / longest if longest > 0 else None


def finished(scene: Scene, on: PointValues, whole: PointValues | None = None) -> Scene:
    """The scene of points with what belongs to them: the ball on which they lie, and a camera that sees most of them.

    A ball is seen from where most of the values are, so that a digit on its pole is not on the far side; points in a
    plane are seen from above.

    Args:
        scene: without them.
        on: where its points are.
        whole: what the camera is to see most of, where that is something else.
    """
    if on.ball:
        ball = Atoms(np.zeros((1, 3)), np.full(1, INSIDE * on.ball), colour=QUIET_BALL)
        return replace(scene, layers=[*scene.layers, ball], camera=_towards(whole or on))
    flat = len(on.positions) > 0 and not bool(on.positions[:, 2].any() | on.values[:, 2::3].any())
    return replace(scene, camera=ABOVE) if flat else scene


def _towards(on: PointValues) -> Camera:
    """From the middle of the values' sizes."""
    size = on.values.abs().sum(1)
    weights = size - size.min()
    middle = (weights[:, None] * on.positions).sum(0) / weights.sum().clamp(min=1e-300)
    if not bool(middle.isfinite().all()) or float(middle.norm()) < EVEN * on.ball:
        return ROUND
    x, y, z = (middle / middle.norm()).tolist()
    return Camera((x, y, z), (0.0, 0.0, -1.0) if abs(y) > STEEP else (0.0, 1.0, 0.0))

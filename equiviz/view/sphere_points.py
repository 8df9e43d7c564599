"""Signals and features on the sphere as a structure, one particle per point, so that the 3D view draws them."""

from __future__ import annotations

import math

import torch

from equiviz.structures.sphere_signal import SphereSignal
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.sphere_signals import SphereSignals
from equiviz.view.errors import ViewError

VALUE, DIRECTION = "value", "direction"
"""Attributes of the points: what is coloured, and what is drawn as arrows."""


def sphere_points(source: SphereSignal | Field, sphere: int = 0, channel: int = 0) -> Structure:
    """The points of one sphere, on a unit sphere, with one channel as attributes.

    Args:
        source: a signal, or a field that a network has on the grid: an entry of `equiviz.capture`.
        sphere: which row.
        channel: which channel.

    Returns:
        V particles with ``value`` "0e": the signal, or the mean of a feature over its six directions. Of features with
        directions also ``direction`` "1o": their first harmonic as a tangent vector, the sum over directions d of the
        feature times the unit vector in direction d, a third of it.

    Raises:
        ViewError: a field that is not on the grid, or a sphere or channel that is not there.
    """
    field = next(iter(source.fields.values())) if isinstance(source, SphereSignal) else source
    kind = field.representation
    if not isinstance(kind, SphereSignals):
        raise ViewError(f"Expected a signal on the sphere, got a field of {kind}.")
    if not 0 <= sphere < len(field) or not 0 <= channel < kind.channels:
        raise ViewError(
            f"Expected sphere 0 to {len(field) - 1} and channel 0 to {kind.channels - 1}, got {sphere} and {channel}."
        )
    values = kind.spread(field.values[sphere].detach().double().cpu())[channel]  # [V] or [6, V]
    at = kind.grid
    bare = Structure(at.positions, torch.zeros(len(at), dtype=torch.int64), length_unit="radius", name=str(kind))
    if kind.fibre == "scalar":
        return bare.with_node(VALUE, Field(values[:, None], "0e"))
    arrows = torch.einsum("dv,vdi->vi", values, at.directions) / 3
    return bare.with_node(VALUE, Field(values.mean(0)[:, None], "0e")).with_node(DIRECTION, Field(arrows, "1o"))


def arrow_scale(points: Structure) -> float | None:
    """By what arrows are drawn longer, so that the longest reaches the next point; None where there are none."""
    longest = float(points.node[DIRECTION].norms().max()) if DIRECTION in points.node else 0.0
    spacing = (4 * math.pi / len(points)) ** 0.5  # about that of points of as many equal areas
    return spacing / longest if longest > 0 else None

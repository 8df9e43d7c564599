"""The scene of a choice, and what of it changes when another channel is chosen.

Channels of one block share one scale and one magnification, so that they can be compared, and so that going from one to
the next sends a few bytes per atom and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.apps.explorer.choices import Choice, blocks, offered_blocks, why_not_drawn
from equiviz.features.capture import Capture
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.colour_scale import ColourScale
from equiviz.view.drawn_field import ALL, drawn
from equiviz.view.extent import bounds, extent, fitting_height
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Layer
from equiviz.view.scene import CHANGING, Camera, Scene
from equiviz.view.show import QUIET_ATOMS, SHRUNK, show

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.structures.graph import Graph

Changes = dict[int, dict[str, "NDArray[np.float64]"]]
NARROW = 1.1
"""Views are at least so many times as wide as high."""
THIN = 0.4
"""Of their radius: sticks under arrows and glyphs."""
BEADS = 0.25
"""Radius of what stands for an edge, in those of the atoms."""


def scene_of(structure: Structure, capture: Capture, choice: Choice) -> Scene:
    """The chosen copy on its structure; the structure alone where the stage cannot be drawn.

    Raises:
        ViewError: values that cannot be drawn, because they are not finite.
    """
    return scene_of_field(structure, capture[choice.stage], choice, capture.graph)


def scene_of_field(structure: Structure, field: Field, choice: Choice, graph: Graph | None = None) -> Scene:
    """As `scene_of`, of a field that need not be recorded."""
    scene = _scene(structure, field, choice, graph)
    camera = Camera()
    height = fitting_height(scene.layers, camera.direction, camera.up, NARROW)
    return replace(scene, camera=replace(camera, height=height))


def _scene(structure: Structure, field: Field, choice: Choice, graph: Graph | None) -> Scene:
    title = structure.name
    if why_not_drawn(field) or choice.block not in offered_blocks(field):
        return show(structure, title=title)
    if field.support == "node":
        return _drawn(structure, field, choice, title)
    if graph is None or graph.edge_index.shape[1] != len(field):
        return show(structure, title=title)
    beads = _drawn(_beads(structure, graph), Field(field.values, field.representation, "node"), choice, title)
    return _on_edges(show(structure, title=title), beads)


def seen_from_all_sides(scene: Scene, layers: Sequence[Layer]) -> Scene:
    """The scene with a camera that shows all of some layers however they are turned about their middle."""
    middle, _ = extent(layers)
    x, y, z = middle.tolist()
    height = 2.05 * max([_reach(layer, middle) for layer in layers], default=0.0) or 2.0
    return replace(scene, camera=Camera(centre=(x, y, z), height=height))


def _reach(layer: Layer, middle: NDArray[np.float64]) -> float:
    """How far from a point a layer gets."""
    points, around = bounds(layer)
    return float((np.linalg.norm(points - middle, axis=1) + around).max(initial=0.0))


def changes(before: Scene, after: Scene) -> Changes | None:
    """By layer, the arrays in which two scenes differ; None where they differ in anything else."""
    alike = (before.title, before.length_unit) == (after.title, after.length_unit)
    if not alike or [type(layer) for layer in before.layers] != [type(layer) for layer in after.layers]:
        return None
    found: Changes = {}
    for number, (own, other) in enumerate(zip(before.layers, after.layers, strict=True)):
        arrays = _changed(own, other)
        if arrays is None:
            return None
        if arrays:
            found[number] = arrays
    return found


def _drawn(structure: Structure, field: Field, choice: Choice, title: str) -> Scene:
    told: dict[str, Any] = {"block": choice.block, "style": choice.style, "title": title, "name": _name(choice)}
    if not choice.shared:
        return _named(show(structure, field, channel=choice.channel, **told), choice)
    values = _all_channels(structure, field, choice.block)  # [channels, N]
    reach = np.nan_to_num(np.quantile(np.abs(values), 0.95, axis=1))
    largest = show(structure, field, channel=int(reach.argmax()), **told)
    sizes = [layer.magnify if isinstance(layer, Arrows) else layer.size for layer in _shapes(largest)]
    if not sizes:
        signed = bool(np.nanmin(values, initial=0.0) < 0 < np.nanmax(values, initial=0.0))
        limits = ColourScale(kind="diverging" if signed else "sequential").limits(values.ravel())
        return show(structure, field, channel=choice.channel, signed=signed, limits=limits, **told)
    made = show(structure, field, channel=choice.channel, magnify=sizes[0], **told)
    scale = _scale_of(_shapes(largest)[0])
    layers = [replace(layer, scale=scale) if layer in _shapes(made) else layer for layer in made.layers]
    return _named(replace(made, layers=layers), choice)


def _named(scene: Scene, choice: Choice) -> Scene:
    """The glyphs' name without the channel, which may change; sticks that make way for what is drawn."""
    shaped = bool(_shapes(scene))

    def tidy(layer: Layer) -> Layer:
        if isinstance(layer, Bonds) and shaped:
            return replace(layer, radius=THIN * layer.radius)
        return replace(layer, name=_name(choice)) if isinstance(layer, Glyphs) else layer

    return replace(scene, layers=[tidy(layer) for layer in scene.layers])


def _name(choice: Choice) -> str:
    """What the colours are called. No channel stands in it: it is the same for all."""
    return "feature" if choice.block == ALL else choice.block


def _all_channels(structure: Structure, field: Field, block: str) -> NDArray[np.float64]:
    """What each channel would be coloured by, ``[channels, N]``."""
    count = offered_blocks(field).get(block) or blocks(field)[block]
    return np.stack([drawn(structure, field, block, channel).norms() for channel in range(count)])


def _shapes(scene: Scene) -> list[Arrows | Glyphs]:
    return [layer for layer in scene.layers if isinstance(layer, (Arrows, Glyphs))]


def _scale_of(layer: Arrows | Glyphs) -> ColourScale:
    """The scale with the range that it has for these values."""
    if isinstance(layer, Glyphs):
        values = np.concatenate([-layer.extents(), layer.extents()])
    else:
        values = np.linalg.norm(layer.vectors, axis=1)
    low, high = layer.scale.limits(values)
    return replace(layer.scale, low=low if layer.scale.kind == "diverging" else 0.0, high=high)


def _beads(structure: Structure, graph: Graph) -> Structure:
    """A point in the middle of each edge."""
    middle = (graph.positions[graph.receivers] + 0.5 * graph.edge_vectors).detach()  # [E, 3]
    return Structure(
        middle.to(structure.positions),
        graph.receivers.new_zeros(len(middle)),
        cell=structure.cell,
        pbc=structure.pbc,
        length_unit=structure.length_unit,
        species_names=("edge",),
    )


def _on_edges(atoms: Scene, beads: Scene) -> Scene:
    """The atoms, small and grey, and what is drawn on the edges."""
    base = [
        replace(layer, radii=SHRUNK * layer.radii, colour=QUIET_ATOMS) if isinstance(layer, Atoms) else layer
        for layer in atoms.layers
    ]
    shaped = bool(_shapes(beads))
    upper = [_small(layer) for layer in beads.layers if not isinstance(layer, CellBox)]
    return replace(atoms, layers=[*base, *(layer for layer in upper if not (shaped and isinstance(layer, Atoms)))])


def _small(layer: Layer) -> Layer:
    return replace(layer, radii=BEADS * layer.radii) if isinstance(layer, Atoms) else layer


def _changed(before: Layer, after: Layer) -> dict[str, NDArray[np.float64]] | None:
    found: dict[str, NDArray[np.float64]] = {}
    for name in (item.name for item in fields(before)):
        old, new = getattr(before, name), getattr(after, name)
        if not isinstance(old, np.ndarray) or not isinstance(new, np.ndarray):
            if old is not new and (isinstance(old, np.ndarray) or isinstance(new, np.ndarray) or old != new):
                return None
            continue
        if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            continue
        if name not in CHANGING or old.shape != new.shape:
            return None
        found[name] = new
    return found

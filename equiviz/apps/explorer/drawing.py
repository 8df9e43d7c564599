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
from equiviz.apps.explorer.place import Place
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.points import PointValues
from equiviz.view.colour_scale import ColourScale
from equiviz.view.drawn_field import ALL, drawn
from equiviz.view.extent import bounds, extent, fitting_height
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Layer
from equiviz.view.points import ARROW, VALUE, arrow_scale, finished
from equiviz.view.scene import CHANGING, Scene
from equiviz.view.show import QUIET_ATOMS, SHRUNK, show

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.structures.graph import Graph

Changes = dict[int, dict[str, "NDArray[np.float64]"]]
NARROW = 1.1
"""Views are at least so many times as wide as high."""
THIN = 0.4
"""Of their radius: sticks under arrows and glyphs."""
ROOM = 1.15
"""Of the radius of a ball, with what stands on it."""
BEADS = 0.25
"""Radius of what stands for an edge, in those of the atoms."""


def scene_of(place: Place, field: Field, choice: Choice) -> Scene:
    """The chosen copy on its structure; the structure alone where the stage cannot be drawn.

    Raises:
        ViewError: values that cannot be drawn, because they are not finite.
    """
    on = place.ground
    scene = _scene(place, field, choice)
    scene = scene if on is None else finished(scene, on, place.input)
    height = fitting_height(scene.layers, scene.camera.direction, scene.camera.up, NARROW)
    return replace(scene, camera=replace(scene.camera, height=height))


def input_scene(place: Place) -> Scene:
    """The input alone: its atoms; of values on points, as `equiviz.show` draws them."""
    on = place.input
    if on is None:
        return show(place.structure)
    field = Field(on.values, on.representation)
    block = VALUE if VALUE in on.names else ARROW
    return finished(_drawn(place, field, Choice(0, "", block, shared=False), "", on), on)


def _scene(place: Place, field: Field, choice: Choice) -> Scene:
    structure, graph, title = place.structure, place.graph, place.structure.name
    if why_not_drawn(field) or choice.block not in offered_blocks(field):
        return show(structure, title=title) if place.input is None else input_scene(place)
    if field.support == "node":
        return _drawn(place, field, choice, title, place.on)
    if graph is None or graph.edge_index.shape[1] != len(field):
        return show(structure, title=title)
    beads = _drawn(Place(_beads(structure, graph)), Field(field.values, field.representation, "node"), choice, title)
    return _on_edges(show(structure, title=title), beads)


def seen_from_all_sides(scene: Scene, layers: Sequence[Layer], on: PointValues | None = None) -> Scene:
    """The scene with a camera that shows all of some layers however they are turned about their middle.

    Points turn about the origin; those that are no grid may come as far as their vectors z = q + ip reach.
    """
    middle = extent(layers)[0] if on is None else np.zeros(3)
    reach = max([_reach(layer, middle) for layer in layers], default=0.0)
    if on is not None and on.ball:
        reach = ROOM * on.ball  # the same in all views, whatever stands on the points
    elif on is not None:
        reach = 1.15 * float((on.positions.square().sum(1) + on.values.square().sum(1)).sqrt().max())  # q and p from it
    x, y, z = middle.tolist()
    return replace(scene, camera=replace(scene.camera, centre=(x, y, z), height=2.05 * reach or 2.0))


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


def _drawn(place: Place, field: Field, choice: Choice, title: str, on: PointValues | None = None) -> Scene:
    structure = place.structure
    told: dict[str, Any] = {"block": choice.block, "style": choice.style, "title": title, "name": _name(choice, on)}
    values = _all_channels(structure, field, choice.block) if choice.shared or on is not None else None  # [channels, N]
    if on is not None:
        assert values is not None
        shown = values if choice.shared else values[choice.channel]
        longer = arrow_scale(on, float(np.nanmax(np.abs(shown), initial=0.0))) if choice.block == ARROW else None
        told |= {"slab": False, "magnify": longer if choice.style in ("auto", "arrows") else None}
    if not choice.shared or values is None:
        return _coloured(_named(show(structure, field, channel=choice.channel, **told), choice, on), field, choice, on)
    reach = np.nan_to_num(np.quantile(np.abs(values), 0.95, axis=1))
    largest = show(structure, field, channel=int(reach.argmax()), **told)
    sizes = [layer.magnify if isinstance(layer, Arrows) else layer.size for layer in _shapes(largest)]
    if not sizes:
        signed = bool(np.nanmin(values, initial=0.0) < 0 < np.nanmax(values, initial=0.0))
        limits = ColourScale(kind="diverging" if signed else "sequential").limits(values.ravel())
        return show(structure, field, channel=choice.channel, signed=signed, limits=limits, **told)
    told["magnify"] = sizes[0]
    made = show(structure, field, channel=choice.channel, **told)
    scale = _scale_of(_shapes(largest)[0])
    layers = [replace(layer, scale=scale) if layer in _shapes(made) else layer for layer in made.layers]
    return _coloured(_named(replace(made, layers=layers), choice, on), field, choice, on)


def _coloured(scene: Scene, field: Field, choice: Choice, on: PointValues | None) -> Scene:
    """Points under arrows have the colour of the same channel's value, where there is one: both are of one feature."""
    if on is None or choice.block != ARROW or VALUE not in on.names or not _shapes(scene):
        return scene
    values = field[VALUE][..., 0].T.double().numpy()  # [channels, N]
    shown = values if choice.shared else values[choice.channel]
    kind = (
        "diverging" if float(np.nanmin(shown, initial=0.0)) < 0 < float(np.nanmax(shown, initial=0.0)) else "sequential"
    )
    low, high = ColourScale(kind=kind).limits(shown.ravel())
    scale = ColourScale(on.names[VALUE], "", kind, low, high)
    points = [
        replace(x, values=values[choice.channel], scale=scale, colour="") for x in scene.layers if isinstance(x, Atoms)
    ]
    return replace(scene, layers=[*points, *(x for x in scene.layers if not isinstance(x, Atoms))])


def _named(scene: Scene, choice: Choice, on: PointValues | None = None) -> Scene:
    """The glyphs' name without the channel, which may change; sticks that make way for what is drawn."""
    shaped = bool(_shapes(scene))

    def tidy(layer: Layer) -> Layer:
        if isinstance(layer, Bonds) and shaped:
            return replace(layer, radius=THIN * layer.radius)
        return replace(layer, name=_name(choice, on)) if isinstance(layer, Glyphs) else layer

    return replace(scene, layers=[tidy(layer) for layer in scene.layers])


def _name(choice: Choice, on: PointValues | None = None) -> str:
    """What the colours are called. No channel stands in it: it is the same for all."""
    told = choice.block if on is None else on.names.get(choice.block, choice.block)
    return "feature" if choice.block == ALL else told


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

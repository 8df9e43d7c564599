"""A scene as the bytes that a page reads (js/PACKET.md): 17 bytes per coloured atom, 66 per glyph of degree 4.

Positions are float32, an atom's species is one byte, a glyph's coefficients are two bytes each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from equiviz.view.arrays import numbers
from equiviz.view.colours import DIVERGING, DIVERGING_ON_DARK, SEQUENTIAL, SEQUENTIAL_ON_DARK
from equiviz.view.errors import ViewError
from equiviz.view.extent import extent, fitting_height, slab_thickness
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Labels, Layer
from equiviz.view.packet import Header, write_packet
from equiviz.view.palette import UNKNOWN, label_colours
from equiviz.view.scene_words import describe
from equiviz.view.shared_ranges import with_shared_ranges

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from equiviz.view.colour_scale import ColourScale
    from equiviz.view.scene import Camera, Scene, Slab

Changes: TypeAlias = "Mapping[int, Mapping[str, ArrayLike]]"
LARGEST = 32767  # of a coefficient on the wire


def scene_packet(scene: Scene) -> bytes:
    """The whole scene; layers with equal scales share one range, as in every other picture of it."""
    scene = with_shared_ranges([scene])[0]
    layers = list(scene.layers)
    frames = [{"label": frame.label, "updates": _updates(layers, frame.changes)} for frame in scene.frames]
    content = {
        "title": scene.title,
        "words": describe(scene),
        "length_unit": scene.length_unit,
        "camera": camera_header(scene.camera, layers),
        "slab": slab_header(scene.slab, layers),
        "layers": [_LAYERS[type(layer)](layer, layers) for layer in layers],
        "frames": frames,
    }
    return write_packet({"scene": content})


def update_packet(layers: Sequence[Layer], changes: Changes) -> bytes:
    """What changes in some layers: arrays by name, by number of the layer.

    Raises:
        ViewError: no such layer or array; another shape than the layer's.
    """
    return write_packet({"updates": _updates(layers, changes)})


def camera_header(camera: Camera, layers: Sequence[Layer]) -> Header:
    """What the camera leaves open is chosen so that all is seen."""
    centre, _ = extent(layers)
    height = fitting_height(layers, camera.direction, camera.up) if camera.height is None else camera.height
    return {
        "direction": [float(x) for x in camera.direction],
        "up": [float(x) for x in camera.up],
        "centre": [float(x) for x in (centre if camera.centre is None else camera.centre)],
        "height": float(height),
    }


def slab_header(slab: Slab | None, layers: Sequence[Layer]) -> Header | None:
    """As the page takes it; a thickness that is left open is a fifth of the scene."""
    if slab is None:
        return None
    return {"axis": slab.axis, "thickness": slab_thickness(slab, layers), "start": slab.start}


def scale_header(scale: ColourScale, values: NDArray[np.float64]) -> Header:
    """The scale with its range for these values, and its colours on light and on dark."""
    low, high = scale.limits(values)
    signed = scale.kind == "diverging"
    light, dark = (DIVERGING, DIVERGING_ON_DARK) if signed else (SEQUENTIAL, SEQUENTIAL_ON_DARK)
    told = {"heading": scale.heading, "title": scale.title, "unit": scale.unit, "kind": scale.kind}
    return {**told, "low": low, "high": high, "colours": light, "colours_on_dark": dark}


def _atoms(atoms: Atoms, layers: Sequence[Layer]) -> Header:
    style, styles = _styles(atoms)
    coloured = atoms.values is not None and not atoms.colour
    return {
        "kind": "atoms",
        "positions": _single(atoms.positions),
        "style": style,
        "styles": styles,
        "values": _single(atoms.values) if coloured and atoms.values is not None else None,
        "scale": scale_header(atoms.scale, atoms.values) if coloured and atoms.values is not None else None,
        "hover": list(atoms.hover),
    }


def _styles(atoms: Atoms) -> tuple[NDArray[Any], list[Header]]:
    """The distinct pairs of label and radius, and which one each atom has ``[N]``."""
    labels = np.asarray(atoms.labels or ("",) * len(atoms.positions))
    names, label_of = np.unique(labels, return_inverse=True)
    radii, radius_of = np.unique(atoms.radii.astype(np.float32), return_inverse=True)
    pairs, style = np.unique(label_of * max(1, len(radii)) + radius_of, return_inverse=True)
    if len(pairs) > 2**16:
        raise ViewError(f"Atoms: expected at most 65,536 different pairs of label and radius, got {len(pairs):,}.")
    colours = label_colours(atoms.labels)
    styles = [
        {
            "label": str(names[pair // len(radii)]),
            "colour": atoms.colour or colours.get(str(names[pair // len(radii)]), UNKNOWN),
            "radius": float(radii[pair % len(radii)]),
        }
        for pair in pairs
    ]
    return style.astype(np.uint8 if len(pairs) <= 2**8 else np.uint16), styles


def _bonds(bonds: Bonds, layers: Sequence[Layer]) -> Header:
    of, atoms = next(((k, layer) for k, layer in enumerate(layers) if isinstance(layer, Atoms)), (0, None))
    count = 0 if atoms is None else len(atoms.positions)
    if len(bonds.pairs) and bonds.pairs.max() >= count:
        raise ViewError(f"Bonds.pairs: atom {bonds.pairs.max()} does not exist, there are {count}.")
    pairs = bonds.pairs.astype(np.uint32)
    return {"kind": "bonds", "pairs": pairs, "of": of, "radius": bonds.radius, "colour": bonds.colour}


def _cell(box: CellBox, layers: Sequence[Layer]) -> Header:
    origin = np.zeros(3) if box.origin is None else box.origin
    return {"kind": "cell", "origin": origin.tolist(), "vectors": box.cell.tolist()}


def _arrows(arrows: Arrows, layers: Sequence[Layer]) -> Header:
    values = np.linalg.norm(arrows.vectors, axis=1) if arrows.values is None else arrows.values
    return {
        "kind": "arrows",
        "origins": _single(arrows.origins),
        "vectors": _single(arrows.vectors),
        "magnify": arrows.magnify,
        "values": _single(values),
        "scale": scale_header(arrows.scale, values),
        "width": arrows.width,
        "axial": arrows.axial,
        "of": _atoms_at(arrows.origins, layers),
    }


def _glyphs(glyphs: Glyphs, layers: Sequence[Layer]) -> Header:
    return {
        "kind": "glyphs",
        "origins": _single(glyphs.origins),
        **_coefficients(glyphs.coefficients),
        "lmax": glyphs.degree,
        "size": glyphs.size,
        "scale": scale_header(glyphs.scale, _signed(glyphs.extents())),
        "of": _atoms_at(glyphs.origins, layers),
        "name": glyphs.name,
    }


def _labels(labels: Labels, layers: Sequence[Layer]) -> Header:
    of = _atoms_at(labels.positions, layers)
    return {"kind": "labels", "positions": _single(labels.positions), "texts": list(labels.texts), "of": of}


_LAYERS: dict[type, Callable[..., Header]] = {
    Atoms: _atoms,
    Bonds: _bonds,
    CellBox: _cell,
    Arrows: _arrows,
    Glyphs: _glyphs,
    Labels: _labels,
}


def _updates(layers: Sequence[Layer], changes: Changes) -> list[Header]:
    return [{"layer": number, **_update(layers, number, arrays)} for number, arrays in changes.items()]


def _update(layers: Sequence[Layer], number: int, arrays: Mapping[str, ArrayLike]) -> Header:
    if not 0 <= number < len(layers):
        raise ViewError(f"Expected the number of a layer, 0 to {len(layers) - 1}, got {number}.")
    found: Header = {}
    for name, data in arrays.items():
        before, values = getattr(layers[number], name, None), numbers(data)
        kind = type(layers[number]).__name__
        if not isinstance(before, np.ndarray) or name in ("radii", "pairs", "cell", "origin"):
            raise ViewError(f"Layer {number} ({kind}) has no array {name!r} that could change.")
        if values.shape != before.shape:
            raise ViewError(f"{kind}.{name}: expected shape {list(before.shape)}, got {list(values.shape)}.")
        if name != "values" and not np.isfinite(values).all():
            raise ViewError(f"{kind}.{name}: expected finite numbers, got NaN or infinity.")
        found |= _coefficients(values) if name == "coefficients" else {name: _single(values)}
    if isinstance(layers[number], Arrows) and "vectors" in found and "values" not in found:
        found["values"] = np.linalg.norm(found["vectors"], axis=1).astype(np.float32)
    return found


def _coefficients(values: NDArray[np.float64]) -> Header:
    """Two bytes each, relative to the largest of their glyph."""
    amplitudes = np.abs(values).max(axis=1, initial=0.0)  # [N]
    relative = values / np.where(amplitudes > 0, amplitudes, 1.0)[:, None]
    return {"coefficients": np.rint(LARGEST * relative).astype(np.int16), "amplitudes": _single(amplitudes)}


def _atoms_at(points: NDArray[np.float64], layers: Sequence[Layer]) -> int | None:
    """The layer of atoms that these points sit on, row by row."""
    for number, layer in enumerate(layers):
        if isinstance(layer, Atoms) and np.array_equal(layer.positions, points):
            return number
    return None


def _signed(extents: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([-extents, extents])


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)

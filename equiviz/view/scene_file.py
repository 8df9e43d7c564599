"""A scene as one versioned file: the saved session, without loss. Nothing in a file is ever executed.

It is a packet (:mod:`equiviz.view.packet`) with the header ``{"format": "equiviz-scene", "version": 2, "scene": ...}``;
each layer is an object with its ``kind`` and its fields, numbers as float64.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from equiviz.structures.atomic_file import write_atomically
from equiviz.view.colour_scale import ColourScale
from equiviz.view.errors import PacketError, SceneFileError, ViewError
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Labels, Layer
from equiviz.view.packet import Header, read_packet, write_packet
from equiviz.view.scene import CHANGING, Camera, Frame, Scene, Slab

FORMAT, VERSION = "equiviz-scene", 2
MOST_BYTES = 1_000_000_000
_KINDS: dict[str, type[Layer]] = {
    "atoms": Atoms,
    "bonds": Bonds,
    "arrows": Arrows,
    "glyphs": Glyphs,
    "cell": CellBox,
    "labels": Labels,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def save_scene(scene: Scene, path: str | os.PathLike[str]) -> Path:
    """Write ``scene`` to ``path``, atomically; returns the path."""
    content = {
        "title": scene.title,
        "length_unit": scene.length_unit,
        "slab": None if scene.slab is None else dataclasses.asdict(scene.slab),
        "camera": dataclasses.asdict(scene.camera),
        "layers": [{"kind": _NAMES[type(layer)], **_fields(layer)} for layer in scene.layers],
        "frames": [_packed_frame(frame) for frame in scene.frames],
    }
    return write_atomically(path, write_packet({"format": FORMAT, "version": VERSION, "scene": content}))


def load_scene(path: str | os.PathLike[str]) -> Scene:
    """Read a scene file; raises :class:`SceneFileError` where the file is not a sound scene of a known version."""
    place = Path(path)
    content = _content(place)
    try:
        layers = [_layer(entry) for entry in content["layers"]]
        slab = None if content["slab"] is None else Slab(**content["slab"])
        frames = tuple(_frame(entry) for entry in content["frames"])
        made = Scene(
            layers, str(content["title"]), str(content["length_unit"]), slab, _camera(content["camera"]), frames
        )
        for number in range(len(frames)):
            made.at(number)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError, ViewError) as reason:
        raise SceneFileError(f"{place}: the scene is damaged ({reason!r}). Save it again with Scene.save.") from reason
    return made


def _content(place: Path) -> Header:
    if not place.is_file():
        raise SceneFileError(f"{place}: expected a scene file, there is none. Make one with Scene.save.")
    size = place.stat().st_size
    if size > MOST_BYTES:
        raise SceneFileError(f"{place}: expected a scene file of at most {MOST_BYTES:,} bytes, got {size:,}.")
    try:
        document = read_packet(place.read_bytes())
    except PacketError as reason:
        raise SceneFileError(f"{place}: expected a file made by Scene.save, but {reason}.") from reason
    if document.get("format") != FORMAT:
        raise SceneFileError(f"{place}: expected a file with the format {FORMAT!r}. Make one with Scene.save.")
    if document.get("version") != VERSION:
        raise SceneFileError(
            f"{place}: expected version {VERSION} of the scene format, got {document.get('version')!r}. "
            "Read it with the release of equiviz that wrote it."
        )
    if not isinstance(document.get("scene"), dict):
        raise SceneFileError(f"{place}: the scene is missing. Save it again with Scene.save.")
    return document["scene"]


def _fields(layer: Layer) -> Header:
    packed: Header = {entry.name: getattr(layer, entry.name) for entry in dataclasses.fields(layer)}
    return {name: dataclasses.asdict(v) if isinstance(v, ColourScale) else v for name, v in packed.items()}


def _layer(entry: Mapping[str, object]) -> Layer:
    kind = _KINDS[str(entry["kind"])]
    known = {field.name for field in dataclasses.fields(kind)}
    fields: dict[str, Any] = {name: _field(name, value) for name, value in entry.items() if name in known}
    return kind(**fields)


def _field(name: str, value: object) -> object:
    if name == "scale":
        return _scale(cast("dict[str, object]", value))
    if name in ("labels", "hover", "texts"):
        return tuple(str(text) for text in cast("list[object]", value))
    if isinstance(value, (list, dict)):
        raise ValueError(f"expected a number, a text or an array for {name}")
    return value


def _scale(entry: Mapping[str, object]) -> ColourScale:
    if entry["kind"] not in ("sequential", "diverging"):
        raise ValueError(f"unknown kind of colour scale {entry['kind']!r}")
    low, high = (None if entry[end] is None else float(cast("float", entry[end])) for end in ("low", "high"))
    return ColourScale(str(entry["title"]), str(entry["unit"]), entry["kind"], low, high)


def _camera(entry: Mapping[str, Any]) -> Camera:
    direction, up, centre = (
        None if entry[name] is None else tuple(float(x) for x in entry[name]) for name in ("direction", "up", "centre")
    )
    if any(vector is not None and len(vector) != 3 for vector in (direction, up, centre)):
        raise ValueError("expected three numbers for each vector of the camera")
    height = None if entry["height"] is None else float(entry["height"])
    return Camera(cast(Any, direction), cast(Any, up), cast(Any, centre), height)


def _packed_frame(frame: Frame) -> Header:
    return {"label": frame.label, "changes": {str(layer): dict(arrays) for layer, arrays in frame.changes.items()}}


def _frame(entry: Mapping[str, Any]) -> Frame:
    changes: dict[int, dict[str, Any]] = {int(layer): dict(arrays) for layer, arrays in entry["changes"].items()}
    for arrays in changes.values():
        if not all(name in CHANGING and isinstance(array, np.ndarray) for name, array in arrays.items()):
            raise ValueError(f"expected arrays among {', '.join(CHANGING)} in a frame")
    return Frame(str(entry["label"]), changes)

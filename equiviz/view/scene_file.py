"""A scene as one versioned JSON file. Numbers travel as base64 bytes; nothing in a file is ever executed.

The format: ``{"format": "equiviz-scene", "version": 1, "scene": {...}}``. Each layer is an object with its ``kind`` and
its fields; an array is ``{"dtype": "<f8", "shape": [N, 3], "base64": "..."}``.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from equiviz.structures.atomic_file import write_atomically
from equiviz.view.errors import SceneFileError, ViewError
from equiviz.view.scene import Arrows, Atoms, CellBox, ColourScale, Layer, Scene, Slab

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT, VERSION = "equiviz-scene", 1
MOST_BYTES = 1_000_000_000
_KINDS: dict[str, type[Layer]] = {"atoms": Atoms, "arrows": Arrows, "cell": CellBox}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def save_scene(scene: Scene, path: str | os.PathLike[str]) -> Path:
    """Write ``scene`` to ``path``, atomically; returns the path."""
    layers = [{"kind": _NAMES[type(layer)], **_fields(layer)} for layer in scene.layers]
    slab = None if scene.slab is None else dataclasses.asdict(scene.slab)
    content = {"title": scene.title, "length_unit": scene.length_unit, "slab": slab, "layers": layers}
    return write_atomically(path, json.dumps({"format": FORMAT, "version": VERSION, "scene": content}, allow_nan=False))


def load_scene(path: str | os.PathLike[str]) -> Scene:
    """Read a scene file; raises :class:`SceneFileError` where the file is not a sound scene of a known version."""
    place = Path(path)
    content = _content(place)
    try:
        layers = [_layer(entry) for entry in content["layers"]]
        slab = None if content["slab"] is None else Slab(**content["slab"])
        return Scene(layers, str(content["title"]), str(content["length_unit"]), slab)
    except (KeyError, TypeError, ValueError, OverflowError, ViewError) as reason:
        raise SceneFileError(f"{place}: the scene is damaged ({reason!r}). Save it again with Scene.save.") from reason


def _content(place: Path) -> dict[str, Any]:
    if not place.is_file():
        raise SceneFileError(f"{place}: expected a scene file, there is none. Make one with Scene.save.")
    size = place.stat().st_size
    if size > MOST_BYTES:
        raise SceneFileError(f"{place}: expected a scene file of at most {MOST_BYTES:,} bytes, got {size:,}.")
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as reason:
        raise SceneFileError(f"{place}: expected JSON made by Scene.save, got something else ({reason}).") from reason
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SceneFileError(f"{place}: expected a file with the format {FORMAT!r}. Make one with Scene.save.")
    if document.get("version") != VERSION:
        raise SceneFileError(
            f"{place}: expected version {VERSION} of the scene format, got {document.get('version')!r}. "
            "Read it with the release of equiviz that wrote it."
        )
    if not isinstance(document.get("scene"), dict):
        raise SceneFileError(f"{place}: the scene is missing. Save it again with Scene.save.")
    return document["scene"]


def _fields(layer: Layer) -> dict[str, object]:
    return {field.name: _pack(getattr(layer, field.name)) for field in dataclasses.fields(layer)}


def _pack(value: object) -> object:
    if isinstance(value, np.ndarray):
        packed = base64.b64encode(np.ascontiguousarray(value, "<f8").tobytes()).decode()
        return {"dtype": "<f8", "shape": list(value.shape), "base64": packed}
    return dataclasses.asdict(value) if isinstance(value, ColourScale) else value


def _layer(entry: Mapping[str, object]) -> Layer:
    kind = _KINDS[str(entry["kind"])]
    known = {field.name for field in dataclasses.fields(kind)}
    fields: dict[str, Any] = {name: _unpack(name, value) for name, value in entry.items() if name in known}
    return kind(**fields)


def _unpack(name: str, value: object) -> object:
    if isinstance(value, dict) and "base64" in value:
        return _array(value)
    if name == "scale":
        return _scale(cast("dict[str, object]", value))
    if name in ("labels", "hover"):
        return tuple(str(text) for text in cast("list[object]", value))
    return value


def _scale(entry: Mapping[str, object]) -> ColourScale:
    if entry["kind"] not in ("sequential", "diverging"):
        raise ValueError(f"unknown kind of colour scale {entry['kind']!r}")
    low, high = (None if entry[end] is None else float(cast("float", entry[end])) for end in ("low", "high"))
    return ColourScale(str(entry["title"]), str(entry["unit"]), entry["kind"], low, high)


def _array(packed: Mapping[str, object]) -> NDArray[np.float64]:
    """The bytes must have exactly the length that the shape says; only one kind of number is admitted."""
    if packed["dtype"] != "<f8":
        raise ValueError(f"expected numbers of the kind '<f8', got {packed['dtype']!r}")
    shape = [int(side) for side in cast("list[int]", packed["shape"])]
    try:
        data = base64.b64decode(str(packed["base64"]), validate=True)
    except binascii.Error as reason:
        raise ValueError(f"an array's bytes are not base64 ({reason})") from reason
    if min(shape, default=0) < 0 or len(data) != 8 * math.prod(shape):
        raise ValueError(f"expected {8 * math.prod(shape)} bytes for an array of shape {shape}, got {len(data)}")
    return np.frombuffer(data, dtype="<f8").reshape(shape).astype(np.float64)

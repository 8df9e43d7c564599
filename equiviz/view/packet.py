"""A header with arrays in it, as bytes: what is sent to a page, and what a saved scene is (see js/PACKET.md).

``b"EQVZ"``, the version and the header's length as little-endian u32, the header as JSON, then the arrays, each at a
multiple of eight bytes. Where the header has an array, it stands as ``{"dtype", "shape", "offset"}``. Nothing in a
packet is ever executed; what does not fit together is refused.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from equiviz.view.errors import PacketError

Header: TypeAlias = "dict[str, Any]"
MAGIC, VERSION = b"EQVZ", 1
KINDS = ("<f4", "<f8", "<i2", "<i8", "<u2", "<u4", "|u1")
_START = struct.Struct("<4sII")
_STEP = 8
LONGEST_HEADER = 64 << 20
"""Bytes. Texts and hover lines are in it; numbers are not."""


def write_packet(header: Header) -> bytes:
    """Pack a header that holds, among what JSON knows, numpy arrays of the kinds in `KINDS`."""
    blobs: list[bytes] = []

    def put(array: NDArray[Any]) -> Header:
        kind = array.dtype.newbyteorder("<").str
        if kind not in KINDS:
            raise TypeError(f"Expected an array of one of {', '.join(KINDS)}, got {kind}.")
        offset = sum(map(len, blobs))
        blobs.append(_padded(np.ascontiguousarray(array, kind).tobytes(), b"\0"))
        return {"dtype": kind, "shape": list(array.shape), "offset": offset}

    text = json.dumps(_mapped(header, put), allow_nan=False, ensure_ascii=False).encode(errors="replace")
    text += b" " * (-(_START.size + len(text)) % _STEP)
    return b"".join([_START.pack(MAGIC, VERSION, len(text)), text, *blobs])


def read_packet(data: bytes) -> Header:
    """Unpack; raises :class:`PacketError` with the reason for anything but a sound packet."""
    if len(data) < _START.size:
        raise PacketError(f"expected at least {_START.size} bytes, got {len(data)}")
    magic, version, length = _START.unpack_from(data)
    if magic != MAGIC:
        raise PacketError(f"expected the file to begin with {MAGIC.decode()}, it begins with {bytes(magic)!r}")
    if version != VERSION:
        raise PacketError(f"expected version {VERSION} of the container, got {version}")
    start = _START.size + length
    if start > len(data):
        raise PacketError(f"the header should take {length:,} bytes, the file has {len(data):,}")
    if length > LONGEST_HEADER:
        raise PacketError(f"expected a header of at most {LONGEST_HEADER:,} bytes, got {length:,}")
    try:
        header = json.loads(data[_START.size : start].decode())
    except (ValueError, RecursionError) as reason:
        raise PacketError(f"the header is no JSON ({reason})") from reason
    if not isinstance(header, dict):
        raise PacketError("the header is no object")
    try:
        return cast(Header, _Body(memoryview(data)[start:]).unpacked(header))
    except RecursionError as reason:
        raise PacketError("the header is nested too deeply") from reason


def _padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % _STEP)


def _mapped(value: object, put: Callable[[NDArray[Any]], Header]) -> object:
    if isinstance(value, np.ndarray):
        return put(value)
    if isinstance(value, dict):
        return {str(name): _mapped(entry, put) for name, entry in cast("dict[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_mapped(entry, put) for entry in cast("list[object]", value)]
    return value


class _Body:
    """The bytes behind a header. All arrays together may not be larger than it: several may not share one place."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.left = data, len(data)

    def unpacked(self, value: object) -> object:
        if isinstance(value, list):
            return [self.unpacked(entry) for entry in cast("list[object]", value)]
        if not isinstance(value, dict):
            return value
        entries = cast(Header, value)
        if set(entries) == {"dtype", "shape", "offset"}:
            return self.array(entries)
        return {name: self.unpacked(entry) for name, entry in entries.items()}

    def array(self, told: Header) -> NDArray[Any]:
        kind, shape, offset = told["dtype"], told["shape"], told["offset"]
        if kind not in KINDS:
            raise PacketError(f"expected numbers of one of {', '.join(KINDS)}, got {kind!r}")
        sides = cast("list[object]", shape) if isinstance(shape, list) else [None]
        if not all(_is_count(side) for side in [*sides, offset]) or len(sides) > 8:
            raise PacketError(f"expected a shape and an offset of whole numbers, got {shape!r} at {offset!r}")
        count = math.prod(cast("list[int]", sides))
        size = count * np.dtype(kind).itemsize
        if offset % _STEP or offset + size > len(self.data):
            raise PacketError(
                f"an array of shape {shape} at {offset} reaches beyond the {len(self.data):,} bytes there are"
            )
        self.left -= size
        if self.left < 0:
            raise PacketError(f"arrays overlap: together they are larger than the {len(self.data):,} bytes there are")
        return np.frombuffer(self.data, kind, count, offset).reshape(cast("list[int]", sides)).copy()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31

"""Does a packet bring back what was packed, and refuse what does not fit together?"""

from __future__ import annotations

import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equiviz.view.errors import PacketError
from equiviz.view.packet import KINDS, read_packet, write_packet


def packed(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-(12 + len(text)) % 8)
    return struct.pack("<4sII", b"EQVZ", 1, len(text)) + text + body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0,), (3,), (5, 3), (2, 3, 4), ()])
def test_arrays_come_back_as_they_were(kind: str, shape: tuple[int, ...]) -> None:
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(kind)
    header = {"title": "σ² </script>", "layers": [{"here": array}, {"and": [array, None, 1.5]}]}
    found = read_packet(write_packet(header))
    for other in (found["layers"][0]["here"], found["layers"][1]["and"][0]):
        assert other.dtype == array.dtype
        assert np.array_equal(other, array)
    assert found["title"] == header["title"]
    assert found["layers"][1]["and"][1:] == [None, 1.5]


def test_arrays_lie_where_a_page_can_read_them_without_copying() -> None:
    data = write_packet({"a": np.arange(3, dtype=np.uint8), "b": np.arange(5, dtype=np.float32)})
    length = struct.unpack_from("<I", data, 8)[0]
    assert (12 + length) % 8 == 0
    header = json.loads(data[12 : 12 + length])
    assert [entry["offset"] for entry in header.values()] == [0, 8]
    assert np.frombuffer(data, "<f4", 5, 12 + length + 8).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "at least 12 bytes"),
        (b"PK\3\4" + bytes(20), "to begin with EQVZ"),
        (struct.pack("<4sII", b"EQVZ", 9, 0), "version 1 of the container, got 9"),
        (struct.pack("<4sII", b"EQVZ", 1, 99), "the header should take 99 bytes"),
        (struct.pack("<4sII", b"EQVZ", 1, 4) + b"\xff\xff\xff\xff", "the header is no JSON"),
        (struct.pack("<4sII", b"EQVZ", 1, 100_000) + b"[" * 100_000, "the header is no JSON"),
        (packed([]), "the header is no object"),
        (packed({"a": {"dtype": "|O", "shape": [1], "offset": 0}}, bytes(8)), r"got '\|O'"),
        (packed({"a": {"dtype": "<f4", "shape": [3], "offset": 0}}, bytes(8)), "reaches beyond the 8 bytes"),
        (packed({"a": {"dtype": "<f4", "shape": [1], "offset": 4}}, bytes(8)), "reaches beyond"),
        (packed({"a": {"dtype": "<f4", "shape": [-1], "offset": 0}}, bytes(8)), "whole numbers"),
        (packed({"a": {"dtype": "<f4", "shape": "abc", "offset": 0}}, bytes(8)), "whole numbers"),
        (packed({"a": {"dtype": "<f4", "shape": [True], "offset": 0}}, bytes(8)), "whole numbers"),
        (packed({"a": {"dtype": "<f4", "shape": [2**40, 2**40, 0], "offset": 0}}, bytes(8)), "whole numbers"),
        (packed({"a": {"dtype": "<f4", "shape": [0], "offset": 8**9}}, bytes(8)), "reaches beyond"),
        (packed([{"dtype": "<f4", "shape": [2], "offset": 0}] * 2, bytes(8)), "the header is no object"),
        (packed({"a": [{"dtype": "<f4", "shape": [2], "offset": 0}] * 2}, bytes(8)), "arrays overlap"),
        (packed({"a": json.loads("[" * 900 + "]" * 900)}), "nested too deeply|no JSON"),
        (struct.pack("<4sII", b"EQVZ", 1, 6000) + b'{"a":' + b"9" * 5994 + b"}", "no JSON"),
        (struct.pack("<4sII", b"EQVZ", 1, 80 << 20) + bytes(80 << 20), "a header of at most"),
    ],
)
def test_damaged_packets_are_refused_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(PacketError, match=message):
        read_packet(data)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_read(place: int, value: int) -> None:
    """Never another error, never more memory than the file has."""
    data = bytearray(write_packet({"scene": {"positions": np.arange(9.0).reshape(3, 3), "kind": "atoms"}}))
    data[place % len(data)] = value
    with contextlib.suppress(PacketError):
        read_packet(bytes(data))


def test_other_kinds_of_numbers_are_not_packed() -> None:
    with pytest.raises(TypeError, match="Expected an array of one of"):
        write_packet({"a": np.zeros(3, np.complex128)})

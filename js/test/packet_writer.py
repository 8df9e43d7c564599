"""Packets for tests of the page, written from PACKET.md alone, independently of the package."""

from __future__ import annotations

import json
import struct

import numpy as np

Packed = dict[str, object]


class Writer:
    """Collects arrays, and writes the container."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.length = 0

    def array(self, data: object, dtype: str) -> Packed:
        values = np.ascontiguousarray(data, dtype=np.dtype(dtype))
        raw = values.tobytes()
        padding = -len(raw) % 8
        self.chunks.append(raw + b"\0" * padding)
        offset = self.length
        self.length += len(raw) + padding
        return {"dtype": dtype, "shape": list(values.shape), "offset": offset}

    def close(self, header: Packed) -> bytes:
        text = json.dumps(header).encode()
        text += b" " * (-(12 + len(text)) % 8)
        return b"EQVZ" + struct.pack("<II", 1, len(text)) + text + b"".join(self.chunks)


VIRIDIS = ["#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B", "#FDE725"]
VIRIDIS_ON_DARK = ["#4071B4", "#3189A6", "#25A193", "#4ABD72", "#9AD43C", "#FDE725"]
VIK = ["#001261", "#033E7D", "#1E6F9D", "#71A8C4", "#ECE5E0", "#D29A7B", "#B8602F", "#8B2706", "#590008"]
VIK_ON_DARK = ["#3E7FD0", "#6FA9DC", "#ECE5E0", "#DDA07A", "#C9572B"]


def even(colours: list[str]) -> list[list[object]]:
    return [[place, colour] for place, colour in zip(np.linspace(0, 1, len(colours)).tolist(), colours, strict=True)]


def scale(title: str, unit: str, low: float, high: float, *, diverging: bool = False) -> Packed:
    light, dark = (VIK, VIK_ON_DARK) if diverging else (VIRIDIS, VIRIDIS_ON_DARK)
    return {
        "heading": f"{title} ({unit})" if unit else title,
        "title": title,
        "unit": unit,
        "low": low,
        "high": high,
        "kind": "diverging" if diverging else "sequential",
        "colours": even(light),
        "colours_on_dark": even(dark),
    }


def scene(writer: Writer, layers: list[Packed], **rest: object) -> bytes:
    head = {"title": "", "words": "", "length_unit": "Å", "camera": None, "slab": None, "frames": []}
    return writer.close({"scene": head | rest | {"layers": layers}})


def quantised(coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int16 coefficients and the amplitude of each row."""
    amplitudes = np.abs(coefficients).max(axis=1)
    safe = np.where(amplitudes > 0, amplitudes, 1)
    return np.round(32767 * coefficients / safe[:, None]), amplitudes

"""The scenes that look.py draws."""

from __future__ import annotations

import numpy as np
from packet_writer import Packed, Writer, quantised, scale, scene

ASPIRIN = """O 1.2333 0.5540 0.7792\nO -0.6952 -2.7148 -0.7502\nO 0.7958 -2.1843 0.8685\nO 1.7813 0.8105 -1.4821
C -0.0857 0.6088 0.4403\nC -0.7927 -0.5515 0.1244\nC -0.7288 1.8464 0.4133\nC -2.1426 -0.4741 -0.2184
C -2.0787 1.9238 0.0706\nC -2.7855 0.7636 -0.2453\nC -0.1409 -1.8536 0.1477\nC 2.1094 0.6715 -0.3113
C 3.5305 0.5996 0.1635\nH -0.1851 2.7545 0.6593\nH -2.7247 -1.3605 -0.4564\nH -2.5797 2.8872 0.0506
H -3.8374 0.8238 -0.5090\nH 3.7290 1.4184 0.8593\nH 4.2045 0.6969 -0.6924\nH 3.7105 -0.3659 0.6426
H -0.2555 -3.5916 -0.7337"""
ELEMENTS = {"H": ("#E8E8E8", 0.31), "C": ("#5B5B5B", 0.5), "O": ("#D64541", 0.48)}


def molecule(title: str = "Aspirin", label: str = "C") -> bytes:
    rows = [line.split() for line in ASPIRIN.splitlines()]
    names = [row[0] for row in rows]
    positions = np.array([[float(x) for x in row[1:]] for row in rows])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    first, second = np.nonzero(np.triu(distances < 1.65, 1))
    keep = distances[first, second] < np.where(
        [(names[i] == "H") or (names[j] == "H") for i, j in zip(first, second, strict=True)], 1.25, 1.65
    )
    pairs = np.stack([first[keep], second[keep]], axis=1)
    w = Writer()
    kinds = list(ELEMENTS)
    layers: list[Packed] = [
        {
            "kind": "atoms",
            "positions": w.array(positions, "<f4"),
            "style": w.array([kinds.index(n) for n in names], "|u1"),
            "styles": [
                {"label": label if n == "C" else n, "colour": ELEMENTS[n][0], "radius": ELEMENTS[n][1]} for n in kinds
            ],
            "values": None,
            "scale": None,
            "hover": [f"{title} {n}{k}" for k, n in enumerate(names)],
        },
        {"kind": "bonds", "pairs": w.array(pairs, "<u4"), "of": 0, "radius": 0.14, "colour": ""},
        {
            "kind": "labels",
            "positions": w.array(positions, "<f4"),
            "texts": [f"{label}{k}" if n == "O" else "" for k, n in enumerate(names)],
            "of": 0,
        },
    ]
    return scene(w, layers, title=title, words=f"A molecule of {title} with 21 atoms.")


def lattice(count: int, seed: int = 0) -> np.ndarray:
    """A jittered lattice of about unit density."""
    side = int(np.ceil(count ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:count].astype(float)
    return grid + np.random.default_rng(seed).normal(0, 0.12, grid.shape)


def glyph_coefficients(positions: np.ndarray, lmax: int, seed: int = 1) -> np.ndarray:
    """Coefficients that vary smoothly in space, so that the picture has something to show."""
    rng = np.random.default_rng(seed)
    numbers = (lmax + 1) ** 2
    waves = rng.normal(0, 0.35, (numbers, 3))
    phases = rng.uniform(0, 6.28, numbers)
    falling = np.concatenate([np.full(2 * l + 1, 1 / (1 + l)) for l in range(lmax + 1)])
    return np.sin(positions @ waves.T + phases) * falling


def glyphs(count: int = 500, lmax: int = 4) -> bytes:
    positions = lattice(count) * 2.4
    coefficients, amplitudes = quantised(glyph_coefficients(positions, lmax))
    w = Writer()
    top = float(amplitudes.max())
    cell = float(positions.max() + 1.2)
    size = 1.1 / (amplitudes.max() * (lmax + 1) * 0.55)
    layers: list[Packed] = [
        {
            "kind": "atoms",
            "positions": w.array(positions, "<f4"),
            "style": w.array(np.arange(count) % 2, "|u1"),
            "styles": [
                {"label": "A", "colour": "#777777", "radius": 0.1},
                {"label": "B", "colour": "#AA7744", "radius": 0.1},
            ],
            "values": None,
            "scale": None,
            "hover": [],
        },
        {"kind": "cell", "origin": [-1.2] * 3, "vectors": (np.eye(3) * (cell + 1.2)).tolist()},
        {
            "kind": "glyphs",
            "origins": w.array(positions, "<f4"),
            "coefficients": w.array(coefficients, "<i2"),
            "amplitudes": w.array(amplitudes, "<f4"),
            "lmax": lmax,
            "size": size,
            "scale": scale("f(n)", "", -top, top, diverging=True),
            "of": 0,
            "name": "1x0e+1x1o+1x2e+1x3o+1x4e",
        },
    ]
    return scene(w, layers, title=f"{count} glyphs, l ≤ {lmax}", words="Glyphs on a lattice.")


def arrows(axial: bool = False) -> bytes:
    positions = lattice(343) * 2.0
    middle = positions.mean(axis=0)
    offset = positions - middle
    vectors = np.cross([0, 0, 1.0], offset) * 0.13 + np.array([0, 0, 0.35]) * np.sin(offset[:, :1] * 0.5)
    values = np.linalg.norm(vectors, axis=1)
    w = Writer()
    layers: list[Packed] = [
        {
            "kind": "atoms",
            "positions": w.array(positions, "<f4"),
            "style": w.array(np.zeros(len(positions)), "|u1"),
            "styles": [{"label": "Ar", "colour": "#9AA5B1", "radius": 0.16}],
            "values": None,
            "scale": None,
            "hover": [],
        },
        {
            "kind": "arrows",
            "origins": w.array(positions, "<f4"),
            "vectors": w.array(vectors, "<f4"),
            "magnify": 1.7,
            "values": w.array(values, "<f4"),
            "scale": scale("force", "eV/Å", 0, float(values.max())),
            "width": 0.16,
            "axial": axial,
            "of": 0,
        },
        {"kind": "cell", "origin": [-1.0] * 3, "vectors": (np.eye(3) * 14).tolist()},
    ]
    return scene(w, layers, title="Angular momenta" if axial else "Forces", words="A vortex of arrows.")


def glass(count: int = 20_000, *, slab: bool = True, frames: int = 0) -> bytes:
    positions = lattice(count)
    values = np.sin(positions[:, 0] * 0.3) * np.cos(positions[:, 1] * 0.4) + 0.3 * np.random.default_rng(2).normal(
        size=count
    )
    values[::500] = np.nan
    w = Writer()
    side = float(positions.max() + 0.5)
    layers: list[Packed] = [
        {
            "kind": "atoms",
            "positions": w.array(positions, "<f4"),
            "style": w.array((np.arange(count) % 5 == 0), "|u1"),
            "styles": [
                {"label": "A", "colour": "#4477AA", "radius": 0.5},
                {"label": "B", "colour": "#CCBB44", "radius": 0.42},
            ],
            "values": w.array(values, "<f4"),
            "scale": scale("mobility", "σ²", -1.5, 1.5),
            "hover": [],
        },
        {"kind": "cell", "origin": [-0.5] * 3, "vectors": (np.eye(3) * (side + 0.5)).tolist()},
    ]
    steps = [
        {"label": f"t = {k} τ", "updates": [{"layer": 0, "values": w.array(values * np.cos(k / 3), "<f4")}]}
        for k in range(frames)
    ]
    cut = {"axis": "z", "thickness": side / 5, "start": side * 0.4} if slab else None
    return scene(w, layers, title="A glass", words="A glass in a slab.", slab=cut, frames=steps)


def hostile() -> str:
    return '</script><img src=x onerror="globalThis.fired=1"><b>bold</b>'


def closeup(lmax: int = 4) -> bytes:
    """Five single harmonics and three mixtures."""
    numbers = (lmax + 1) ** 2
    rows = np.zeros((8, numbers))
    for k, index in enumerate([0, 1, 6, 11, 18]):
        rows[k, index] = 1
    rows[5:] = glyph_coefficients(np.arange(9).reshape(3, 3) * 1.7, lmax)
    coefficients, amplitudes = quantised(rows)
    positions = np.array([[2.6 * (k % 4), 0, -2.6 * (k // 4)] for k in range(8)], dtype=float)
    w = Writer()
    layers: list[Packed] = [
        {
            "kind": "atoms",
            "positions": w.array(positions, "<f4"),
            "style": w.array(np.zeros(8), "|u1"),
            "styles": [{"label": "C", "colour": "#777777", "radius": 0.12}],
            "values": None,
            "scale": None,
            "hover": [],
        },
        {
            "kind": "glyphs",
            "origins": w.array(positions, "<f4"),
            "coefficients": w.array(coefficients, "<i2"),
            "amplitudes": w.array(amplitudes, "<f4"),
            "lmax": lmax,
            "size": 1.15,
            "scale": scale("f(n)", "", -1, 1, diverging=True),
            "of": 0,
            "name": "l = 0 … 4",
        },
    ]
    camera = {"direction": [0.15, -1, 0.25], "up": [0, 0, 1], "centre": [3.9, 0, -1.3], "height": 6.2}
    return scene(w, layers, title="Harmonics", words="Eight glyphs.", camera=camera)

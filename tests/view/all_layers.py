"""A scene with a layer of every kind, a trajectory, and what may go wrong in its texts."""

from __future__ import annotations

import numpy as np

from equiviz.view import Arrows, Atoms, Bonds, Camera, CellBox, ColourScale, Glyphs, Labels, Scene, Slab


def whole_scene(count: int = 12, title: str = "all layers", label: str = "A") -> Scene:
    """Everything that a scene can hold."""
    rng = np.random.default_rng(count)
    points = rng.uniform(0, 8, (count, 3))
    values = points[:, 0] - 4
    values[0] = np.nan
    labels = tuple((label, "B")[k % 2] for k in range(count))
    scale = ColourScale("mobility", "σ²", "diverging", -3.0, 3.0)
    layers = [
        Atoms(points, np.where(np.arange(count) % 2, 0.4, 0.3), values, scale, labels, labels),
        Bonds(np.array([[0, 1], [1, 2]]), 0.1),
        Arrows(points, rng.normal(size=(count, 3)), scale=ColourScale("spin", "ħ"), magnify=0.5, axial=True),
        Glyphs(points, rng.normal(size=(count, 9)), 0.2, name="1x1o+1x2e"),
        CellBox(8 * np.eye(3)),
        Labels(points[:2], (label, "second")),
    ]
    return Scene(layers, title, "σ", Slab("x", 2.0, 1.0), Camera((1.0, 2.0, 3.0)))


def moving_scene(count: int = 12) -> Scene:
    """Three frames, in which positions, arrows and glyphs move."""
    rng = np.random.default_rng(1)
    frames = []
    for step in range(3):
        points = rng.uniform(0, 8, (count, 3)) if not frames else frames[0].layers[0].positions + 0.3 * step
        coefficients = rng.normal(size=(count, 4))
        frames.append(Scene([Atoms(points, np.full(count, 0.3)), Glyphs(points, coefficients, 0.2)], "moving", "Å"))
    return Scene.of_frames(frames, ["t = 0 ps", "t = 1 ps", "t = 2 ps"])

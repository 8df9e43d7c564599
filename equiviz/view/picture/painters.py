"""Each kind of layer, drawn into a canvas.

Capitals: N rows of a layer, of which some are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Layer
from equiviz.view.picture.canvas import IN_FRONT, Canvas
from equiviz.view.picture.colouring import Colouring, mixed, rgb
from equiviz.view.picture.glyph_surfaces import refinements, surfaces
from equiviz.view.picture.shapes import Shape, arrow_shape, placed_arrows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.scene import Scene

LINE_WIDTH = 1.3  # pixels of a picture of scale 1: edges of a cell
AXES = (  # name, and colours on a light and on a dark page
    ("x", "#BB3311", "#FF8866"),
    ("y", "#007766", "#44CCAA"),
    ("z", "#0066AA", "#66AAFF"),
)
END_ON = (
    0.2  # of its length: an axis that is seen shorter points at the reader, and its letter would lie on the others'
)

ARROWS_AT_A_TIME = 2_000  # their meshes take some 10 kB each


@dataclass(frozen=True, eq=False)
class Stage:
    """Where layers are drawn: the canvas, what colours mean, samples per unit of width, and the scene's layers."""

    canvas: Canvas
    colouring: Colouring
    unit: float
    layers: Sequence[Layer]


def paint(scene: Scene, seen: Sequence[NDArray[np.bool_]], stage: Stage) -> None:
    """Draw the rows of each layer that are seen, but for labels, which are lettered on top."""
    for layer, rows in zip(scene.layers, seen, strict=True):
        painter = _PAINTERS.get(type(layer))
        if painter is not None:
            painter(layer, rows, stage)


def tripod(stage: Stage, corner: tuple[float, float], length: float) -> list[tuple[str, str, float, float]]:
    """Draw the axes x, y, z from a corner, ``length`` samples long.

    Returns the letter, the colour and the place (in samples) of each axis' name.
    """
    canvas, axes = stage.canvas, np.eye(3)
    turned = canvas.view.turn(axes)  # [3, 3]
    origins = np.tile([*corner, IN_FRONT], (3, 1))
    colours = [dark if stage.colouring.dark else light for _, light, dark in AXES]
    table = np.array([rgb(colour) for colour in colours])
    _place(canvas, arrow_shape(False, 16), origins, length * turned, 0.105 * length, np.arange(3.0), table)
    flat = np.linalg.norm(turned[:, :2], axis=1)
    beside = 0.3 * turned[:, :2] / np.maximum(flat, 1e-9)[:, None]
    tips = origins[:, :2] + length * (turned[:, :2] + beside) * (1, -1)
    named = zip(AXES, colours, tips, flat, strict=True)
    return [(axis[0], colour, float(x), float(y)) for axis, colour, (x, y), seen in named if seen >= END_ON]


def _atoms(atoms: Atoms, rows: NDArray[np.bool_], stage: Stage) -> None:
    colours = stage.colouring.of_atoms(atoms)
    stage.canvas.spheres(atoms.positions[rows], atoms.radii[rows], colours[rows])


def _bonds(bonds: Bonds, rows: NDArray[np.bool_], stage: Stage) -> None:
    """Sticks with round ends, which show where atoms are smaller than the sticks."""
    atoms = next((layer for layer in stage.layers if isinstance(layer, Atoms)), None)
    if atoms is None or not rows.any():
        return
    first, second = bonds.pairs[rows].T
    colours = np.tile(rgb(bonds.colour), (len(atoms.positions), 1)) if bonds.colour else stage.colouring.of_atoms(atoms)
    ends = atoms.positions[first], atoms.positions[second]
    stage.canvas.cylinders(ends, bonds.radius, (colours[first], colours[second]))
    thin = np.unique(bonds.pairs[rows])
    thin = thin[atoms.radii[thin] < bonds.radius]
    stage.canvas.spheres(atoms.positions[thin], np.full(len(thin), bonds.radius), colours[thin])


def _cell(box: CellBox, rows: NDArray[np.bool_], stage: Stage) -> None:
    theme = stage.colouring.theme
    path = box.path().reshape(-1, 3, 3)  # [12, start and end and NaN, 3]
    stage.canvas.lines((path[:, 0], path[:, 1]), LINE_WIDTH * stage.unit, mixed(theme.text, theme.paper, 0.3))


def _arrows(arrows: Arrows, rows: NDArray[np.bool_], stage: Stage) -> None:
    """Arrows of no length have no direction, and are left out."""
    canvas, view = stage.canvas, stage.canvas.view
    vectors = view.scale * arrows.magnify * view.turn(arrows.vectors)
    chosen = np.flatnonzero(rows & (np.linalg.norm(vectors, axis=1) > 0))
    values = np.linalg.norm(arrows.vectors, axis=1) if arrows.values is None else arrows.values
    paints, table = stage.colouring.rows(arrows.scale, values), stage.colouring.table(arrows.scale)
    width = view.scale * arrows.width
    shape = arrow_shape(arrows.axial, _sides(width, len(chosen)))
    for start in range(0, len(chosen), ARROWS_AT_A_TIME):
        part = chosen[start : start + ARROWS_AT_A_TIME]
        _place(canvas, shape, view.place(arrows.origins[part]), vectors[part], width, paints[part], table)


def _place(
    canvas: Canvas,
    shape: Shape,
    origins: NDArray[np.float64],
    vectors: NDArray[np.float64],
    width: float,
    paints: NDArray[np.float64],
    table: NDArray[np.float64],
) -> None:
    """Arrows from ``origins`` (in samples) along ``vectors`` (in view axes and samples), one paint each, ``[N]``."""
    points, normals = placed_arrows(shape, origins * (1, -1, 1), vectors, width)
    every = np.repeat(paints[:, None], points.shape[1], axis=1)
    canvas.meshes(points * (1, -1, 1), normals, shape.faces, every, table)


def _sides(width: float, count: int) -> int:
    """As many as can be seen."""
    return int(np.clip(6 * np.sqrt(width), 6, 12 if count > 2_000 else 48)) // 2 * 2


def _glyphs(glyphs: Glyphs, rows: NDArray[np.bool_], stage: Stage) -> None:
    canvas, view = stage.canvas, stage.canvas.view
    placed = view.place(glyphs.origins)
    radii = view.scale * abs(glyphs.size) * glyphs.extents()
    chosen = np.flatnonzero(rows & (radii > 0) & canvas.touched(placed, radii))
    table = stage.colouring.table(glyphs.scale)
    for part in surfaces(glyphs.coefficients[chosen], glyphs.size, refinements(radii[chosen], glyphs.degree)):
        points = view.scale * view.turn(part.points) * (1, -1, 1) + placed[chosen[part.rows], None]
        paints = stage.colouring.rows(glyphs.scale, part.values)
        canvas.meshes(points, view.turn(part.normals), part.faces, paints, table)


_PAINTERS: dict[type, Callable[..., None]] = {
    Atoms: _atoms,
    Bonds: _bonds,
    CellBox: _cell,
    Arrows: _arrows,
    Glyphs: _glyphs,
}

"""Scenes drawn by plotly: lit spheres and arrows as meshes, points where there are too many, a slider for slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from equiviz.view.colour_scale import ColourScale
from equiviz.view.colours import DIVERGING, GUIDE, SEQUENTIAL
from equiviz.view.escape import escape
from equiviz.view.extent import corners
from equiviz.view.geometry import Mesh, arrows, glyphs, spheres
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Labels
from equiviz.view.palette import UNKNOWN, label_colours
from equiviz.view.scene import Scene
from equiviz.view.shared_ranges import coloured
from equiviz.view.slices import Slices, slider
from equiviz.view.template import figure

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.basedatatypes import BaseTraceType
    from plotly.graph_objects import Figure

MOST_SPHERES = 2_500  # above this, points of a fixed size on the screen: a page stays below a few megabytes
MOST_TEXTS = 600  # spheres carry one hover text per vertex (42 of them)
LIT = {"ambient": 0.55, "diffuse": 0.65, "specular": 0.18, "roughness": 0.6, "fresnel": 0.05}
LIGHT_FROM = {"x": 2_000, "y": -1_000, "z": 4_000}


@dataclass(frozen=True, eq=False)
class Part:
    """A trace, and the slice it belongs to; ``None`` is always seen."""

    trace: BaseTraceType
    slice: int | None = None


@dataclass(frozen=True, eq=False)
class Stage:
    """Where a layer is drawn: the plotly scene, the slices, the colour axis of each scale, and the first atoms."""

    scene: str
    slices: Slices
    axes: dict[ColourScale, str]
    atoms: Atoms | None = None


def draw(scenes: Sequence[Scene], title: str) -> Figure:
    """All ``scenes`` in a row, in one figure. One slider slices all of them where the first one has a slab."""
    chart = figure(escape(title if len(scenes) > 1 else scenes[0].title), height=620 if len(scenes) == 1 else 520)
    slices = Slices.of(scenes)
    axes = _colour_axes(chart, scenes)
    parts: list[Part] = []
    boxes = _boxes(scenes)
    for number, scene in enumerate(scenes, start=1):
        atoms = next((layer for layer in scene.layers if isinstance(layer, Atoms)), None)
        stage = Stage("scene" if number == 1 else f"scene{number}", slices, axes, atoms)
        parts += [part for layer in scene.layers for part in _PAINTERS[type(layer)](layer, stage)]
        _frame(chart, stage.scene, number, scenes, boxes[number - 1])
    chart.add_traces([part.trace for part in parts])
    chart.update_layout(showlegend=any(part.trace["showlegend"] for part in parts), margin={"l": 0, "r": 0, "b": 0})
    if slices.count:
        slider(chart, slices, [part.slice for part in parts])
    return chart


def _draw_atoms(atoms: Atoms, stage: Stage) -> list[Part]:
    """One trace per slice and label (labels share their hover text), and grey ones for atoms without a value."""
    labels = np.asarray(atoms.labels or ("",) * len(atoms.positions))
    known = np.ones(len(labels), bool) if atoms.values is None else np.isfinite(atoms.values)
    colours = label_colours(atoms.labels)
    where = stage.slices.index(atoms.positions)  # [N]
    groups = sorted(set(zip(where.tolist(), labels.tolist(), known.tolist(), strict=True)))
    named: set[str] = set()
    parts = []
    for place, label, has_value in groups:
        chosen = np.flatnonzero((where == place) & (labels == label) & (known == has_value))
        legend = atoms.values is None and not atoms.colour and bool(label) and label not in named
        named.add(label)
        look = _atom_look(atoms, chosen, has_value, atoms.colour or colours.get(label, UNKNOWN), stage)
        extra = {"name": escape(label), "legendgroup": escape(label), "showlegend": legend, "scene": stage.scene}
        parts.append(Part(_balls(atoms, chosen, label, look).update(extra), place if stage.slices.count else None))
    return parts


def _atom_look(atoms: Atoms, chosen: NDArray[np.intp], has_value: bool, colour: str, stage: Stage) -> dict[str, object]:
    """``values`` and their colour axis, or one ``colour``."""
    if atoms.values is None or atoms.colour or not has_value:
        return {"colour": UNKNOWN if not has_value else colour}
    return {"values": atoms.values[chosen], "axis": stage.axes[atoms.scale]}


def _balls(atoms: Atoms, chosen: NDArray[np.intp], label: str, look: dict[str, object]) -> BaseTraceType:
    many = len(atoms.positions) > MOST_SPHERES
    return _points(atoms, chosen, label, look) if many else _spheres(atoms, chosen, label, look)


def _spheres(atoms: Atoms, chosen: NDArray[np.intp], label: str, look: dict[str, object]) -> BaseTraceType:
    refinements = 2 if len(atoms.positions) <= 150 else 1
    mesh = spheres(atoms.positions[chosen], atoms.radii[chosen], refinements)
    trace = _mesh(mesh, look)
    texts = len(atoms.positions) <= MOST_TEXTS
    lines = [escape(label)] if label else []
    lines += ["number %{customdata}"]
    if "values" in look:
        lines += [f"{escape(atoms.scale.title or 'value')}: %{{intensity:.4g}} {escape(atoms.scale.unit)}"]
    trace.update(customdata=_whose(chosen, mesh), hovertemplate="<br>".join(lines) + "<extra></extra>")
    if texts and atoms.hover:
        told = np.array([escape(atoms.hover[k]) for k in chosen])[mesh.owner]
        trace.update(text=told, hovertemplate="<br>".join([*lines, "%{text}"]) + "<extra></extra>")
    return trace


def _points(atoms: Atoms, chosen: NDArray[np.intp], label: str, look: dict[str, object]) -> BaseTraceType:
    """Markers whose size suits the picture: their diameter in pixels follows the radii, not the zoom."""
    import plotly.graph_objects as graphs

    x, y, z = atoms.positions[chosen].T.astype(np.float32)
    extent = float(np.ptp(atoms.positions, axis=0).max()) or 1.0
    size = np.clip(2 * atoms.radii[chosen] / extent * 420, 3, 40).astype(np.float32)
    marker = {"size": size, "line": {"width": 0}, "opacity": 1}
    marker |= {"color": look["values"], "coloraxis": look["axis"]} if "values" in look else {"color": look["colour"]}
    lines = [escape(label)] if label else []
    lines += ["number %{customdata}"]
    if "values" in look:
        lines += [f"{escape(atoms.scale.title or 'value')}: %{{marker.color:.4g}} {escape(atoms.scale.unit)}"]
    lines += ["%{text}"] if atoms.hover else []
    text = [escape(atoms.hover[k]) for k in chosen] if atoms.hover else None
    hover = "<br>".join(lines) + "<extra></extra>"
    return graphs.Scatter3d(
        x=x, y=y, z=z, mode="markers", marker=marker, customdata=chosen, hovertemplate=hover, text=text
    )


def _draw_arrows(layer: Arrows, stage: Stage) -> list[Part]:
    where = stage.slices.index(layer.origins)
    values = cast("NDArray[np.float64]", layer.values)  # arrows without values get their lengths when they are made
    parts = []
    for place in sorted(set(where.tolist())):
        chosen = np.flatnonzero(where == place)
        mesh = arrows(layer.origins[chosen], layer.vectors[chosen] * layer.magnify, layer.width / 2)
        trace = _mesh(mesh, {"values": values[chosen], "axis": stage.axes[layer.scale]})
        title = f"{escape(layer.scale.title)}: %{{intensity:.4g}} {escape(layer.scale.unit)}"
        hover = f"number %{{customdata}}<br>{title}<extra></extra>"
        trace.update(customdata=_whose(chosen, mesh), hovertemplate=hover, scene=stage.scene, showlegend=False)
        parts.append(Part(trace, place if stage.slices.count else None))
    return parts


def _draw_glyphs(layer: Glyphs, stage: Stage) -> list[Part]:
    where = stage.slices.index(layer.origins)
    refinements = 3 if len(layer.origins) <= 60 else 2 if len(layer.origins) <= 1_000 else 1
    title = f"{escape(layer.scale.title)}: %{{intensity:.4g}} {escape(layer.scale.unit)}"
    hover = f"number %{{customdata}}<br>{title}<extra></extra>"
    parts = []
    for place in sorted(set(where.tolist())):
        chosen = np.flatnonzero(where == place)
        mesh, values = glyphs(layer.origins[chosen], layer.coefficients[chosen], layer.size, refinements)
        trace = _mesh(mesh, {"vertex values": values, "axis": stage.axes[layer.scale]})
        trace.update(customdata=_whose(chosen, mesh), hovertemplate=hover, scene=stage.scene, showlegend=False)
        parts.append(Part(trace, place if stage.slices.count else None))
    return parts


def _draw_bonds(bonds: Bonds, stage: Stage) -> list[Part]:
    if stage.atoms is None or not len(bonds.pairs):
        return []
    ends = stage.atoms.positions[bonds.pairs]  # [B, 2, 3]
    path = np.concatenate([ends, np.full((len(ends), 1, 3), np.nan)], axis=1).reshape(-1, 3)
    return [_line(path, bonds.colour or GUIDE, 6, stage)]


def _draw_labels(labels: Labels, stage: Stage) -> list[Part]:
    import plotly.graph_objects as graphs

    x, y, z = labels.positions.T
    look = {"mode": "text", "text": [escape(text) for text in labels.texts], "hoverinfo": "skip", "showlegend": False}
    return [Part(graphs.Scatter3d(x=x, y=y, z=z, scene=stage.scene, **look))]


def _draw_cell(box: CellBox, stage: Stage) -> list[Part]:
    return [_line(box.path(), GUIDE, 2.5, stage)]


def _line(path: NDArray[np.float64], colour: str, width: float, stage: Stage) -> Part:
    import plotly.graph_objects as graphs

    x, y, z = path.T
    look = {"mode": "lines", "line": {"color": colour, "width": width}, "hoverinfo": "skip", "showlegend": False}
    return Part(graphs.Scatter3d(x=x, y=y, z=z, scene=stage.scene, **look))


def _whose(chosen: NDArray[np.intp], mesh: Mesh) -> NDArray[np.integer]:
    """The number of the particle or arrow at each vertex, in few bytes."""
    return chosen.astype(np.uint16 if chosen.max(initial=0) < 2**16 else np.uint32)[mesh.owner]


def _mesh(mesh: Mesh, look: dict[str, object]) -> BaseTraceType:
    import plotly.graph_objects as graphs

    (x, y, z), (i, j, k) = mesh.vertices.T, mesh.faces.T
    shape = {"x": x, "y": y, "z": z, "i": i, "j": j, "k": k, "lighting": LIT, "lightposition": LIGHT_FROM}
    if "colour" in look:
        return graphs.Mesh3d(**shape, color=look["colour"])
    values = look["vertex values"] if "vertex values" in look else np.asarray(look["values"])[mesh.owner]
    return graphs.Mesh3d(**shape, intensity=np.asarray(values, dtype=np.float32), coloraxis=look["axis"])


def _colour_axes(chart: Figure, scenes: Sequence[Scene]) -> dict[ColourScale, str]:
    """One colour bar per scale: layers with equal scales share it, and its range covers all of them."""
    told = [found for scene in scenes for layer in scene.layers if (found := coloured(layer)) is not None]
    axes: dict[ColourScale, str] = {}
    for scale in dict.fromkeys(own for own, _ in told):
        values = np.concatenate([part for own, part in told if own == scale])
        low, high = scale.limits(values)
        name = f"coloraxis{len(axes) + 1 if axes else ''}"
        bar = {"title": {"text": escape(scale.heading), "side": "right"}, "len": 0.6, "x": 1.0 + 0.09 * len(axes)}
        colours = DIVERGING if scale.kind == "diverging" else SEQUENTIAL
        chart.update_layout({name: {"cmin": low, "cmax": high, "colorscale": colours, "colorbar": bar}})
        axes[scale] = name
    return axes


def _boxes(scenes: Sequence[Scene]) -> list[NDArray[np.float64] | None]:
    """What each scene takes up, ``[3, 2]``; scenes in one periodic cell share a box, and look equally large."""
    clouds = [np.concatenate([np.zeros((0, 3)), *map(corners, scene.layers)]) for scene in scenes]
    cells = [layer.cell for scene in scenes for layer in scene.layers if isinstance(layer, CellBox)]
    if len(cells) == len(scenes) and all(np.array_equal(cell, cells[0]) for cell in cells):
        clouds = [np.concatenate(clouds)] * len(scenes)
    return [np.stack([cloud.min(0), cloud.max(0)], axis=1) if len(cloud) else None for cloud in clouds]


def _frame(chart: Figure, name: str, number: int, scenes: Sequence[Scene], box: NDArray[np.float64] | None) -> None:
    """Equal lengths on all axes, no axes, a camera that sees three sides, and the scene's title above it."""
    left, right = (number - 1) / len(scenes), number / len(scenes)
    hidden = {"visible": False, "showspikes": False}
    camera = {"eye": {"x": 1.5, "y": 1.13, "z": 0.77}, "center": {"x": 0, "y": 0, "z": -0.06}}
    ranges = [{}] * 3 if box is None else [{"range": side.tolist()} for side in box]
    axes = {f"{axis}axis": {**hidden, **span} for axis, span in zip("xyz", ranges, strict=True)}
    space = {**axes, **_proportions(box), "camera": camera}
    chart.update_layout({name: {**space, "domain": {"x": [left, right], "y": [0, 1]}, "dragmode": "orbit"}})
    if len(scenes) > 1:
        where = {"x": (left + right) / 2, "y": 1, "xref": "paper", "yref": "paper", "yanchor": "top"}
        text = escape(scenes[number - 1].title)
        chart.add_annotation(text=text, name=name, showarrow=False, font={"size": 15}, **where)


def _proportions(box: NDArray[np.float64] | None) -> dict[str, object]:
    """Sides as long as the box says: left to itself, plotly looks at the data, and two scenes come out unequal."""
    sides = None if box is None else box[:, 1] - box[:, 0]
    if sides is None or not sides.all():
        return {"aspectmode": "data"}
    return {
        "aspectmode": "manual",
        "aspectratio": dict(zip("xyz", (sides / sides.prod() ** (1 / 3)).tolist(), strict=True)),
    }


_PAINTERS: dict[type, Callable[..., list[Part]]] = {
    Atoms: _draw_atoms,
    Bonds: _draw_bonds,
    Arrows: _draw_arrows,
    Glyphs: _draw_glyphs,
    CellBox: _draw_cell,
    Labels: _draw_labels,
}

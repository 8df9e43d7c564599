"""show: from a structure and a field to a picture, in one line.

How a field is drawn follows from its representation: an invariant is a colour, a vector (``1o``) an arrow, a
pseudo-vector (``1e``) an arrow with a ring that shows its sense, and anything of higher degree a glyph: the function on
the sphere whose coefficients it holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
import torch

from equiviz.structures.interchange.recognised import as_structure
from equiviz.structures.phase_space import phase_space
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.view.arrays import numbers
from equiviz.view.colour_scale import ColourScale
from equiviz.view.drawn_field import Drawn, Shown, drawn
from equiviz.view.errors import ViewError
from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Layer
from equiviz.view.points import ARROW, VALUE, arrow_scale, drawn_points, finished
from equiviz.view.scene import Scene, Slab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.structures.interchange.recognised import StructureLike
    from equiviz.structures.structure import Structure

Backend: TypeAlias = Literal["py3dmol", "nglview", "plotly"]
Style: TypeAlias = Literal["auto", "colour", "arrows", "glyphs"]
DENSE = 400  # from so many particles on, a slider slices the scene
QUIET_ATOMS = "#9AA2B1"
SHRUNK = 0.3  # of their radius: atoms under arrows and glyphs make way for them
MOST_GLYPHS = 5_000  # above this, higher degrees are coloured by their norm
MOST_BONDED = 2_000
BOND = 1.17  # times the sum of covalent radii
BALLS = 0.55  # of their radius: atoms between sticks


def show(
    structure: StructureLike | TypedTensors | Field | torch.Tensor,
    field: Shown | None = None,
    colour: Shown | None = None,
    title: str | None = None,
    *,
    block: str | None = None,
    channel: int = 0,
    style: Style = "auto",
    unit: str = "",
    field_unit: str = "",
    name: str = "",
    signed: bool | None = None,
    limits: tuple[float, float] | None = None,
    radii: Mapping[str, float] | None = None,
    magnify: float | None = None,
    bonds: bool | None = None,
    slab: bool | Literal["x", "y", "z"] | Slab | None = None,
    wrap: bool = True,
    backend: Backend | None = None,
) -> Scene:
    """Draw a structure, and what is known about its atoms.

    Args:
        structure: what to draw: a Structure, `ase.Atoms`, a PyG `Data`, or the path of a file. Lengths are in its
            ``length_unit``. Or typed tensors whose values lie on points in space, or a field of a network like them:
            of a signal on the sphere ``channel`` becomes a colour, with arrows where it has directions; a vector
            z = q + ip is a point at q with the arrow p, also of a complex tensor ``[systems, particles, 2 or 3]``. The
            first row is drawn (`equiviz.view.points`).
        field: a Field on its nodes, the name of a node attribute, or an array ``[N]`` or ``[N, 3]``. Invariants become
            colours, vectors arrows, higher degrees glyphs.
        colour: the same, always drawn as a colour (vectors by their norm). Colours and shapes can be shown together.
        title: of the scene; by default the structure's name.
        block: the block of a field with several, such as ``"1o"``; by default its first; "all" draws one glyph of all
            degrees together. ``channel`` is the copy in it. Where a colour is given too, both speak of ``field``.
        style: "colour", "arrows" or "glyphs" instead of what the representation suggests.
        unit: of what is coloured (or of the shapes, where they are alone); ``field_unit``: of the shapes.
        name: what that quantity is called; by default the attribute's name or the block's.
        signed: a diverging scale with zero in the middle; by default where the values have both signs.
        limits: the two ends of the colour scale.
        radii: of the species by label, in the length unit; by default covalent radii, or half the mean spacing.
        magnify: how many times as long as in the length unit arrows and glyphs are drawn; by default so that they can
            be seen, and glyphs do not overlap.
        bonds: sticks between bonded atoms; by default for molecules in Å of up to 2,000 atoms. Bonds through the
            boundary of the cell are left out.
        slab: a slider that slices the scene; by default from 400 particles on, along z. ``False`` leaves it out.
        wrap: draw each particle of a periodic structure inside the cell.
        backend: another viewer than ours, for what it is best at: "py3dmol" (a snapshot that needs no kernel),
            "nglview" (proteins as cartoons, where `structure` is the path of a file), "plotly" (a figure).

    Returns:
        a Scene; with a backend, what that viewer makes of it.

    Raises:
        MissingLibrary: the backend is not installed.
        ViewError: a field that is not on this structure's nodes, or an attribute or block that does not exist; a style
            that does not suit it.
        StructureError: what is no structure, or a file that cannot be read.
    """
    on = None
    structure = phase_space(structure) if isinstance(structure, torch.Tensor) and structure.is_complex() else structure
    if isinstance(structure, (TypedTensors, Field)):
        (known, on), channel = drawn_points(structure, channel=channel), 0
        field, colour = field or on.names.get(ARROW), colour or on.names.get(VALUE)
        if magnify is None and ARROW in on.names:
            magnify = arrow_scale(on, float(known.node[on.names[ARROW]].norms().max()))
        slab = False if slab is None else slab  # there is nothing inside a sphere
    else:
        known = as_structure(structure)
    first = None if field is None else drawn(known, field, block, channel)
    own = (block, channel) if field is None else (None, 0)
    asked = Asked.of(known, first, None if colour is None else drawn(known, colour, *own), style)
    layers = _layers(known, asked, Look(name, unit, field_unit, signed, limits, magnify), style, radii, bonds, wrap)
    scene = Scene(layers, known.name if title is None else title, known.length_unit, _slab(slab, len(known)))
    scene = scene if on is None else finished(scene, on)
    # Nearly everybody gets a Scene, and an editor should know what that can do.
    return scene if backend is None else cast(Scene, _elsewhere(backend, scene, structure, known))


def _layers(
    structure: Structure,
    asked: Asked,
    look: Look,
    style: Style,
    radii: Mapping[str, float] | None,
    bonds: bool | None,
    wrap: bool,
) -> list[Layer]:
    """Atoms, sticks, what stands on the atoms, and the cell."""
    positions = _positions(structure, wrap)
    sticks = _bonds(structure, positions, bonds)
    size = _radii(structure, radii) * (BALLS if sticks and radii is None else 1)
    layers: list[Layer] = [_atoms(structure, positions, size, asked, look), *sticks]
    layers += _shapes(positions, asked, look, style)
    if structure.cell is not None and any(structure.pbc):
        layers.append(CellBox(numbers(structure.cell)))
    return layers


def _elsewhere(backend: Backend, scene: Scene, source: object, structure: Structure) -> Any:
    """The scene as another viewer draws it."""
    if backend == "plotly":
        return scene.figure()
    if backend == "py3dmol":
        from equiviz.view.peers.py3dmol_view import py3dmol_view

        return py3dmol_view(scene)
    if backend == "nglview":
        from equiviz.view.peers.nglview_view import nglview_view

        return nglview_view(source, structure, next(layer for layer in scene.layers if isinstance(layer, Atoms)))
    raise ViewError(f"show: expected backend 'py3dmol', 'nglview' or 'plotly', got {backend!r}.")


@dataclass(frozen=True)
class Look:
    """Words and ranges, as `show` takes them."""

    name: str
    unit: str
    field_unit: str
    signed: bool | None
    limits: tuple[float, float] | None
    magnify: float | None


@dataclass(frozen=True, eq=False)
class Asked:
    """What is drawn of the fields: at most one as shapes, at most one as colours."""

    shapes: Drawn | None
    colours: Drawn | None

    @classmethod
    def of(cls, structure: Structure, field: Drawn | None, colour: Drawn | None, style: Style) -> Asked:
        """Invariants become colours, the rest shapes, unless the style says otherwise."""
        if field is None:
            return cls(None, colour)
        columns = field.values.shape[1] if field.values.ndim == 2 else 1
        if style == "auto" and not field.typed and columns not in (1, 3):
            raise ViewError(
                f"show: an array of {columns} columns does not say how it turns. Pass a Field, such as "
                f"equiviz.Field(torch.as_tensor(values), {_example(columns)!r}), or style='colour' for its norm."
            )
        if style == "colour" or (style == "auto" and not _has_shape(field)):
            if colour is not None:
                raise ViewError(f"show: {field.name} and colour are both drawn as colours. Pass one of them.")
            return cls(None, field)
        if style == "arrows" and not field.is_vector:
            raise ViewError(
                f"show: expected a vector to draw arrows, {field.name} has shape {list(field.values.shape)}."
            )
        if style == "glyphs" and field.coefficients is None:
            raise ViewError(f"show: expected irreps to draw glyphs, {field.name} is none. Pass a Field.")
        return cls(field, colour)


def _example(columns: int) -> str:
    """Irreps of so many components."""
    degree = math.isqrt(columns) - 1
    if (degree + 1) ** 2 == columns:
        return " + ".join(f"1x{k}{'eo'[k % 2]}" for k in range(degree + 1))
    half = columns // 2
    return f"1x{half}{'eo'[half % 2]}" if columns % 2 else f"{columns}x0e"


def _has_shape(field: Drawn) -> bool:
    many = len(field.values) > MOST_GLYPHS
    return field.is_vector or (bool(field.degree) and not many)


def _atoms(
    structure: Structure, positions: NDArray[np.float64], size: NDArray[np.float64], asked: Asked, look: Look
) -> Atoms:
    labels = tuple(structure.labels)
    size = size * (1 if asked.shapes is None else SHRUNK)
    if asked.colours is None:
        return Atoms(positions, size, labels=labels, colour="" if asked.shapes is None else QUIET_ATOMS)
    values = asked.colours.norms()
    known = values[np.isfinite(values)]
    both = bool(len(known)) and known.min() < 0 < known.max()
    kind = "diverging" if (both if look.signed is None else look.signed) else "sequential"
    low, high = look.limits or (None, None)
    return Atoms(
        positions, size, values, ColourScale(look.name or asked.colours.name, look.unit, kind, low, high), labels
    )


def _shapes(positions: NDArray[np.float64], asked: Asked, look: Look, style: Style) -> list[Layer]:
    """The field as arrows or glyphs."""
    shown = asked.shapes
    if shown is None:
        return []
    alone = asked.colours is None
    title, unit = (look.name if alone else "") or shown.name, look.field_unit or (look.unit if alone else "")
    if shown.is_vector and style != "glyphs":
        return [_arrows(positions, shown, ColourScale(title, unit), look.magnify)]
    assert shown.coefficients is not None
    made = Glyphs(positions, shown.coefficients, 1.0, ColourScale(title, unit, "diverging"), shown.name)
    return [replace(made, size=_glyph_size(made) if look.magnify is None else look.magnify)]


def _glyph_size(glyphs: Glyphs) -> float:
    """Such that glyphs as large as most of them do not touch their nearest neighbours."""
    reach = glyphs.extents()
    large = float(np.quantile(reach, 0.95)) if len(reach) else 0.0
    return 0.55 * _nearest(glyphs.origins) / large if large > 0 else 1.0


def _arrows(origins: NDArray[np.float64], shown: Drawn, scale: ColourScale, magnify: float | None) -> Arrows:
    spacing = _spacing(origins)
    long = float(np.quantile(np.linalg.norm(shown.values, axis=1), 0.95)) if len(origins) else 0.0
    times = magnify if magnify is not None else (1.2 * spacing / long if long > 0 else 1.0)
    return Arrows(origins, shown.values, scale=scale, magnify=times, width=0.14 * spacing, axial=shown.axial)


def _bonds(structure: Structure, positions: NDArray[np.float64], wanted: bool | None) -> list[Layer]:
    """Sticks between atoms that are closer than their covalent radii together, and a sixth more."""
    molecule = structure.species_names is None and structure.length_unit == "Å"
    if wanted is False or (wanted is None and (not molecule or len(positions) > MOST_BONDED)):
        return []
    if not molecule:
        raise ViewError("show: expected chemical elements and positions in Å to find bonds.")
    from scipy.spatial import KDTree

    radii = _radii(structure, None)
    pairs = KDTree(positions).query_pairs(2 * BOND * radii.max(initial=0.0), output_type="ndarray")  # [P, 2]
    length = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    return [Bonds(pairs[(length < BOND * radii[pairs].sum(1)) & (length > 0.3)])]


def _nearest(positions: NDArray[np.float64]) -> float:
    """The median distance to the nearest neighbour."""
    if len(positions) < 2:
        return 2.0
    from scipy.spatial import KDTree

    distances, _ = KDTree(positions).query(positions, k=2)
    return float(np.median(distances[:, 1])) or _spacing(positions)


def _positions(structure: Structure, wrap: bool) -> NDArray[np.float64]:
    positions = numbers(structure.positions)
    if not wrap or structure.cell is None or not all(structure.pbc):
        return positions
    cell = numbers(structure.cell)
    return (positions @ np.linalg.inv(cell) % 1.0) @ cell


def _radii(structure: Structure, radii: Mapping[str, float] | None) -> NDArray[np.float64]:
    labels = structure.labels
    if radii is not None:
        missing = sorted(set(labels) - set(radii))
        if missing:
            raise ViewError(f"show: expected a radius for each species, none is given for {', '.join(missing)}.")
        return np.array([float(radii[label]) for label in labels])
    if structure.species_names is None and structure.length_unit == "Å":
        from ase.data import covalent_radii

        known = np.clip(structure.species.cpu().numpy(), 0, len(covalent_radii) - 1)
        return np.asarray(covalent_radii[known], dtype=np.float64)
    return np.full(len(labels), 0.5 * _spacing(numbers(structure.positions), structure))


def _spacing(positions: NDArray[np.float64], structure: Structure | None = None) -> float:
    """The mean distance between particles: the cube root of the volume that each has, of the cell or of the box."""
    if structure is not None and structure.cell is not None and all(structure.pbc):
        volume = abs(float(np.linalg.det(numbers(structure.cell))))
    else:
        sides = np.ptp(positions, axis=0) if len(positions) else np.ones(3)
        widest = float(sides.max()) or 1.0  # a flat molecule has some thickness, in whatever unit
        volume = float(np.prod(np.maximum(sides, 0.2 * widest)))
    return (volume / max(len(positions), 1)) ** (1 / 3)


def _slab(slab: bool | Literal["x", "y", "z"] | Slab | None, count: int) -> Slab | None:
    if isinstance(slab, Slab):
        return slab
    if isinstance(slab, str):
        return Slab(slab)
    return Slab() if (count >= DENSE if slab is None else slab) else None

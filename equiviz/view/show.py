"""show: from a structure and a field to a picture, in one line.

How a field is drawn follows from its representation: an invariant is a colour, a vector (``1o``, ``1e``) is an arrow,
and anything of higher degree is coloured by its norm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from equiviz.structures.interchange.recognised import as_structure
from equiviz.symmetry.field import Field
from equiviz.view.arrays import numbers
from equiviz.view.errors import ViewError
from equiviz.view.scene import Arrows, Atoms, CellBox, ColourScale, Layer, Scene, Slab

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from equiviz.structures.interchange.recognised import StructureLike
    from equiviz.structures.structure import Structure

Shown: TypeAlias = "Field | str | ArrayLike | torch.Tensor"
Named: TypeAlias = "tuple[NDArray[np.float64], str]"  # numbers, and what they are called
DENSE = 400  # from so many particles on, a slider slices the scene
QUIET_ATOMS = "#9AA2B1"
SHRUNK = 0.3  # of their radius: atoms under arrows make way for them


def show(
    structure: StructureLike,
    field: Shown | None = None,
    colour: Shown | None = None,
    title: str | None = None,
    *,
    block: str | None = None,
    channel: int = 0,
    unit: str = "",
    field_unit: str = "",
    name: str = "",
    signed: bool | None = None,
    limits: tuple[float, float] | None = None,
    radii: Mapping[str, float] | None = None,
    magnify: float | None = None,
    slab: bool | Literal["x", "y", "z"] | Slab | None = None,
    wrap: bool = True,
) -> Scene:
    """Draw a structure, and what is known about its atoms.

    Args:
        structure: what to draw: a Structure, `ase.Atoms`, a PyG `Data`, or the path of a file. Lengths are in its
            ``length_unit``.
        field: a Field on its nodes, the name of a node attribute, or an array ``[N]`` or ``[N, 3]``. Invariants become
            colours, vectors arrows, higher degrees colours by norm.
        colour: the same, always drawn as a colour (vectors by their norm). Colours and arrows can be shown together.
        title: of the scene; by default the structure's name.
        block: the block of a field with several, such as ``"1o"``; by default its first. ``channel`` is the copy in
            it. Where a colour is given too, both speak of ``field``.
        unit: of what is coloured (or of the arrows, where they are alone); ``field_unit``: of the arrows.
        name: what that quantity is called; by default the attribute's name or the block's.
        signed: a diverging scale with zero in the middle; by default where the values have both signs.
        limits: the two ends of the colour scale.
        radii: of the species by label, in the length unit; by default covalent radii, or half the mean spacing.
        magnify: how many times as long as in the length unit arrows are drawn; by default so that they can be seen.
        slab: a slider that slices the scene; by default from 400 particles on, along z. ``False`` leaves it out.
        wrap: draw each particle of a periodic structure inside the cell.

    Raises:
        ViewError: a field that is not on this structure's nodes, or an attribute or block that does not exist.
        StructureError: what is no structure, or a file that cannot be read.
    """
    structure = as_structure(structure)
    positions = _positions(structure, wrap)
    vectors, colours = _drawn(structure, field, colour, block, channel)
    look = (name, unit, signed, limits)
    layers: list[Layer] = [
        _atoms(structure, positions, _radii(structure, radii), colours, look, under_arrows=vectors is not None)
    ]
    if vectors is not None:
        values, called = vectors
        alone = colours is None
        scale = ColourScale((name if alone else "") or called, field_unit or (unit if alone else ""))
        layers.append(_arrows(positions, values, scale, magnify))
    if structure.cell is not None and any(structure.pbc):
        layers.append(CellBox(numbers(structure.cell)))
    return Scene(layers, structure.name if title is None else title, structure.length_unit, _slab(slab, len(positions)))


def _drawn(
    structure: Structure, field: Shown | None, colour: Shown | None, block: str | None, channel: int
) -> tuple[Named | None, Named | None]:
    """The vectors [N, 3] that become arrows, and the numbers [N] that become colours, each with its name."""
    vectors, colours = None, None
    if field is not None:
        values, called = _component(structure, field, block, channel)
        if values.ndim == 2 and values.shape[1] == 3:
            vectors = values, called
        elif colour is None:
            colours = _norms(values), called
        else:
            raise ViewError(f"show: {called} and colour are both drawn as colours. Pass one of them.")
    if colour is not None:
        values, called = _component(structure, colour, *((block, channel) if field is None else (None, 0)))
        colours = _norms(values), called
    return vectors, colours


def _atoms(
    structure: Structure,
    positions: NDArray[np.float64],
    size: NDArray[np.float64],
    colours: Named | None,
    look: tuple[str, str, bool | None, tuple[float, float] | None],
    under_arrows: bool,
) -> Atoms:
    labels = tuple(structure.labels)
    size = size * SHRUNK if under_arrows else size
    if colours is None:
        return Atoms(positions, size, labels=labels, colour=QUIET_ATOMS if under_arrows else "")
    values, called = colours
    name, unit, signed, limits = look
    known = values[np.isfinite(values)]
    both = bool(len(known)) and known.min() < 0 < known.max()
    kind = "diverging" if (both if signed is None else signed) else "sequential"
    low, high = limits or (None, None)
    return Atoms(positions, size, values, ColourScale(name or called, unit, kind, low, high), labels)


def _arrows(
    origins: NDArray[np.float64], vectors: NDArray[np.float64], scale: ColourScale, magnify: float | None
) -> Arrows:
    spacing = _spacing(origins)
    long = float(np.quantile(np.linalg.norm(vectors, axis=1), 0.95)) if len(vectors) else 0.0
    times = magnify if magnify is not None else (1.2 * spacing / long if long > 0 else 1.0)
    return Arrows(origins, vectors, scale=scale, magnify=times, width=0.07 * spacing)


def _component(structure: Structure, shown: Shown, block: str | None, channel: int) -> Named:
    """What to draw, ``[N]`` or ``[N, components]``, and what it is called."""
    if isinstance(shown, str):
        if shown not in structure.node:
            known = ", ".join(sorted(structure.node)) or "none"
            raise ViewError(f"show: the structure has no node attribute {shown!r}; it has: {known}.")
        values, label = _copy(structure.node[shown], block, channel, len(structure.labels))
        several = structure.node[shown].representation.dim > values.shape[-1]
        return values, f"{shown} {label}" if several else shown
    if isinstance(shown, Field):
        return _copy(shown, block, channel, len(structure.labels))
    values = numbers(shown)
    if values.ndim not in (1, 2) or len(values) != len(structure.labels):
        raise ViewError(
            f"show: expected one number or vector per particle, shape [{len(structure.labels)}] or "
            f"[{len(structure.labels)}, 3], got shape {list(values.shape)}."
        )
    return values, "value"


def _copy(field: Field, block: str | None, channel: int, count: int) -> Named:
    """One copy of one block of a node field, ``[N, size]``."""
    if field.support != "node" or len(field.values) != count:
        raise ViewError(
            f"show: expected a field on {count} nodes, got one on {field.support}s with {len(field.values)} rows."
        )
    labels = [entry.label for entry in field.blocks]
    label = labels[0] if block is None and labels else block
    if label not in labels:
        raise ViewError(f"show: the field has no block {block!r}; it has: {', '.join(labels) or 'none'}.")
    copies = field[label]  # [N, mul, size]
    if not 0 <= channel < copies.shape[1]:
        raise ViewError(f"show: block {label} has the channels 0 to {copies.shape[1] - 1}, got channel {channel}.")
    return numbers(copies[:, channel]), f"{label}[{channel}]"


def _norms(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers to colour by: scalars keep their sign, the rest gives its norm. ``[N]``."""
    flat = values.reshape(len(values), -1)
    return flat[:, 0] if flat.shape[1] == 1 else np.linalg.norm(flat, axis=1)


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
        volume = float(np.prod(np.maximum(sides, 1.0)))
    return (volume / max(len(positions), 1)) ** (1 / 3)


def _slab(slab: bool | Literal["x", "y", "z"] | Slab | None, count: int) -> Slab | None:
    if isinstance(slab, Slab):
        return slab
    if isinstance(slab, str):
        return Slab(slab)
    return Slab() if (count >= DENSE if slab is None else slab) else None

"""The same acts on a structure, on a list of structures, and on a graph: transform, reorder, disturb by round-off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from equiviz.equivariance.errors import CheckError
from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import GroupElement, OrthogonalGroup, Permutation
from equiviz.symmetry.transformations import (
    EUCLIDEAN,
    INVERSIONS,
    ROTATIONS,
    Inversions,
    Rotations,
    Transformations,
)

Points = TypeVar("Points", bound=Structure | Graph)
# By which part of the distance between points they are shaken.
SHAKE = 0.02
# Cells of at most so many atoms are repeated before.
FEW = 16
# Inputs that transform, reorder and shift themselves; a list of structures does it one by one.
WHOLE = (Structure, Graph, TypedTensors)


def transformed(x: ModelInput, g: GroupElement) -> ModelInput:
    """`x` moved by an element that knows no atoms: O(3) or a translation."""
    if isinstance(x, WHOLE):
        return x.transform(g)
    return [structure.transform(g) for structure in x]


def reordered(x: ModelInput, generator: torch.Generator) -> tuple[ModelInput, Permutation]:
    """`x` with the nodes of each structure in a random order, and that order over all nodes."""
    counts = node_counts(x)
    orders = [torch.randperm(count, generator=generator) for count in counts]
    starts = [sum(counts[:i]) for i in range(len(counts))]
    total = Permutation(torch.cat([order + start for order, start in zip(orders, starts, strict=True)]))
    if isinstance(x, WHOLE):
        return x.transform(total), total
    return [s.transform(Permutation(order)) for s, order in zip(x, orders, strict=True)], total


def disturbed(x: ModelInput, relative: float, generator: torch.Generator) -> ModelInput:
    """`x` with every coordinate changed by at most `relative` times the largest coordinate; node attributes likewise.

    With `relative` the machine epsilon, this is what rounding alone does to an input.
    """
    if isinstance(x, TypedTensors):
        return x.with_values(_disturbed_attributes(x.fields, relative, generator))
    if isinstance(x, (Structure, Graph)):
        return _disturbed(x, relative, generator)
    return [_disturbed(structure, relative, generator) for structure in x]


def shaken(x: ModelInput, generator: torch.Generator) -> ModelInput:
    """`x` with each point moved by about a fiftieth of the distance between points, and attributes by as much.

    A small cell is repeated first, so that its atoms move against their own images.
    """
    if isinstance(x, TypedTensors):
        return x.with_values(_disturbed_attributes(x.fields, SHAKE, generator))
    if isinstance(x, Graph):
        return _shaken(x, generator)
    structures = [_shaken(_repeated(structure), generator) for structure in listed(x)]
    return structures[0] if isinstance(x, Structure) else structures


def _repeated(structure: Structure) -> Structure:
    if structure.cell is None or len(structure) > FEW or not any(structure.pbc):
        return structure
    return supercell(structure, tuple(2 if periodic else 1 for periodic in structure.pbc))  # type: ignore[arg-type]


def _shaken(x: Points, generator: torch.Generator) -> Points:
    if not len(x.positions):
        return x
    length = spread(x) / len(x.positions) ** (1 / 3)
    positions = x.positions + SHAKE * length * _noise(x.positions, generator)
    return replace(x, positions=positions, node=_disturbed_attributes(x.node, SHAKE, generator))


def wound(structure: Structure, winding: Tensor) -> Structure:
    """Each atom moved by whole lattice vectors, ``winding`` [N, 3] integers: the same crystal."""
    assert structure.cell is not None
    moved = structure.positions + (winding.to(structure.cell) @ structure.cell).to(structure.positions)
    return replace(structure, positions=moved)


def stretched(structure: Structure, factor: float) -> Structure:
    """All lengths times a factor: positions, cell, and the components of attributes that turn."""
    node = {
        name: f if all(block.invariant for block in f.blocks) else f.with_values(f.values * factor)
        for name, f in structure.node.items()
    }
    cell = None if structure.cell is None else structure.cell * factor
    return replace(structure, positions=structure.positions * factor, cell=cell, node=node)


def supercell(structure: Structure, times: tuple[int, int, int]) -> Structure:
    """The same crystal in a larger cell: all atoms of one cell, then all of the next. Attributes of graphs stay."""
    assert structure.cell is not None
    cell, count = structure.cell, math.prod(times)
    steps = torch.cartesian_prod(*(torch.arange(n) for n in times)).to(cell)  # [copies, 3]
    shifts = (steps @ cell).to(structure.positions)
    positions = (structure.positions[None] + shifts[:, None]).flatten(0, 1)
    node = {
        name: f.with_values(f.values.repeat(count, *[1] * (f.values.ndim - 1))) for name, f in structure.node.items()
    }
    larger = cell * torch.tensor(times).to(cell)[:, None]
    return replace(structure, positions=positions, species=structure.species.repeat(count), cell=larger, node=node)


def node_counts(x: ModelInput) -> list[int]:
    """Number of nodes of each structure."""
    if isinstance(x, Graph):
        return torch.bincount(x.batch, minlength=x.n_graphs).tolist()
    if isinstance(x, TypedTensors):
        return [x.count]
    return [len(structure) for structure in listed(x)]


def listed(x: Structure | Sequence[Structure]) -> list[Structure]:
    """A list of structures, whichever came."""
    return [x] if isinstance(x, Structure) else list(x)


def spread(x: ModelInput) -> float:
    """Root mean square distance of the points from their centre, at least 1, in the structures' length unit."""
    parts = [x.positions] if isinstance(x, (Graph, TypedTensors)) else [s.positions for s in listed(x)]
    points = torch.cat([part.detach().double() for part in parts if part is not None] or [torch.zeros(0, 3)])
    if not len(points):
        return 1.0
    return max(1.0, float((points - points.mean(0)).square().sum(1).mean().sqrt()))


def _disturbed(x: Points, relative: float, generator: torch.Generator) -> Points:
    largest = x.positions.detach().abs().max() if len(x.positions) else x.positions.new_zeros(())
    positions = x.positions + relative * largest * _noise(x.positions, generator)
    return replace(x, positions=positions, node=_disturbed_attributes(x.node, relative, generator))


def _disturbed_attributes(node: Mapping[str, Field], relative: float, generator: torch.Generator) -> dict[str, Field]:
    def near(values: Tensor) -> Tensor:
        # Relative to the largest entry: turning mixes components, so that exact zeros do not stay exact either.
        largest = values.detach().abs().max() if values.numel() else values.real.new_zeros(())
        return values + relative * largest * _noise(values.real, generator).to(values.dtype)

    return {name: f.with_values(near(f.values)) for name, f in node.items()}


def floating_type(x: ModelInput) -> torch.dtype | None:
    """The dtype in which coordinates, or else values, came; None where that is not one."""
    if isinstance(x, TypedTensors):
        found = {f.values.real.dtype for f in x.fields.values()}
    else:
        found = {part.positions.dtype for part in ([x] if isinstance(x, (Structure, Graph)) else x)}
    return found.pop() if len(found) == 1 else None


def acting_on(x: ModelInput) -> list[Transformations]:
    """What is worth trying on `x`: what its representations name; of a structure or a graph what moves space, too.

    Of typed tensors that nothing acts on, rotations and inversions: that they change nothing is to be seen.
    """
    carried = [f.representation for part in _parts(x) for f in part]
    named = [t for held in carried for t in held.transformed_by()]
    space = [] if isinstance(x, TypedTensors) else EUCLIDEAN
    return list(dict.fromkeys([*space, *named])) or [ROTATIONS, INVERSIONS]


def acting_smoothly_on(x: ModelInput) -> list[Transformations]:
    """Those of `acting_on` whose generators mean something: nothing that `x` carries jumps under them."""
    carried = [f.representation for part in _parts(x) for f in part]
    jumping = {t for held in carried if not held.smooth for t in held.transformed_by()}
    return [t for t in acting_on(x) if t not in jumping and t.generators()]


def orientations(x: ModelInput, group: OrthogonalGroup | None, verb: str) -> OrthogonalGroup:
    """The orientations that a verb goes over: those asked for, or else all that act on `x`.

    Args:
        x: what is turned.
        group: what was asked for; None for O(3), or SO(3) where no inversion acts.
        verb: who asks, for the message.

    Raises:
        CheckError: no rotation of space acts on `x`, or inversions were asked for and none acts.
    """
    known = acting_on(x)
    if not any(isinstance(t, Rotations) for t in known):
        raise CheckError(
            f"{verb} goes over rotations of space, which do nothing to this input; what acts on it is of other kinds "
            f"({', '.join(t.kind for t in known)}). equiviz.check and equiviz.lie_derivative try those."
        )
    if not any(isinstance(t, Inversions) for t in known):
        if group == "O(3)":
            raise CheckError(f"{verb} was asked for O(3), but no inversion acts on this input: take group='SO(3)'.")
        return group or "SO(3)"
    return group or "O(3)"


def _parts(x: ModelInput) -> list[list[Field]]:
    """The typed tensors of an input, those of nodes and of graphs."""
    if isinstance(x, TypedTensors):
        return [list(x.fields.values())]
    whole = [x] if isinstance(x, (Structure, Graph)) else list(x)
    return [[*part.node.values(), *part.graph.values()] for part in whole]


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [-1, 1], made on the CPU so that it is the same on every device."""
    return (2 * torch.rand(like.shape, generator=generator, dtype=torch.float64) - 1).to(like)

"""The same acts on a structure, on a list of structures, and on a graph: transform, reorder, disturb by round-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import GroupElement, Permutation

Points = TypeVar("Points", bound=Structure | Graph)


def transformed(x: ModelInput, g: GroupElement) -> ModelInput:
    """`x` moved by an element that knows no atoms: O(3) or a translation."""
    if isinstance(x, (Structure, Graph)):
        return x.transform(g)
    return [structure.transform(g) for structure in x]


def reordered(x: ModelInput, generator: torch.Generator) -> tuple[ModelInput, Permutation]:
    """`x` with the nodes of each structure in a random order, and that order over all nodes."""
    counts = node_counts(x)
    orders = [torch.randperm(count, generator=generator) for count in counts]
    starts = [sum(counts[:i]) for i in range(len(counts))]
    total = Permutation(torch.cat([order + start for order, start in zip(orders, starts, strict=True)]))
    if isinstance(x, Graph):
        return x.transform(total), total
    if isinstance(x, Structure):
        return x.transform(Permutation(orders[0])), total
    return [s.transform(Permutation(order)) for s, order in zip(x, orders, strict=True)], total


def disturbed(x: ModelInput, relative: float, generator: torch.Generator) -> ModelInput:
    """`x` with every coordinate changed by at most `relative` times the largest coordinate; node attributes likewise.

    With `relative` the machine epsilon, this is what rounding alone does to an input.
    """
    if isinstance(x, (Structure, Graph)):
        return _disturbed(x, relative, generator)
    return [_disturbed(structure, relative, generator) for structure in x]


def node_counts(x: ModelInput) -> list[int]:
    """Number of nodes of each structure."""
    if isinstance(x, Graph):
        return torch.bincount(x.batch, minlength=x.n_graphs).tolist()
    return [len(structure) for structure in listed(x)]


def listed(x: Structure | Sequence[Structure]) -> list[Structure]:
    """A list of structures, whichever came."""
    return [x] if isinstance(x, Structure) else list(x)


def spread(x: ModelInput) -> float:
    """Root mean square distance of the points from their centre, at least 1, in the structures' length unit."""
    parts = [x.positions] if isinstance(x, Graph) else [s.positions for s in listed(x)]
    points = torch.cat([part.detach().double() for part in parts])
    if not len(points):
        return 1.0
    return max(1.0, float((points - points.mean(0)).square().sum(1).mean().sqrt()))


def _disturbed(x: Points, relative: float, generator: torch.Generator) -> Points:
    largest = x.positions.detach().abs().max() if len(x.positions) else x.positions.new_zeros(())
    positions = x.positions + relative * largest * _noise(x.positions, generator)
    return replace(x, positions=positions, node=_disturbed_attributes(x.node, relative, generator))


def _disturbed_attributes(node: Mapping[str, Field], relative: float, generator: torch.Generator) -> dict[str, Field]:
    return {
        name: Field(f.values * (1 + relative * _noise(f.values, generator)), f.representation, f.support)
        for name, f in node.items()
    }


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [-1, 1], made on the CPU so that it is the same on every device."""
    return (2 * torch.rand(like.shape, generator=generator, dtype=torch.float64) - 1).to(like)

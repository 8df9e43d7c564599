"""A graph as fine as the model that reads it: a `prepare` may make float32 whatever the model computes in.

`Graph.from_structures` makes torch's default type where nothing is said. So a model that is written without a word
about types, and then cast to float64, prepares graphs that it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field


def as_fine_as(model: nn.Module, made: Graph, given: Structure | Sequence[Structure]) -> Graph:
    """The graph in float64 where every weight and constant of the model is; else the graph as it is.

    What `prepare` did nothing to but round it (positions, cells, typed attributes) is taken unrounded from the
    structures, with its gradients; all else is cast.

    Args:
        model: that will read it.
        made: what it prepared.
        given: of these structures.
    """
    if made.positions.dtype == torch.float64 or not _all_double(model):
        return made
    cast = made.to(torch.float64)
    structures = [given] if isinstance(given, Structure) else list(given)
    if sum(map(len, structures)) != len(made) or len(structures) != made.n_graphs:
        return cast
    cells = [structure.cell for structure in structures if structure.cell is not None]
    return replace(
        cast,
        positions=_unrounded([structure.positions for structure in structures], made.positions, cast.positions),
        cells=cast.cells if made.cells is None else _unrounded([c[None] for c in cells], made.cells, cast.cells),
        node=_fields([structure.node for structure in structures], made.node, cast.node),
        graph=_fields([structure.graph for structure in structures], made.graph, cast.graph),
    )


def _all_double(model: nn.Module) -> bool:
    floating = {t.dtype for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()}
    return floating == {torch.float64}


def _fields(
    given: Sequence[Mapping[str, Field]], made: Mapping[str, Field], cast: Mapping[str, Field]
) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for name, field in cast.items():
        parts = [one[name].values for one in given if name in one]
        found[name] = field.with_values(_unrounded(parts, made[name].values, field.values))
    return found


def _unrounded(parts: Sequence[Tensor], made: Tensor, cast: Tensor | None) -> Tensor:
    """The parts one after the other, where they round to what was made; else what was made, cast."""
    assert cast is not None  # there is one of each
    if not parts:
        return cast
    own = torch.cat(list(parts)).to(made.device)
    if not own.is_floating_point() or own.shape != made.shape or not torch.equal(own.to(made.dtype), made):
        return cast
    return own.to(cast.dtype)

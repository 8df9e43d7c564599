"""Prepared graphs as one batch: what was found of their neighbours is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from equiviz.structures.errors import StructureError
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field


def side_by_side(graphs: Sequence[Graph]) -> Graph:
    """One graph of several, in their order, without edges between them.

    Args:
        graphs: of one dtype, length unit and cutoff, with the same typed attributes.

    Raises:
        StructureError: no graph; graphs that disagree; some with edge vectors of their own and some without.
    """
    if not graphs:
        raise StructureError(None, None, "expected at least one graph to put side by side, got none")
    _refuse_disagreement(graphs)
    points = [0, *accumulate(len(graph) for graph in graphs)]
    structures = [0, *accumulate(graph.n_graphs for graph in graphs)]
    first = graphs[0]
    given = [graph.given_vectors for graph in graphs if graph.given_vectors is not None]
    return Graph(
        positions=torch.cat([graph.positions for graph in graphs]),
        species=torch.cat([graph.species for graph in graphs]),
        edge_index=torch.cat([graph.edge_index + start for graph, start in zip(graphs, points, strict=False)], 1),
        shifts=torch.cat([graph.shifts for graph in graphs]),
        batch=torch.cat([graph.batch + start for graph, start in zip(graphs, structures, strict=False)]),
        cells=_rows([graph.cells for graph in graphs], graphs, (3, 3), first.positions),
        node=_fields([graph.node for graph in graphs]),
        graph=_fields([graph.graph for graph in graphs]),
        cutoff=first.cutoff,
        n_graphs=structures[-1],
        pbc=_rows([graph.pbc for graph in graphs], graphs, (3,), first.positions.bool()),
        names=tuple(name for graph in graphs for name in (graph.names or ("",) * graph.n_graphs)),
        length_unit=first.length_unit,
        species_names=first.species_names,
        given_vectors=torch.cat(given) if given else None,
    )


def _refuse_disagreement(graphs: Sequence[Graph]) -> None:
    expected = _said_of(graphs[0])
    for place, graph in enumerate(graphs):
        came = _said_of(graph)
        for what, value in expected.items():
            if came[what] != value:
                why = f"graphs side by side need the same {what}: {value} in graph 0, {came[what]} in graph {place}"
                raise StructureError(None, None, why)


def _said_of(graph: Graph) -> dict[str, object]:
    fields = {**graph.node, **graph.graph}
    return {
        "length unit": graph.length_unit,
        "species names": graph.species_names,
        "cutoff": graph.cutoff,
        "dtype": graph.positions.dtype,
        "typed attributes": {name: repr(item.representation) for name, item in sorted(fields.items())},
        "kind of edge vectors (given or computed)": graph.given_vectors is not None,
    }


def _rows(
    parts: Sequence[Tensor | None], graphs: Sequence[Graph], shape: tuple[int, ...], like: Tensor
) -> Tensor | None:
    """Cells [B, 3, 3] or periods [B, 3]; zero for graphs without, None where no graph has any."""
    if all(part is None for part in parts):
        return None
    filled = [
        like.new_zeros(graph.n_graphs, *shape) if part is None else part
        for part, graph in zip(parts, graphs, strict=True)
    ]
    return torch.cat(filled)


def _fields(parts: Sequence[Mapping[str, Field]]) -> dict[str, Field]:
    return {name: item.with_values(torch.cat([part[name].values for part in parts])) for name, item in parts[0].items()}

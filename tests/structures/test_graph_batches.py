"""Graphs side by side: the same as if the structures had been batched at once?"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from equiviz.structures.errors import StructureError
from equiviz.structures.graph import Graph
from equiviz.structures.graph_batches import side_by_side
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field


def structures() -> list[Structure]:
    draw = torch.Generator().manual_seed(0)
    made = []
    for count in (4, 1, 6):
        places = 3 * torch.rand(count, 3, generator=draw, dtype=torch.float64)
        made.append(Structure(places, torch.arange(count) + 1, name=f"of {count}"))
    cell = 3 * torch.eye(3, dtype=torch.float64)
    made[2] = replace(made[2], cell=cell, pbc=(True, True, False))
    return [one.with_node("weight", Field(one.positions[:, :1], "0e")) for one in made]


def test_it_is_the_batch_of_their_structures() -> None:
    together = Graph.from_structures(structures(), 2.0, torch.float64)
    glued = side_by_side([Graph.from_structures(one, 2.0, torch.float64) for one in structures()])
    for name in ("positions", "species", "edge_index", "shifts", "batch", "cells", "pbc"):
        assert torch.equal(getattr(glued, name), getattr(together, name)), name
    assert torch.equal(glued.node["weight"].values, together.node["weight"].values)
    assert (glued.n_graphs, glued.names, glued.cutoff) == (3, together.names, 2.0)


def test_graphs_that_disagree_are_refused() -> None:
    one, two = structures()[:2]
    first = Graph.from_structures(one, 2.0)
    with pytest.raises(StructureError, match="at least one graph"):
        side_by_side([])
    with pytest.raises(StructureError, match=r"same cutoff: 2.0 in graph 0, 3.0 in graph 1"):
        side_by_side([first, Graph.from_structures(two, 3.0)])
    with pytest.raises(StructureError, match="same typed attributes"):
        side_by_side([first, Graph.from_structures(replace(two, node={}), 2.0)])
    with pytest.raises(StructureError, match="same kind of edge vectors"):
        side_by_side([first, first.with_edge_vectors(first.edge_vectors)])

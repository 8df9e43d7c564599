"""Does a graph hold its structures, their edges, and everything that a group element must move?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from equiviz.structures import Graph, Structure, StructureError, neighbours
from equiviz.symmetry import O3, CartesianTensor, Field, Permutation, Translation, haar

CUTOFF = 3.0


def structure(count: int, seed: int, periodic: bool = True, **other: object) -> Structure:
    source = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    return Structure(
        positions=2 * draw(count, 3),
        species=torch.randint(1, 9, (count,), generator=source),
        cell=3 * torch.eye(3, dtype=torch.float64) + 0.4 * draw(3, 3) if periodic else None,
        pbc=(periodic, periodic, False),
        node={"velocity": Field(draw(count, 3), "1o"), "spin": Field(draw(count, 8), "5x0e+1x1e")},
        graph={"stress": Field(draw(1, 9), CartesianTensor(2), "graph")},
        **other,
    )


@pytest.fixture
def batch() -> list[Structure]:
    return [structure(5, 1), structure(0, 2), structure(1, 3, periodic=False), structure(6, 4, name="last")]


@pytest.fixture
def graph(batch: list[Structure]) -> Graph:
    return Graph.from_structures(batch, CUTOFF, torch.float64)


def test_batch_is_its_structures_one_after_another(batch: list[Structure], graph: Graph) -> None:
    assert graph.sizes.tolist() == [5, 0, 1, 6]
    assert graph.offsets.tolist() == [0, 5, 5, 6, 12]
    assert graph.batch.tolist() == [0] * 5 + [2] + [3] * 6
    expected = [neighbours(one.positions, CUTOFF, one.cell, one.pbc).vectors for one in batch]
    torch.testing.assert_close(graph.edge_vectors, torch.cat(expected), rtol=0, atol=1e-14)
    assert (graph.batch[graph.senders] == graph.batch[graph.receivers]).all()
    assert (graph.receivers.diff() >= 0).all()


def test_structures_come_back(batch: list[Structure], graph: Graph) -> None:
    for before, after in zip(batch, graph.structures(), strict=True):
        assert torch.equal(before.positions, after.positions)
        assert (before.pbc, before.name, before.cell is None) == (after.pbc, after.name, after.cell is None)
        assert torch.equal(before.node["spin"].values, after.node["spin"].values)
        assert torch.equal(before.graph["stress"].values, after.graph["stress"].values)


@pytest.mark.parametrize("g", [*haar(4, seed=0), O3.inversion()], ids=str)
def test_turning_a_graph_is_the_graph_of_turned_structures(batch: list[Structure], graph: Graph, g: O3) -> None:
    turned, other = (
        graph.transform(g),
        Graph.from_structures([one.transform(g) for one in batch], CUTOFF, torch.float64),
    )
    assert torch.equal(turned.edge_index, other.edge_index)
    assert torch.equal(turned.shifts, graph.shifts)
    pairs = {
        "positions": (turned.positions, other.positions),
        "cells": (turned.cells, other.cells),
        "vectors": (turned.edge_vectors, graph.edge_vectors @ g.matrix.T),
        "velocity": (turned.node["velocity"].values, graph.node["velocity"].values @ g.matrix.T),
        "spin": (turned.node["spin"].values[:, 5:], g.det * graph.node["spin"].values[:, 5:] @ g.matrix.T),
        "stress": (
            turned.graph["stress"].values.reshape(-1, 3, 3),
            g.matrix @ graph.graph["stress"].values.reshape(-1, 3, 3) @ g.matrix.T,
        ),
    }
    for one, two in pairs.values():
        torch.testing.assert_close(one, two, rtol=0, atol=1e-13)


def test_translating_moves_positions_only(graph: Graph) -> None:
    moved = graph.transform(Translation(torch.tensor([1.0, 2.0, 3.0])))
    torch.testing.assert_close(moved.positions - graph.positions, torch.tensor([[1.0, 2, 3]] * 12).double())
    torch.testing.assert_close(moved.edge_vectors, graph.edge_vectors, rtol=0, atol=1e-14)
    assert torch.equal(moved.cells, graph.cells)
    assert torch.equal(moved.node["velocity"].values, graph.node["velocity"].values)


def test_permuting_relabels_edges_and_reorders_nodes(graph: Graph) -> None:
    g = Permutation.random(12, seed=3)
    permuted, order = graph.transform(g), graph.edge_order(g)
    assert torch.equal(permuted.positions, graph.positions[g.order])
    assert torch.equal(permuted.batch, graph.batch[g.order])
    assert torch.equal(permuted.node["velocity"].values, graph.node["velocity"].values[g.order])
    assert torch.equal(g.order[permuted.edge_index], graph.edge_index[:, order])
    assert torch.equal(permuted.edge_vectors, graph.edge_vectors[order])
    assert (permuted.receivers.diff() >= 0).all()
    back = permuted.transform(g.inverse())
    assert torch.equal(back.positions, graph.positions)
    assert torch.equal(back.edge_index[1], graph.edge_index[1])


def test_vectors_give_forces_and_stress() -> None:
    one = structure(5, 1)

    def energy(positions: Tensor, cells: Tensor) -> Tensor:
        fixed = Graph.from_structures(one, CUTOFF, torch.float64)
        moving = Graph(**{**vars(fixed), "positions": positions, "cells": cells})
        return moving.edge_vectors.square().sum(dim=1).neg().exp().sum()

    cells = one.cell[None].clone()
    assert torch.autograd.gradcheck(energy, (one.positions.clone().requires_grad_(), cells.requires_grad_()))


def test_gradients_flow_from_the_graph_to_the_structure() -> None:
    positions = structure(5, 1).positions.requires_grad_()
    graph = Graph.from_structures(Structure(positions, torch.ones(5, dtype=torch.long)), CUTOFF)
    graph.edge_vectors.square().sum().backward()
    assert positions.grad is not None
    assert positions.grad.abs().max() > 0


def test_given_edge_vectors_replace_and_turn(graph: Graph) -> None:
    g = haar(1, seed=9)[0]
    given = graph.with_edge_vectors(2 * graph.edge_vectors)
    torch.testing.assert_close(given.transform(g).edge_vectors, 2 * graph.edge_vectors @ g.matrix.T, rtol=0, atol=1e-13)
    with pytest.raises(StructureError, match=r"edge vectors must have shape \[\d+, 3\], got \[1, 3\]"):
        graph.with_edge_vectors(torch.zeros(1, 3))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_degenerate_structures_make_graphs(count: int) -> None:
    graph = Graph.from_structures(structure(count, 7, periodic=False), CUTOFF)
    assert (len(graph), graph.n_graphs) == (count, 1)
    assert graph.transform(haar(1, seed=1)[0]).edge_vectors.shape == (graph.edge_index.shape[1], 3)


def test_collinear_and_coincident_points_keep_finite_vectors() -> None:
    line = torch.tensor([[0.0, 0, 0], [0, 0, 0], [1, 0, 0], [2, 0, 0]])
    graph = Graph.from_structures(Structure(line, torch.ones(4, dtype=torch.long)), 1.5)
    assert graph.edge_index.shape[1] == 2 + 4 + 2
    assert graph.edge_vectors.isfinite().all()


def test_no_structures_make_an_empty_graph() -> None:
    graph = Graph.from_structures([], CUTOFF)
    assert (len(graph), graph.n_graphs, graph.edge_vectors.shape) == (0, 0, (0, 3))
    assert graph.transform(haar(1, seed=1)[0]).n_graphs == 0


def test_dtype_follows_the_default_or_the_wish(batch: list[Structure]) -> None:
    graph = Graph.from_structures(batch, CUTOFF)
    assert graph.positions.dtype == graph.cells.dtype == graph.node["spin"].values.dtype == torch.float32
    double = graph.to(torch.float64)
    assert double.edge_vectors.dtype == torch.float64
    assert double.species.dtype == double.edge_index.dtype == torch.long


def test_structures_that_disagree_are_refused_by_name(batch: list[Structure]) -> None:
    wrong = {
        r"node attribute 'charge' is absent in structure 0 but O3Irreps\('1x0e'\) in structure 1 \('odd'\)": (
            structure(2, 1, name="odd").with_node("charge", Field(torch.zeros(2, 1), "0e"))
        ),
        r"'velocity' is O3Irreps\('1x1o'\) in structure 0 but O3Irreps\('1x1e'\) in structure 1": (
            structure(2, 1).with_node("velocity", Field(torch.zeros(2, 3), "1e"))
        ),
        "graph attribute 'energy' is absent in structure 0": (
            structure(2, 1).with_graph("energy", Field(torch.zeros(1, 1), "0e", "graph"))
        ),
        "one batch needs one length_unit: length_unit 'Å' in structure 0 but 'sigma'": structure(
            2, 1, length_unit="sigma"
        ),
    }
    for message, odd in wrong.items():
        with pytest.raises(StructureError, match=message):
            Graph.from_structures([batch[0], odd], CUTOFF)


def test_an_edge_search_that_fails_names_the_structure() -> None:
    stray = Structure(torch.tensor([[0.0, 0, 0], [1e12, 0, 0]]), torch.ones(2, dtype=torch.long), name="stray")
    with pytest.raises(StructureError, match=r"structure 0 \('stray'\): the points are spread"):
        Graph.from_structures(stray, 1.0)

"""Is the geometry of a glass computed once, also for copies of one graph, and anew where anything of it differs?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.autograd import forward_ad

from equiviz.features.model_input import own_copy
from equiviz.models.glassy_geometry import ENERGY, geometry_of
from equiviz.structures.graph import Graph
from tests.models.test_glassy import SMALL, network, prepared


def glass() -> Graph:
    return network().prepare(prepared(40))


def copied(graph: Graph) -> Graph:
    found = own_copy(graph)
    assert isinstance(found, Graph)
    return found


def moved(graph: Graph) -> Graph:
    positions = graph.positions.clone()
    positions[7] += 1e-3
    return replace(graph, positions=positions)


def swapped(graph: Graph) -> Graph:
    return replace(graph, species=graph.species.flip(0))


def stretched(graph: Graph) -> Graph:
    assert graph.cells is not None
    return replace(graph, cells=1.001 * graph.cells)


def with_other_energies(graph: Graph) -> Graph:
    energy = graph.node[ENERGY]
    return replace(graph, node={**graph.node, ENERGY: energy.with_values(energy.values + 1)})


def with_vectors_of_its_own(graph: Graph) -> Graph:
    return graph.with_edge_vectors(0.99 * graph.edge_vectors)


def without_an_edge(graph: Graph) -> Graph:
    return replace(graph, edge_index=graph.edge_index[:, 1:], shifts=graph.shifts[1:])


def test_copies_share_it() -> None:
    graph = glass()
    first = geometry_of(graph, SMALL)
    assert geometry_of(copied(graph), SMALL) is first
    assert geometry_of(copied(copied(graph)), replace(SMALL, width=9)) is first  # the width is no part of it


@pytest.mark.parametrize(
    "other", [moved, swapped, stretched, with_other_energies, with_vectors_of_its_own, without_an_edge]
)
def test_whatever_differs_is_seen(other: Callable[[Graph], Graph]) -> None:
    graph = glass()
    first = geometry_of(graph, SMALL)
    changed = other(copied(graph))
    found = geometry_of(changed, SMALL)
    assert found is not first
    assert (found.density - first.density).abs().max() > 1e-6
    torch.testing.assert_close(geometry_of(copied(graph), SMALL).density, first.density, rtol=0, atol=0)


def test_other_settings_are_another_geometry() -> None:
    graph = glass()
    assert geometry_of(copied(graph), replace(SMALL, density_radial=5)).density.shape[2] == 15
    assert geometry_of(copied(graph), SMALL).density.shape[2] == 24


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")  # torch's own, at the first dual number
def test_derivatives_are_not_lost() -> None:
    graph = glass()
    known = geometry_of(graph, SMALL)
    with forward_ad.dual_level():
        dual = replace(graph, positions=forward_ad.make_dual(graph.positions, graph.positions.cos()))
        tangent = forward_ad.unpack_dual(geometry_of(dual, SMALL).density).tangent
    assert tangent is not None
    assert tangent.abs().max() > 0.1
    moving = replace(graph, positions=graph.positions.clone().requires_grad_())
    assert geometry_of(moving, SMALL).density.requires_grad
    assert not known.density.requires_grad

"""Is Bapst's network the one of the paper, whatever the arrangement of its arithmetic?"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from equiviz.models.bapst import Bapst, BapstConfig
from equiviz.models.registry import families
from equiviz.nn.errors import ModelError
from equiviz.structures.graph import Graph
from equiviz.symmetry.groups import O3, Permutation, Translation
from tests.training.liquids import liquid

SMALL = BapstConfig(times=(1.0, 10.0), width=8, steps=3)


def _double(config: BapstConfig = SMALL) -> tuple[Bapst, Graph]:
    torch.manual_seed(0)
    model = Bapst(config).double()
    return model, model.prepare(liquid(0).structure)


def _plainly(model: Bapst, graph: Graph) -> Tensor:
    """The propensity with every concatenation written out, as the paper draws it, and our norms between the steps."""
    sender, receiver = graph.edge_index
    kinds = torch.stack([graph.species == 1, graph.species == 2], 1).double()
    nodes = nodes_in = model.node_encoder(kinds)
    edges = edges_in = model.edge_norms[0](model.edge_encoder(graph.edge_vectors))
    step = model.step
    for number in range(model.config.steps):
        edges = model.edge_norms[number](edges) if number else edges
        both = torch.cat([nodes, nodes_in], 1)
        joined = torch.cat([edges, edges_in, both[sender], both[receiver]], 1)
        edges = step.edge_second(step.edge_first(joined).relu()).relu()
        incoming = torch.zeros_like(nodes).index_add(0, receiver, edges)
        nodes = step.node_second(step.node_first(torch.cat([incoming, nodes, nodes_in], 1)).relu()).relu()
        nodes = model.node_norms[number](nodes)
    parts = model.decoder(nodes).view(len(nodes), 2, -1)
    return (parts * kinds[..., None]).sum(1)


def test_applied_by_parts_it_is_the_function_of_the_paper() -> None:
    model, graph = _double()
    found = model(graph)["propensity"].values
    # sums of some 50 numbers of order one in another order, float64
    torch.testing.assert_close(found, _plainly(model, graph), rtol=1e-11, atol=1e-12)


def test_it_has_as_many_parameters_as_the_paper_and_64_more_for_one_hot_types() -> None:
    """Encoders 64-64 of 3 and 1 inputs, core 384-64-64 and 192-64-64, decoder 64-64-1: 62,401 in all."""
    published = (3 * 64 + 64 + 64 * 65) + (64 + 64 + 64 * 65) + (384 * 64 + 64 + 64 * 65) + (192 * 64 + 64 + 64 * 65)
    published += 64 * 65 * 2 + 65
    model = Bapst(BapstConfig(species=(1, 2)))
    norms = sum(p.numel() for part in (model.edge_norms, model.node_norms) for p in part.parameters())
    assert norms == 2 * 7 * 2 * 64  # ours: nodes and edges of 7 steps, a scale and a shift each
    second_output = 65  # one per species
    assert sum(p.numel() for p in model.parameters()) - norms == published + 64 + second_output


def test_it_does_not_know_rotations_but_translations_and_permutations() -> None:
    model, _ = _double()
    structure = liquid(0).structure
    out = model(model.prepare(structure))["propensity"]
    moved = model(model.prepare(structure.transform(Translation(torch.tensor([3.0, -1.0, 0.5])))))["propensity"]
    torch.testing.assert_close(moved.values, out.values, rtol=1e-10, atol=1e-11)
    order = Permutation.random(len(structure), seed=1)
    permuted = model(model.prepare(structure.transform(order)))["propensity"]
    torch.testing.assert_close(permuted.values, out.transform(order).values, rtol=1e-10, atol=1e-11)
    turned = model(model.prepare(structure.transform(O3.rotation([1, 2, 3], 1.0))))["propensity"]
    assert float((turned.values - out.values).detach().abs().max()) > 1e-6  # rounding would be 1e-15


def test_its_vector_output_is_typed() -> None:
    model, graph = _double(replace(SMALL, vector=True))
    field = model(graph)["displacement"]
    assert str(field.representation) == "2x1o"
    assert field.values.shape == (60, 6)


def test_positions_choose_what_it_looks_at() -> None:
    structure = liquid(0).structure
    inherent = Bapst(SMALL).prepare(structure).positions
    thermal = Bapst(replace(SMALL, positions="thermal")).prepare(structure).positions
    expected = structure.node["inherent_displacement"].values.float()
    torch.testing.assert_close(inherent - thermal, expected, rtol=0, atol=1e-6)  # float32 positions of order 6


def test_an_unknown_species_is_named() -> None:
    model = Bapst(replace(SMALL, species=(1, 3)))
    with pytest.raises(ModelError, match=r"knows species \[1, 3\], but \[2\] came"):
        model(model.prepare(liquid(0).structure))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_particles_are_no_problem(count: int) -> None:
    structure = liquid(0).structure
    few = replace(
        structure,
        positions=structure.positions[:count],
        species=structure.species[:count],
        node={name: field.with_values(field.values[:count]) for name, field in structure.node.items()},
    )
    model = Bapst(SMALL)
    values = model(model.prepare(few))["propensity"].values
    assert values.shape == (count, 2)
    assert bool(values.isfinite().all())


def test_the_registry_finds_it() -> None:
    family = families()["bapst"]
    assert family.group == "none"
    assert isinstance(family.build({"width": 8, "times": [1, 2]}), Bapst)

"""Does glassy keep what it claims, and are its compiled neighbour sums the plain ones?"""

from __future__ import annotations

import pytest
import torch

from equiviz.models.errors import ConfigError
from equiviz.models.glassy import Glassy, GlassyConfig
from equiviz.nn.clebsch_gordan import coupling
from equiviz.nn.errors import ModelError
from equiviz.nn.neighbour_convolution import NeighbourConvolution, edge_basis
from equiviz.nn.neighbour_sum import SortedEdges, neighbour_mean, neighbour_sum
from equiviz.nn.radial import gaussians
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import Permutation, haar
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.wigner import wigner_d

FEATURES = 10
SMALL = GlassyConfig(
    times=2, surroundings=FEATURES, local=6, scalars=4, vectors=2, layers=2, width=8, products=4, pooled=8
)


def prepared(atoms: int, seed: int = 0) -> Structure:
    """A liquid-like structure that carries every attribute glassy reads, so that nothing is computed."""
    generator = torch.Generator().manual_seed(seed)
    edge = max(4.0, (atoms / 1.2) ** (1 / 3))
    points = torch.rand(atoms, 3, generator=generator, dtype=torch.float64) * edge

    def attribute(size: int) -> torch.Tensor:
        return torch.randn(atoms, size, generator=generator, dtype=torch.float64)

    node = {
        "inherent_displacement": Field(0.1 * attribute(3), "1x1o"),
        "inherent_energy": Field(attribute(1), "1x0e"),
        "surroundings": Field(attribute(FEATURES), f"{FEATURES}x0e"),
    }
    species = 1 + (torch.arange(atoms) % 5 == 4).long()
    cell = edge * torch.eye(3, dtype=torch.float64)
    return Structure(points, species, cell=cell, pbc=(True,) * 3, node=node, length_unit="sigma")


def network(config: GlassyConfig = SMALL, dtype: torch.dtype = torch.float64) -> Glassy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Glassy(config).to(dtype).eval()


@pytest.mark.parametrize(("dtype", "largest"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize("messages", ["equivariant", "scalar"])
def test_outputs_turn_with_the_glass(dtype, largest, messages):
    config = GlassyConfig(**{**SMALL.__dict__, "messages": messages})
    model = network(config, dtype)
    graph = model.prepare(prepared(40))
    before = model(graph)
    assert set(before) == ({"propensity", "displacement"} if messages == "equivariant" else {"propensity"})
    for g in haar(4, seed=1):
        after = model(graph.transform(g))
        for name, field in before.items():
            wanted = field.transform(g).values
            # Rounding through a few layers; a wrong irrep would give an error of order one.
            assert (after[name].values - wanted).abs().max() < largest * wanted.abs().max()


def test_renumbering_particles_renumbers_predictions():
    model, structure = network(), prepared(30)
    order = Permutation(torch.randperm(30, generator=torch.Generator().manual_seed(0)))
    plain, shuffled = model(model.prepare(structure)), model(model.prepare(structure.transform(order)))
    for name in plain:
        assert torch.allclose(plain[name].transform(order).values, shuffled[name].values, atol=1e-12)


def test_a_neighbour_in_the_batch_changes_nothing():
    model, one, two = network(), prepared(20, 1), prepared(25, 2)
    alone, both = model(model.prepare(two)), model(model.prepare([one, two]))
    for name in alone:
        assert torch.allclose(alone[name].values, both[name].values[20:], atol=1e-12)


@pytest.mark.parametrize("atoms", [0, 1, 2])
def test_hardly_any_particles_are_no_problem(atoms):
    outputs = network()(network().prepare(prepared(atoms)))
    assert outputs["propensity"].values.shape == (atoms, 2)
    assert outputs["displacement"].values.shape == (atoms, 6)
    assert all(torch.isfinite(field.values).all() for field in outputs.values())


def test_every_learned_weight_gets_a_gradient():
    model = network().train()
    outputs = model(model.prepare(prepared(40)))
    sum(field.values.square().sum() for field in outputs.values()).backward()
    missing = [name for name, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    # The last layer's vectors feed the displacement, its gates both: nothing may be dead.
    assert missing == []


def test_positions_get_gradients_where_they_ask_for_them():
    from dataclasses import replace

    model = network()
    graph = model.prepare(prepared(20))
    moving = replace(graph, positions=graph.positions.clone().requires_grad_())
    model(moving)["propensity"].values.sum().backward()
    assert torch.isfinite(moving.positions.grad).all()
    assert moving.positions.grad.abs().max() > 0


def test_compiled_and_plain_sums_give_the_same_network():
    plain = network(GlassyConfig(**{**SMALL.__dict__, "compiled": False}))
    compiled = network()
    graph = compiled.prepare(prepared(40))
    for name, field in compiled(graph).items():
        assert torch.allclose(field.values, plain(graph)[name].values, rtol=1e-11, atol=1e-13)


def test_the_regression_is_recovered_from_its_own_predictions():
    config = GlassyConfig(**{**SMALL.__dict__, "surroundings": 1022, "linear_share": 1.0})
    model = network(config)
    graphs = []
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        structure = prepared(60, seed)
        values = torch.zeros(60, 1022, dtype=torch.float64)
        values[:, 138] = torch.randn(60, generator=generator, dtype=torch.float64)
        graphs.append(model.prepare(structure.with_node("surroundings", Field(values, "1022x0e"))))
    targets = [torch.stack([g.node["surroundings"].values[:, 138]] * 2, 1) for g in graphs]
    model.fit_linear(graphs, targets, penalty=1e-3)
    assert torch.allclose(model(graphs[0])["propensity"].values, targets[0], atol=1e-3)


def test_settings_that_make_no_network_are_refused():
    with pytest.raises(ConfigError, match="expected density_cutoff=1 to be the largest cutoff"):
        GlassyConfig(density_cutoff=1.0)
    with pytest.raises(ConfigError, match="at least one channel"):
        GlassyConfig(scalars=0)


def random_edges(nodes: int = 7) -> SortedEdges:
    pairs = torch.combinations(torch.arange(nodes))[::2]
    both = torch.cat([pairs, pairs.flip(1)])
    order = both[:, 1].argsort(stable=True)
    return SortedEdges.from_index(both[order, 0], both[order, 1], nodes)


def test_neighbour_sums_have_right_first_and_second_derivatives():
    edges, generator = random_edges(), torch.Generator().manual_seed(0)
    basis = torch.randn(len(edges.sender), 3, dtype=torch.float64, generator=generator, requires_grad=True)
    features = torch.randn(7, 2, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda b, f: neighbour_sum(b, f, edges), (basis, features))
    assert torch.autograd.gradgradcheck(lambda b, f: neighbour_sum(b, f, edges), (basis, features))
    assert torch.autograd.gradcheck(lambda f: neighbour_mean(f, edges), (features,))
    plain = neighbour_sum(basis, features, edges, compiled=False)
    assert torch.allclose(neighbour_sum(basis, features, edges), plain, atol=1e-13)
    assert torch.allclose(neighbour_mean(features, edges), neighbour_mean(features, edges, compiled=False), atol=1e-13)


def test_unsorted_edges_are_refused():
    with pytest.raises(ModelError, match="expects edges sorted by receiver"):
        SortedEdges.from_index(torch.tensor([0, 1]), torch.tensor([1, 0]), 2)


def test_couplings_are_those_of_e3nn_up_to_sign():
    from e3nn import o3

    for degrees in ((0, 0, 0), (1, 1, 0), (1, 1, 2), (2, 1, 3), (2, 2, 2), (3, 2, 3)):
        ours, theirs = coupling(*degrees), o3.wigner_3j(*degrees, dtype=torch.float64)
        sign = torch.sign((ours * theirs).sum())
        assert (ours - sign * theirs).abs().max() < 1e-13
    with pytest.raises(ModelError, match="with an even sum"):
        coupling(1, 1, 1)


def test_the_convolution_is_a_tensor_product_per_edge():
    """Sum first, couple after: equal to coupling on every edge and summing then, and equivariant."""
    edges, generator = random_edges(), torch.Generator().manual_seed(1)
    vectors = torch.randn(len(edges.sender), 3, dtype=torch.float64, generator=generator)
    h = {0: torch.randn(7, 1, 2, dtype=torch.float64, generator=generator)}
    h[1] = torch.randn(7, 3, 2, dtype=torch.float64, generator=generator)
    layer = NeighbourConvolution({0: 2, 1: 2}, (0, 1), 2, 3, scale=1.0)

    def convolved(turned: torch.Tensor, inputs: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        radial = gaussians(turned.norm(dim=1), 0.5, 1.5, 3, 3.0)
        return layer(inputs, edge_basis(radial, spherical_harmonics(2, turned)), edges)

    out = convolved(vectors, h)
    assert {degree: values.shape[2] for degree, values in out.items()} == layer.widths()
    radial, angular = gaussians(vectors.norm(dim=1), 0.5, 1.5, 3, 3.0), spherical_harmonics(2, vectors)
    per_edge = torch.einsum(
        "ek,ea,ebc,abo->eokc", radial, angular[:, 4:], h[1][edges.sender], coupling(2, 1, 1) * 3**0.5
    )
    summed = torch.zeros(7, 3, 6, dtype=torch.float64).index_add(0, edges.receiver, per_edge.flatten(2))
    assert torch.allclose(out[1][:, :, -6:], summed, atol=1e-12)
    (g,) = haar(1, seed=5, group="SO(3)")
    d = wigner_d(1, g.matrix)
    turned = convolved(vectors @ g.matrix.T, {0: h[0], 1: torch.einsum("ab,nbc->nac", d, h[1])})
    assert torch.allclose(turned[0], out[0], atol=1e-12)
    assert torch.allclose(turned[1], torch.einsum("ab,nbc->nac", d, out[1]), atol=1e-12)


def test_prepare_computes_what_is_missing():
    axis = (torch.arange(5, dtype=torch.float64) + 0.5) * (125 / 1.2) ** (1 / 3) / 5
    noise = 0.03 * torch.randn(125, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis, axis) + noise
    cell = (125 / 1.2) ** (1 / 3) * torch.eye(3, dtype=torch.float64)
    raw = Structure(points, 1 + (torch.arange(125) % 5 == 0).long(), cell=cell, pbc=(True,) * 3, length_unit="sigma")
    graph = network(GlassyConfig(layers=1)).prepare(raw)
    assert isinstance(graph, Graph)
    assert graph.node["surroundings"].values.shape == (125, 1022)
    assert {"offsets", "inherent_energy"} < set(graph.node)


def test_the_sizes_of_the_surroundings_are_those_that_are_measured() -> None:
    from equiviz.datasets.glass.surroundings import Surroundings

    for temperature, settings in ((0.0, Surroundings()), (0.3, Surroundings(cage=True))):
        config = GlassyConfig(cage_temperature=temperature)
        assert config.surroundings == settings.size
        assert config.local == settings.size // (1 + len(settings.rounds))
    assert GlassyConfig(cage_temperature=0.3, local=20).local == 20


def test_settings_that_contradict_each_other_are_refused_in_words() -> None:
    with pytest.raises(ConfigError, match=r"linear_share=0.5 blends in a ridge regression on the surroundings"):
        GlassyConfig(surroundings=0, linear_share=0.5)

"""Steinhardt parameters: are they those of the literature and of freud, and do they stay finite?"""

from __future__ import annotations

import pytest
import torch
from lattices import bcc, fcc, hcp, icosahedron, random_mixture

from equiviz.descriptors import DescriptorError, Gaussian, Hard, Steinhardt, SteinhardtConfig
from equiviz.descriptors.threefold_coupling import coupling_matrix, threefold_product
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

# freud works in float32 and sums about 20 terms: 1e-5 of q is its rounding, not ours.
FREUD = 3e-5


def steinhardt(**options: object) -> Steinhardt:
    return Steinhardt(SteinhardtConfig(**options))


# q_l: Mickel et al., J. Chem. Phys. 138, 044501 (2013), table I; icosahedron and w: Steinhardt, Nelson and Ronchetti
# (1983), table I. Four digits are what the sources print.
@pytest.mark.parametrize(
    ("make", "count", "quantity", "degree", "expected"),
    [
        (fcc, 12, "q", 4, 0.1909),
        (fcc, 12, "q", 6, 0.5745),
        (hcp, 12, "q", 4, 0.0972),
        (hcp, 12, "q", 6, 0.4848),
        (bcc, 14, "q", 4, 0.0364),
        (bcc, 14, "q", 6, 0.5107),
        (icosahedron, 12, "q", 4, 0.0),
        (icosahedron, 12, "q", 6, 0.6633),
        (fcc, 12, "w", 4, -0.1593),
        (fcc, 12, "w", 6, -0.0132),
        (hcp, 12, "w", 4, 0.1341),
        (hcp, 12, "w", 6, -0.0124),
        (bcc, 14, "w", 4, 0.1593),
        (bcc, 14, "w", 6, 0.0132),
        (icosahedron, 12, "w", 6, -0.1698),
    ],
)
def test_value_of_ideal_lattice(make, count, quantity, degree, expected):
    values = steinhardt(degrees=(degree,), quantities=(quantity,), nearest=count)(make()).values
    centre = values[0, 0] if make is icosahedron else values[:, 0]
    torch.testing.assert_close(centre, torch.full_like(centre, expected), atol=5.1e-5, rtol=0)


@pytest.mark.parametrize("make", [fcc, hcp, bcc])
def test_average_of_a_perfect_lattice(make):
    # In a Bravais lattice all points see the same: the average changes nothing. HCP has two orientations: q6_bar < q6.
    local, averaged = (
        steinhardt(degrees=(4, 6), average=flag, window=Hard(1.3))(make()).values for flag in (False, True)
    )
    if make is hcp:
        assert (averaged <= local + 1e-12).all()
    else:
        torch.testing.assert_close(averaged, local, atol=1e-12, rtol=0)


@pytest.mark.parametrize("quantity", ["q", "w"])
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("neighbours", [{"window": Hard(1.5)}, {"nearest": 12}])
def test_vs_freud(quantity, average, neighbours):
    freud = pytest.importorskip("freud")
    mixture = random_mixture(256, seed=3)
    degrees = tuple(range(1, 13)) if quantity == "q" else (2, 4, 6, 8, 10, 12)
    ours = steinhardt(degrees=degrees, quantities=(quantity,), average=average, **neighbours)(mixture).values
    box = freud.box.Box.cube(float(mixture.cell[0, 0]))
    query = {"num_neighbors": 12} if "nearest" in neighbours else {"r_max": 1.5}
    order = freud.order.Steinhardt(list(degrees), average=average, wl=quantity == "w", wl_normalize=True)
    with freud.parallel.NumThreads(1):
        order.compute((box, box.wrap(mixture.positions.numpy())), neighbors={**query, "exclude_ii": True})
    theirs = torch.tensor(order.particle_order).to(torch.float64)
    # w_hat divides by q^3: its rounding grows as 1 / q where all q_lm nearly cancel.
    tolerance = FREUD if quantity == "q" else 1e-4
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)


def test_w_without_normalisation_vs_freud():
    freud = pytest.importorskip("freud")
    mixture = random_mixture(128, seed=4)
    ours = steinhardt(degrees=(4, 6), quantities=("w",), normalise_w=False, window=Hard(1.4))(mixture).values
    box = freud.box.Box.cube(float(mixture.cell[0, 0]))
    order = freud.order.Steinhardt([4, 6], wl=True)
    with freud.parallel.NumThreads(1):
        order.compute((box, box.wrap(mixture.positions.numpy())), neighbors={"r_max": 1.4, "exclude_ii": True})
    theirs = torch.nan_to_num(torch.tensor(order.particle_order).to(torch.float64))
    torch.testing.assert_close(ours, theirs, atol=FREUD, rtol=FREUD)


@pytest.mark.parametrize("degree", [2, 6, 12])
def test_threefold_coupling_is_symmetric_and_normalised(degree):
    # The squares of all 3j symbols with l1 = l2 = l3 = l sum to 1 in any basis (DLMF 34.3.18 summed over m3).
    size = 2 * degree + 1
    coupling = coupling_matrix(degree).view(size, size, size)
    assert float(coupling.square().sum()) == pytest.approx(1, abs=1e-13)
    torch.testing.assert_close(coupling, coupling.permute(2, 0, 1), atol=1e-14, rtol=0)
    torch.testing.assert_close(coupling, coupling.transpose(0, 1), atol=1e-14, rtol=0)


def test_w_of_odd_degree_is_zero():
    q = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    product = threefold_product(q)
    product.sum().backward()
    assert (product == 0).all()
    assert (q.grad == 0).all()


def test_smooth_window_without_division_is_a_linear_function_of_a_layer():
    # 4 pi / (2l+1) |sum_j w(r_j) Y_lm|^2 written out with e3nn's own harmonics of unit integral.
    from e3nn import o3

    window = Gaussian(2.0, centre=1.1, width=0.2)
    mixture = random_mixture(64, seed=5)
    values = steinhardt(degrees=(3, 6), window=window, normalise=False, squared=True)(mixture).values
    graph = Graph.from_structures(mixture, 2.0, dtype=torch.float64)
    for column, degree in enumerate((3, 6)):
        harmonics = o3.spherical_harmonics(degree, graph.edge_vectors, True, normalization="integral")
        terms = window(graph.edge_vectors.norm(dim=1))[:, None] * harmonics
        layer = torch.zeros(64, 2 * degree + 1, dtype=torch.float64).index_add(0, graph.edge_index[1], terms)
        expected = 4 * torch.pi / (2 * degree + 1) * layer.square().sum(1)
        # e3nn's harmonics are accurate to about 1e-7 under a float32 default dtype.
        torch.testing.assert_close(values[:, column], expected, rtol=1e-6, atol=1e-9)


def test_species_channels_add_up_to_all_neighbours():
    mixture = random_mixture(64, seed=6)
    options = {"degrees": (4,), "window": Hard(1.5), "normalise": False, "squared": True}
    by_species = steinhardt(species=(1, 2), species_names=("A", "B"), **options)
    assert by_species.names == ("sum q_4^2(A)", "sum q_4^2(B)")
    only_b = Structure(mixture.positions, 3 - mixture.species, mixture.cell, mixture.pbc)
    torch.testing.assert_close(by_species(mixture).values, by_species(only_b).values.flip(1), atol=1e-12, rtol=1e-12)


def test_names_say_what_stands_in_the_column():
    assert steinhardt(degrees=(6,), window=Hard(1.4)).names == ("q_6",)
    config = {"degrees": (4, 6), "quantities": ("q", "w"), "average": True, "nearest": 12}
    assert steinhardt(**config).names == ("q_bar_4", "q_bar_6", "w_bar_hat_4", "w_bar_hat_6")


@pytest.mark.parametrize("options", [{"window": Hard(1.4)}, {"nearest": 7}, {"window": Gaussian(1.4, 1.0, 0.2)}])
def test_structure_and_graph_agree(options):
    mixture = random_mixture(128, seed=7)
    graph = Graph.from_structures(mixture, 2.5, dtype=torch.float64)
    descriptor = steinhardt(degrees=(1, 4, 6), **options)
    torch.testing.assert_close(descriptor(graph).values, descriptor(mixture).values, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of window"),
        ({"window": Hard(1.4), "nearest": 3}, "exactly one of window"),
        ({"nearest": 0}, "nearest must be at least 1, got 0"),
        ({"degrees": (0,), "nearest": 3}, r"integers from 1 to 12, at least one; got \[0\]"),
        ({"degrees": (13,), "nearest": 3}, r"got \[13\]"),
        ({"degrees": (4, 4), "nearest": 3}, "degrees must be distinct"),
        ({"quantities": ("x",), "nearest": 3}, "quantities must be"),
        ({"average": True, "normalise": False, "nearest": 3}, "use normalise=True"),
        ({"species": (1, 2), "species_names": ("A",), "nearest": 3}, "one name per species"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(DescriptorError, match=message):
        steinhardt(**options)


def test_too_few_neighbours_are_refused():
    with pytest.raises(DescriptorError, match="13 nearest neighbours asked, but there are 13 points"):
        steinhardt(nearest=13)(icosahedron())
    graph = Graph.from_structures(fcc(), 1.1, dtype=torch.float64)
    with pytest.raises(
        DescriptorError, match=r"13 nearest neighbours asked, but point 0 of the graph \(cutoff 1.1\) has 12"
    ):
        steinhardt(nearest=13)(graph)


def test_graph_with_a_short_cutoff_is_refused():
    graph = Graph.from_structures(fcc(), 1.1, dtype=torch.float64)
    with pytest.raises(DescriptorError, match=r"looks 1\.4 far, but the graph has edges up to 1\.1 only"):
        steinhardt(window=Hard(1.4))(graph)

"""What every descriptor family promises: names, invariance, gradients, empty and coincident neighbourhoods."""

from __future__ import annotations

import pytest
import torch
from lattices import random_mixture

from equiviz.descriptors import (
    AngularSymmetryFunctions,
    AngularSymmetryFunctionsConfig,
    Cosine,
    Descriptor,
    DescriptorError,
    Gaussian,
    GaussianTypeOrbitals,
    Hard,
    Polynomial,
    PowerSpectrum,
    PowerSpectrumConfig,
    RadialSymmetryFunctions,
    RadialSymmetryFunctionsConfig,
    Steinhardt,
    SteinhardtConfig,
    available,
    build,
    gaussian_shells,
    standard,
)
from equiviz.descriptors.registry import register
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3, Permutation, Translation, haar

FAMILIES = (
    "angular_symmetry_functions",
    "common_neighbours",
    "coordination",
    "number_density",
    "power_spectrum",
    "radial_symmetry_functions",
    "steinhardt",
    "tetrahedrality",
)
SPECIES = {"species": (1, 2), "species_names": ("A", "B")}
TRIPLES = ((0.3, 1.0, 1.0), (0.1, 4.0, -1.0), (0.2, 2.5, 1.0))

VARIANTS: dict[str, Descriptor] = {
    "q and w": Steinhardt(SteinhardtConfig(degrees=(1, 4, 6), quantities=("q", "w"), window=Gaussian(1.5, 1.0, 0.2))),
    "averaged": Steinhardt(SteinhardtConfig(degrees=(4, 6), window=Gaussian(1.5, 1.0, 0.2), average=True, **SPECIES)),
    "nearest": Steinhardt(SteinhardtConfig(degrees=(3, 6), nearest=6)),
    "G2": RadialSymmetryFunctions(
        RadialSymmetryFunctionsConfig(functions=((0.0, 0.0), (4.0, 1.1)), cutoff=1.5, **SPECIES)
    ),
    "G4": AngularSymmetryFunctions(AngularSymmetryFunctionsConfig(functions=TRIPLES, cutoff=1.5, **SPECIES)),
    "G5": AngularSymmetryFunctions(AngularSymmetryFunctionsConfig(functions=TRIPLES, cutoff=1.5, form="G5", **SPECIES)),
    "windows": PowerSpectrum(PowerSpectrumConfig(radial=gaussian_shells(3, 1.5), lmax=4, **SPECIES)),
    "orbitals": PowerSpectrum(
        PowerSpectrumConfig(radial=GaussianTypeOrbitals(2, 1.3, 0.2), lmax=3, include_centre=True, **SPECIES)
    ),
    "count": build("coordination", window=Cosine(1.5), **SPECIES),
    "plain count": build("coordination", window=Hard(1.5)),
    "local density": build("number_density", window=Polynomial(1.5)),
    "tetrahedra": build("tetrahedrality"),
    "common neighbours": build("common_neighbours", cutoff=1.2),
}
NEEDY = ("nearest", "tetrahedra")
"""Those that ask for a number of neighbours."""

every_variant = pytest.mark.parametrize("descriptor", VARIANTS.values(), ids=VARIANTS.keys())


@pytest.fixture
def mixture() -> Structure:
    return random_mixture(60, seed=11)


def test_registry_lists_each_file():
    assert tuple(available()) == FAMILIES
    assert all(family.source and family.summary for family in available().values())


@pytest.mark.parametrize("name", FAMILIES)
def test_standard_descriptor_of_a_family(name, mixture):
    descriptor = standard(name, 1.5, (1, 2), ("A", "B"))
    field = descriptor(mixture)
    assert field.support == "node"
    assert field.values.shape == (60, len(descriptor))
    assert len(set(descriptor.names)) == len(descriptor.names)
    assert field.values.isfinite().all()
    assert field.values.dtype == torch.float64


def test_build_by_name(mixture):
    by_name = build("steinhardt", degrees=(6,), window=Hard(1.4))
    assert torch.equal(
        by_name(mixture).values, Steinhardt(SteinhardtConfig(degrees=(6,), window=Hard(1.4)))(mixture).values
    )


def test_registry_refuses_what_it_does_not_know():
    with pytest.raises(DescriptorError, match="no descriptor family 'soap'; available: angular_symmetry_functions"):
        build("soap")
    with pytest.raises(DescriptorError, match="steinhardt has no option 'cutof'; its options are: species"):
        build("steinhardt", cutof=1.0)
    with pytest.raises(DescriptorError, match="has that name; rename one"):
        register(dict(available()), available()["steinhardt"], "families.twin")
    with pytest.raises(DescriptorError, match=r"must end with FAMILY = DescriptorFamily"):
        register({}, None, "families.empty")


@every_variant
def test_invariant_under_o3_translation_permutation(descriptor, mixture):
    values = descriptor(mixture).values
    scale = values.abs().amax(0)  # [D] float64 rounding is relative to the largest value of a column
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    moves = [*haar(3, seed=2), O3.inversion(), Translation(torch.tensor([0.3, -5.0, 2.0], dtype=torch.float64))]
    for g in moves:
        moved = descriptor(mixture.transform(g)).values
        assert ((moved - values).abs() <= 1e-12 * scale + 1e-14).all()
    permuted = descriptor(mixture.transform(Permutation(order))).values
    assert ((permuted - values[order]).abs() <= 1e-12 * scale + 1e-14).all()


@every_variant
def test_a_reflected_neighbour_alone_changes_the_values(descriptor, mixture):
    # The control of the invariance test: a map that is not a symmetry must show.
    positions = mixture.positions.clone()
    positions[:30, 0] += 0.2
    moved = Structure(positions, mixture.species, mixture.cell, mixture.pbc)
    values = descriptor(mixture).values
    assert ((descriptor(moved).values - values).abs().amax(0) > 1e-6 * values.abs().amax(0)).any()


@every_variant
def test_gradient_vs_finite_differences(descriptor):
    generator = torch.Generator().manual_seed(5)
    cell = torch.eye(3, dtype=torch.float64) * 1.9
    positions = torch.rand(7, 3, generator=generator, dtype=torch.float64) * 1.9
    species = torch.tensor([1, 1, 2, 1, 2, 1, 1])

    def values(moved: torch.Tensor) -> torch.Tensor:
        return descriptor(Structure(moved, species, cell, (True, True, True))).values

    assert torch.autograd.gradcheck(values, (positions.requires_grad_(),), fast_mode=True)


@every_variant
def test_with_and_without_gradient_agree(descriptor, mixture):
    plain = descriptor(mixture).values  # compiled search and density
    tracked = Structure(mixture.positions.clone().requires_grad_(), mixture.species, mixture.cell, mixture.pbc)
    scale = plain.abs().amax(0)
    assert ((descriptor(tracked).values - plain).abs() <= 1e-12 * scale + 1e-14).all()


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in NEEDY])
def test_a_point_alone_has_zeros_and_finite_gradients(name):
    positions = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    values = VARIANTS[name](Structure(positions, torch.tensor([1]))).values
    if name == "orbitals":
        assert (values[0, torch.tensor([" p_0" in f" {n}" for n in VARIANTS[name].names])] != 0).any()
        return
    assert (values == 0).all()
    (values.sum() + 0 * positions.sum()).backward()
    assert (positions.grad == 0).all()


@every_variant
def test_coincident_points_stay_finite(descriptor):
    points = torch.tensor([[0.0, 0, 0], [0, 0, 0], [1, 0.1, 0], [0, 1, 0.2], [0.1, 0, 1], [-1, 0.2, 0], [0, -1, 0.3]])
    positions = points.to(torch.float64).requires_grad_()
    values = descriptor(Structure(positions, torch.tensor([1, 1, 2, 1, 2, 1, 1]))).values
    (gradient,) = torch.autograd.grad(values.sum(), positions)
    assert values.isfinite().all()
    assert gradient.isfinite().all()
    with torch.no_grad():  # the compiled path has its own zero vectors
        again = descriptor(Structure(positions, torch.tensor([1, 1, 2, 1, 2, 1, 1]))).values
    torch.testing.assert_close(again, values.detach(), atol=1e-12, rtol=1e-12)


@every_variant
def test_no_points(descriptor):
    empty = Structure(torch.zeros(0, 3, dtype=torch.float64), torch.zeros(0, dtype=torch.long))
    if any(descriptor is VARIANTS[name] for name in NEEDY):
        with pytest.raises(DescriptorError, match="there are 0 points"):
            descriptor(empty)
    else:
        assert descriptor(empty).values.shape == (0, len(descriptor))


def test_float32_graph_gives_float32(mixture):
    graph = Graph.from_structures(mixture, 2.1, dtype=torch.float32)
    for name, descriptor in VARIANTS.items():
        values = descriptor(graph).values
        assert values.dtype == torch.float32
        if name in NEEDY:
            continue  # rounding may exchange two neighbours at nearly the same distance
        exact = descriptor(mixture).values
        # positions of size ~4 are rounded to 2e-7; l = 6 and zeta = 4 amplify that about tenfold
        error = (values.to(torch.float64) - exact).abs() / (exact.abs().amax(0) + 1e-12)
        assert error.median() < 1e-5


def test_unlisted_species_is_refused(mixture):
    descriptor = RadialSymmetryFunctions(
        RadialSymmetryFunctionsConfig(functions=((1.0, 0.0),), cutoff=1.5, species=(1,))
    )
    with pytest.raises(DescriptorError, match=r"species \[2\] occur, but the descriptor lists \[1\]"):
        descriptor(mixture)

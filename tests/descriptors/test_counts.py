"""Counts, densities, tetrahedra, common neighbours: have ideal crystals the values of the literature?"""

from __future__ import annotations

import math

import pytest
import torch
from lattices import bcc, crystal, fcc, hcp, icosahedron, random_mixture

from equiviz.descriptors import DescriptorError, Gaussian, Hard, Polynomial, build
from equiviz.descriptors.families.common_neighbours import signatures
from equiviz.structures.structure import Structure


def diamond() -> Structure:
    """Return diamond with nearest neighbours at distance 1."""
    side = 4 / 3**0.5
    corners = [[0.0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    basis = [[c + shift for c in corner] for corner in corners for shift in (0, 0.25)]
    return crystal(basis, [[side, 0, 0], [0, side, 0], [0, 0, side]], repeats=3)


# --- coordination and density ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "cutoff", "count"), [(fcc, 1.2, 12), (hcp, 1.2, 12), (bcc, 1.1, 8), (bcc, 1.3, 14)])
def test_coordination_of_ideal_crystals(make, cutoff, count):
    values = build("coordination", window=Hard(cutoff))(make()).values
    assert (values == count).all()


def test_coordination_of_diamond_is_four():
    assert (build("coordination", window=Hard(1.2))(diamond()).values == 4).all()


def test_counts_by_species_add_up():
    mixture = random_mixture(80, seed=1)
    every = build("coordination", window=Polynomial(1.5))(mixture).values
    apart = build("coordination", window=Polynomial(1.5), species=(1, 2), species_names=("A", "B"))
    assert apart.names == ("coordination(A)", "coordination(B)")
    torch.testing.assert_close(apart(mixture).values.sum(1, keepdim=True), every, rtol=1e-13, atol=0)


def test_the_density_of_fcc_with_a_wide_window_is_its_number_density():
    # sqrt(2) points per volume at nearest distance 1. By Poisson's formula the sum over the lattice of a Gaussian as
    # wide as 0.8 is its integral times the density to exp(-2 pi^2 0.8^2 3/2) ~ 1e-8; the point itself is left out.
    width = 0.8
    descriptor = build("number_density", window=Gaussian(2.7, 0.0, width, "hard"))
    wide = build("number_density", window=Gaussian(7.5, 0.0, width, "hard"))
    itself = 1 / ((2 * math.pi) ** 1.5 * width**3)
    side = fcc()
    assert wide(side).values[0].item() == pytest.approx(2**0.5 - itself, rel=1e-6)
    assert descriptor.config.volume < wide.config.volume == pytest.approx(1 / itself, rel=1e-12)


def test_the_volume_of_a_hard_window_is_that_of_its_ball():
    assert build("number_density", window=Hard(1.7)).config.volume == pytest.approx(4 / 3 * math.pi * 1.7**3)


def test_the_mean_density_of_an_ideal_gas_is_its_density():
    gas = random_mixture(4000, seed=2, density=0.7)
    mean = build("number_density", window=Polynomial(3.0))(gas).values.mean().item()
    assert mean == pytest.approx(0.7, rel=0.02)


# --- tetrahedra ------------------------------------------------------------------------------------------------------


def test_diamond_is_perfectly_tetrahedral():
    # Errington and Debenedetti (2001): q = 1 in a perfect tetrahedral network.
    torch.testing.assert_close(build("tetrahedrality")(diamond()).values, torch.ones(216, 1, dtype=torch.float64))


def test_an_ideal_gas_is_not_tetrahedral_in_the_mean():
    # The same: the mean over an ideal gas is 0. One standard error of 4,000 points of spread 0.4 is 0.006.
    assert abs(build("tetrahedrality")(random_mixture(4000, seed=3)).values.mean().item()) < 0.03


def test_a_square_has_its_own_tetrahedrality():
    # Four right angles and two straight ones: 1 - 3/8 (4/9 + 2 (2/3)^2) = 1/2.
    cross = torch.tensor([[0.0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=torch.float64)
    value = build("tetrahedrality")(Structure(cross, torch.ones(5, dtype=torch.long))).values[0]
    assert value.item() == pytest.approx(0.5, abs=1e-12)


def test_fewer_than_four_neighbours_are_refused():
    few = Structure(torch.eye(4, 3, dtype=torch.float64), torch.ones(4, dtype=torch.long))
    with pytest.raises(DescriptorError, match="4 nearest neighbours asked, but there are 4 points"):
        build("tetrahedrality")(few)


# --- common neighbours ------------------------------------------------------------------------------------------------


# Honeycutt and Andersen (1987), Faken and Jonsson (1994); bcc and its cutoff: Stukowski (2012), section 2.2.
@pytest.mark.parametrize(
    ("make", "cutoff", "expected"),
    [
        (fcc, 1.207, {"421": 12}),
        (hcp, 1.207, {"421": 6, "422": 6}),
        (bcc, 1.207 * 2 / 3**0.5, {"666": 8, "444": 6}),
        (icosahedron, 1.2, {"555": 12}),
        (diamond, 1.2, {}),
    ],
)
def test_signatures_of_ideal_crystals(make, cutoff, expected):
    descriptor = build("common_neighbours", cutoff=cutoff)
    found = descriptor(make()).values
    wanted = torch.tensor([expected.get(name.removeprefix("bonds "), 0) for name in descriptor.names])
    rows = found[:1] if make is icosahedron else found
    assert torch.equal(rows, wanted.to(rows).expand_as(rows))


def test_signatures_vs_a_plain_search():
    # Every bond of a random mixture, by sets and a walk over its bonds.
    mixture = random_mixture(60, seed=4)
    descriptor = build("common_neighbours", cutoff=1.3)
    around = descriptor.neighbourhood(mixture)
    rows = [around.vectors[around.receiver == i] for i in range(60)]
    for vectors in rows[:20]:
        found = signatures(vectors[None], torch.ones(1, len(vectors), dtype=torch.bool), 1.3)[0]
        assert [tuple(row) for row in found.tolist()] == [_plainly(vectors, a) for a in range(len(vectors))]


def _plainly(vectors: torch.Tensor, own: int) -> tuple[int, int, int]:
    def bonded(a: int, b: int) -> bool:
        return a != b and float((vectors[a] - vectors[b]).norm()) < 1.3

    shared = [b for b in range(len(vectors)) if bonded(own, b)]
    bonds = [(a, b) for a in shared for b in shared if a < b and bonded(a, b)]
    groups = [{a} for a in shared]
    for a, b in bonds:
        joined = [group for group in groups if a in group or b in group]
        groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return len(shared), len(bonds), max((sum(a in group for a, _ in bonds) for group in groups), default=0)


def test_blocks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch):
    mixture, descriptor = random_mixture(60, seed=5), build("common_neighbours", cutoff=1.4)
    whole = descriptor(mixture).values
    monkeypatch.setattr("equiviz.descriptors.families.common_neighbours.MOST_PAIRS", 500)
    assert torch.equal(descriptor(mixture).values, whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cutoff": -1.0}, "the cutoff of common neighbours must be positive"),
        ({"cutoff": 1.0, "signatures": ("42",)}, r"three digits such as '421'; got \['42'\]"),
        ({"cutoff": 1.0, "signatures": ()}, "three digits such as '421'; got none"),
        ({"cutoff": 1.0, "signatures": ("421", "421")}, "signatures must be distinct"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(DescriptorError, match=message):
        build("common_neighbours", **options)

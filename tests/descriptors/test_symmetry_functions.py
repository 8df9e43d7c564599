"""Symmetry functions: equal to dscribe's, and G5 by density equal to G5 by triplets?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lattices import random_mixture

from equiviz.descriptors import (
    AngularSymmetryFunctions,
    AngularSymmetryFunctionsConfig,
    DescriptorError,
    Neighbourhood,
    RadialSymmetryFunctions,
    RadialSymmetryFunctionsConfig,
)
from equiviz.descriptors.families.angular_symmetry_functions import sum_by_density, sum_over_triplets
from equiviz.descriptors.triplets import pairs_of_bonds

CUTOFF = 2.1
RADIAL = ((0.0, 0.0), (1.5, 0.0), (8.0, 1.2))
ANGULAR = ((0.0, 1.0, 1.0), (0.4, 1.0, -1.0), (0.2, 4.0, 1.0), (0.3, 3.5, -1.0))


@pytest.fixture(params=["periodic", "cluster"])
def mixture(request):
    system = random_mixture(90, seed=21, density=0.8)
    if request.param == "cluster":
        from dataclasses import replace

        return replace(system, cell=None, pbc=(False, False, False))
    return system


def theirs(mixture, **options):
    from ase import Atoms

    acsf = pytest.importorskip("dscribe.descriptors").ACSF
    periodic = any(mixture.pbc)
    cell = mixture.cell.numpy() if periodic else None
    atoms = Atoms(numbers=mixture.species.numpy(), positions=mixture.positions.numpy(), cell=cell, pbc=periodic)
    return torch.from_numpy(np.asarray(acsf(r_cut=CUTOFF, species=[1, 2], periodic=periodic, **options).create(atoms)))


def test_g2_vs_dscribe(mixture):
    config = RadialSymmetryFunctionsConfig(functions=RADIAL, cutoff=CUTOFF, species=(1, 2))
    ours = RadialSymmetryFunctions(config)(mixture).values
    expected = theirs(mixture, g2_params=[list(f) for f in RADIAL]).view(90, 2, 4)[:, :, 1:].flatten(1)  # without G1
    torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-12)  # both float64


@pytest.mark.parametrize("form", ["G4", "G5"])
def test_angular_vs_dscribe(form, mixture):
    config = AngularSymmetryFunctionsConfig(functions=ANGULAR, cutoff=CUTOFF, form=form, species=(1, 2))
    ours = AngularSymmetryFunctions(config)(mixture).values
    expected = theirs(mixture, **{f"{form.lower()}_params": [list(f) for f in ANGULAR]})[:, 2:]  # without G1
    # dscribe takes cos theta from the law of cosines, which costs it some digits at small angles
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-10)


def test_g5_by_density_equals_g5_by_triplets():
    mixture = random_mixture(60, seed=22)
    functions = [(0.5, 1.0, 1.0), (0.1, 5.0, -1.0), (0.0, 16.0, 1.0)]
    config = AngularSymmetryFunctionsConfig(functions=tuple(functions), cutoff=1.8, form="G5", species=(1, 2))
    around = Neighbourhood.within(mixture, 1.8)
    by_triplets = sum_over_triplets(around, config, functions)
    for column, function in enumerate(functions):
        by_density = sum_by_density(around, config, function)
        torch.testing.assert_close(by_density, by_triplets[..., column], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("per_block", [1, 50, 10**6])
def test_each_pair_of_bonds_occurs_once_whatever_the_block(per_block):
    around = Neighbourhood.within(random_mixture(30, seed=23), 1.4)
    pairs = [torch.stack(block) for block in pairs_of_bonds(around, per_block)]
    first, second = torch.cat(pairs, dim=1)
    assert torch.equal(around.receiver[first], around.receiver[second])
    assert (first < second).all()
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(first)
    assert len(first) == int((around.counts * (around.counts - 1) // 2).sum())


def test_names_carry_species_and_parameters():
    radial = RadialSymmetryFunctionsConfig(functions=((4.0, 1.2),), cutoff=2, species=(1, 2), species_names=("A", "B"))
    assert RadialSymmetryFunctions(radial).names == ("G2(A, eta=4, r_s=1.2)", "G2(B, eta=4, r_s=1.2)")
    angular = AngularSymmetryFunctionsConfig(
        functions=((0.1, 4, -1),), cutoff=2, species=(1, 2), species_names=("A", "B")
    )
    expected = tuple(f"G4({pair}, eta=0.1, zeta=4, lambda=-1)" for pair in ("A A", "A B", "B B"))
    assert AngularSymmetryFunctions(angular).names == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"functions": ()}, "at least one"),
        ({"functions": ((-1.0, 1.0, 1.0),)}, "eta >= 0"),
        ({"functions": ((1.0, 0.5, 1.0),)}, "zeta >= 1"),
        ({"functions": ((1.0, 1.0, 0.5),)}, r"lambda = \+1 or -1"),
        ({"functions": ((1.0, 1.0, 1.0),), "form": "G9"}, "form must be 'G4' or 'G5', got 'G9'"),
        (
            {"functions": ((1.0, 1.0, 1.0),), "taper": "none"},
            "a taper must be one of cosine, hard, polynomial; got 'none'",
        ),
        ({"functions": ((1.0, 1.0, 1.0),), "cutoff": 0.0}, "the cutoff must be positive and finite, got 0"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(DescriptorError, match=message):
        AngularSymmetryFunctionsConfig(**{"cutoff": 2.0, **options})

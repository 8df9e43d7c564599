"""Power spectrum: is it dscribe's SOAP, and is the radial integral what it says?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from lattices import random_mixture

from equiviz.descriptors import (
    DescriptorError,
    Gaussian,
    GaussianTypeOrbitals,
    PowerSpectrum,
    PowerSpectrumConfig,
    Steinhardt,
    SteinhardtConfig,
    Windows,
    gaussian_shells,
)
from equiviz.descriptors.radial_bases import _orbitals


@pytest.mark.parametrize("species", [(1, 2), ()])
def test_vs_dscribe_soap_column_by_column(species):
    from ase import Atoms

    soap = pytest.importorskip("dscribe.descriptors").SOAP
    mixture = random_mixture(70, seed=31, density=0.3)
    radial = GaussianTypeOrbitals(count=3, r_cut=3.0, sigma=0.4)
    config = PowerSpectrumConfig(radial=radial, lmax=5, include_centre=True, species=species)
    ours = PowerSpectrum(config)(mixture).values
    numbers = mixture.species.numpy() if species else np.ones(70, dtype=int)
    atoms = Atoms(numbers=numbers, positions=mixture.positions.numpy(), cell=mixture.cell.numpy(), pbc=True)
    options = {"r_cut": 3.0, "n_max": 3, "l_max": 5, "sigma": 0.4, "periodic": True}
    theirs = torch.from_numpy(soap(species=list(species) or [1], **options).create(atoms))
    assert ours.shape == theirs.shape
    # dscribe drops terms below 1e-8 of its coefficients and writes pi with 15 digits
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6 * float(theirs.abs().max()))


@pytest.mark.parametrize("degree", [0, 2, 5])
def test_orbital_overlap_vs_numerical_integral(degree):
    # int g_nl(r) 4 pi i_l(2 eta r R) exp(-eta (r^2 + R^2)) r^2 dr on a fine grid; i_l from scipy
    from scipy.special import spherical_in

    basis = GaussianTypeOrbitals(count=3, r_cut=2.5, sigma=0.5)
    alpha, beta = (table.numpy() for table in _orbitals(3, 2.5, degree))
    r, eta, distance = np.linspace(0, 12, 20001), 2.0, 1.3
    orbitals = beta @ (r**degree * np.exp(-alpha[:, None] * r**2))  # [n, r]
    smeared = 4 * math.pi * spherical_in(degree, 2 * eta * r * distance) * np.exp(-eta * (r**2 + distance**2))
    expected = np.trapezoid(orbitals * smeared * r**2, r)
    ours = basis.functions(torch.tensor([distance], dtype=torch.float64), degree)[0].numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
    overlap = np.trapezoid(orbitals[:, None] * orbitals[None] * r**2, r)
    np.testing.assert_allclose(overlap, np.eye(3), atol=1e-9)  # orthonormal


def test_squares_are_the_diagonal_of_the_whole():
    mixture = random_mixture(40, seed=32)
    options = {"radial": gaussian_shells(3, 1.6), "lmax": 3, "species": (1, 2)}
    whole, squares = (PowerSpectrum(PowerSpectrumConfig(cross=cross, **options)) for cross in (True, False))
    columns = [whole.names.index(name) for name in squares.names]
    torch.testing.assert_close(squares(mixture).values, whole(mixture).values[:, columns], atol=1e-13, rtol=1e-12)


def test_square_with_one_window_is_the_unnormalised_steinhardt():
    mixture = random_mixture(40, seed=33)
    window = Gaussian(1.6, 1.1, 0.2)
    spectrum = PowerSpectrum(PowerSpectrumConfig(radial=Windows((window,)), lmax=6))(mixture).values[:, 1:]
    config = SteinhardtConfig(degrees=tuple(range(1, 7)), window=window, normalise=False, squared=True)
    q = Steinhardt(config)(mixture).values
    # pi sqrt(8 / (2l+1)) |c|^2 against 4 pi / (2l+1) |c|^2
    factor = torch.tensor([math.sqrt((2 * degree + 1) / 2) for degree in range(1, 7)], dtype=torch.float64)
    torch.testing.assert_close(spectrum, factor * q, rtol=1e-12, atol=1e-13)


def test_names_say_degree_species_and_radial_function():
    config = PowerSpectrumConfig(radial=gaussian_shells(1, 2.0), lmax=1, species=(1, 2), species_names=("A", "B"))
    expected = ("p_0(A 1, A 1)", "p_1(A 1, A 1)", "p_0(A 1, B 1)", "p_1(A 1, B 1)", "p_0(B 1, B 1)", "p_1(B 1, B 1)")
    assert PowerSpectrum(config).names == expected


def test_impossible_options_are_refused():
    with pytest.raises(DescriptorError, match="lmax must be from 0 to 20, got 21"):
        PowerSpectrumConfig(radial=gaussian_shells(2, 1.0), lmax=21)
    with pytest.raises(DescriptorError, match="at least one window"):
        Windows(())
    with pytest.raises(DescriptorError, match="r_cut > 1"):
        GaussianTypeOrbitals(3, 0.9)
    with pytest.raises(DescriptorError, match="width of a Gaussian window must be positive and finite, got 0"):
        Gaussian(2.0, 1.0, 0.0)

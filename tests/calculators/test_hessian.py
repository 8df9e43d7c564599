"""Normal modes: the textbook's for a spring, six zeros for a molecule, and nothing where it is not at rest."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.morse import MorsePotential
from ase.optimize import BFGS

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import normal_modes
from equiviz.calculators.model_calculator import ModelCalculator
from equiviz.training.load import load
from tests.models.test_painn_shipped import acetylacetone


def test_two_atoms_on_a_morse_curve() -> None:
    """k = 2 e rho^2 / r^2; one millidyne/Å and one amu make 1302.79 cm^-1 (Wilson, Decius, Cross)."""
    depth, rho, rest = 4.6, 2.3, 0.74
    atoms = Atoms("HH", positions=[[0, 0, 0], [0.3 * rest, 0.4 * rest, np.sqrt(0.75) * rest]])
    atoms.calc = MorsePotential(epsilon=depth, rho0=rho, r0=rest, rcut1=5.0, rcut2=6.0)
    found = normal_modes(atoms)
    millidyne = 2.0 * depth * rho**2 / rest**2 * 0.1602176634
    assert found.wavenumbers == pytest.approx([1302.79 * np.sqrt(millidyne / (1.008 / 2))], rel=1e-4)
    assert len(found.whole) == 5
    # Central differences are off by the square of the step, and so a wavenumber that should be zero by the step.
    coarse, fine = np.abs(found.whole).max(), np.abs(normal_modes(atoms, step=0.001).whole).max()
    assert fine < 0.005 * found.wavenumbers[0]
    assert coarse / fine == pytest.approx(2.0, rel=0.01)


def relaxed() -> Atoms:
    x = acetylacetone()
    atoms = Atoms(numbers=x.species.numpy(), positions=x.positions.numpy())
    atoms.calc = ModelCalculator(load("painn-acac"))
    BFGS(atoms, logfile=None).run(fmax=1e-3, steps=100)
    return atoms


def test_acetylacetone_has_six_zeros_and_39_modes() -> None:
    atoms = relaxed()
    before = atoms.positions.copy()
    found = normal_modes(atoms)
    np.testing.assert_array_equal(atoms.positions, before)
    assert found.wavenumbers.shape == (39,)
    assert found.wavenumbers[0] > 0
    assert len(found.whole) == 6
    assert np.abs(found.whole).max() < 10.0  # rotations are zero as far as forces are; measured: 2
    flat = found.displacements.reshape(39, 45)
    np.testing.assert_allclose(flat @ flat.T, np.eye(39), atol=1e-10)
    # Stretches of C-H are known to stand between 2,850 and 3,200, and all seven but that of O-H do.
    assert ((found.wavenumbers > 2850) & (found.wavenumbers < 3200)).sum() == 7
    assert "39 normal modes from" in found.describe()


def test_where_forces_pull_there_are_no_normal_modes() -> None:
    """The control: away from the minimum six zeros are no longer there, so it is refused; if allowed, it shows."""
    atoms = relaxed()
    atoms.positions[7] += [0.1, 0.1, 0.1]
    with pytest.raises(CalculatorError, match=r"expected forces below 0\.02 eV/Å, got .*Relax the geometry first"):
        normal_modes(atoms)
    assert np.abs(normal_modes(atoms, rest=100.0).whole).max() > 30.0

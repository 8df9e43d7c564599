"""The calculator for ASE: does it say what the model says, in ASE's units, and no more often than needed?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.units import Debye

from equiviz.calculators.errors import CalculatorError, MissingProperty
from equiviz.calculators.model_calculator import ModelCalculator, tensors_along
from equiviz.models.example_structures import organic_atoms
from equiviz.models.painn import Painn, PainnConfig
from equiviz.training.load import load

CONFIG = PainnConfig(width=8, layers=2, radial=6, cutoff=3.0, outputs=("energy", "forces"))


def network(config: PainnConfig = CONFIG) -> Painn:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Painn(config).eval()


def molecule(atoms: int = 6) -> Atoms:
    return Atoms(numbers=organic_atoms(atoms, 0).species.numpy(), positions=organic_atoms(atoms, 0).positions.numpy())


def water() -> Atoms:
    return Atoms("OHH", positions=[[0.0, 0.0, 0.0], [0.7570, 0.0, 0.5859], [-0.7570, 0.0, 0.5859]])


def test_energy_and_forces_are_the_model_s() -> None:
    model, atoms = network(), molecule()
    atoms.calc = ModelCalculator(model)
    found = network().double().predict(organic_atoms(6, 0))
    assert atoms.get_potential_energy() == pytest.approx(float(found["energy"].values), rel=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), found["forces"].values.numpy(), rtol=1e-9, atol=1e-12)
    assert next(model.parameters()).dtype == torch.float32  # the user's own is as it was


def test_forces_of_a_model_without_them_are_the_derivative_of_its_energy() -> None:
    with_forces, without = network(), network(replace(CONFIG, outputs=("energy",)))
    without.load_state_dict(with_forces.state_dict())
    found = []
    for model in (with_forces, without):
        atoms = molecule()
        atoms.calc = ModelCalculator(model)
        found.append(atoms.get_forces())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-12)


def test_neighbours_are_looked_for_again_only_after_half_the_skin() -> None:
    atoms, draw = molecule(20), np.random.default_rng(0)
    atoms.calc = ModelCalculator(network(), skin=0.5)
    fresh = molecule(20)
    fresh.calc = ModelCalculator(network(), skin=0.0)
    atoms.get_forces()
    for _ in range(3):
        atoms.positions += draw.uniform(-0.04, 0.04, (20, 3))  # up to 0.07 Å a time, 0.21 in all
        fresh.positions = atoms.positions
        np.testing.assert_allclose(atoms.get_forces(), fresh.get_forces(), rtol=1e-8, atol=1e-11)
    assert isinstance(atoms.calc, ModelCalculator)
    assert atoms.calc.searches == 1
    atoms.positions[0] += 1.5  # a neighbour of others now: with the old edges this would be wrong
    fresh.positions = atoms.positions
    np.testing.assert_allclose(atoms.get_forces(), fresh.get_forces(), rtol=1e-8, atol=1e-11)
    assert atoms.calc.searches == 2


def test_other_atoms_are_not_taken_for_those_before() -> None:
    calculator = ModelCalculator(network())
    first, second = molecule(), molecule()
    second.numbers[0] = 8 if second.numbers[0] != 8 else 7
    energies = []
    for atoms in (first, second, first):
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
    assert energies[0] == pytest.approx(energies[2], rel=1e-12)
    assert abs(energies[1] - energies[0]) > 1e-6


def test_the_dipole_of_water_is_in_ase_s_units() -> None:
    atoms = water()
    atoms.calc = ModelCalculator(load("painn-water"))
    # Experiment: 1.855 D, Clough et al., J. Chem. Phys. 59, 2254 (1973); in atomic units the number would be 0.73.
    assert np.linalg.norm(atoms.get_dipole_moment()) / Debye == pytest.approx(1.855, rel=0.02)
    tensor = atoms.calc.get_property("polarizability", atoms)
    assert isinstance(tensor, np.ndarray)
    # 1.45 Å^3, Murphy, J. Chem. Phys. 67, 5831 (1977); 1 e^2 Å^2/eV is 14.3996 Å^3.
    assert 14.3996 * np.trace(tensor) / 3 == pytest.approx(1.45, rel=0.04)


def test_tensors_along_a_run_are_those_of_each_frame() -> None:
    model, atoms = load("painn-water"), water()
    places = atoms.positions + 0.05 * np.random.default_rng(0).standard_normal((7, 3, 3))
    found = tensors_along(model, atoms, places, batch=3)
    atoms.calc = ModelCalculator(model)
    for place, dipole in zip(places, found["dipole"], strict=True):
        atoms.positions = place
        np.testing.assert_allclose(dipole, atoms.get_dipole_moment(), rtol=1e-4, atol=1e-5)  # float32 beside float64
    assert found["polarizability"].shape == (7, 3, 3)


def test_what_the_model_lacks_is_said() -> None:
    atoms = water()
    atoms.calc = ModelCalculator(load("painn-water"))
    with pytest.raises(MissingProperty, match="Painn does not predict energy; it gives dipole, polarizability"):
        atoms.get_potential_energy()
    atoms.calc = ModelCalculator(network())
    with pytest.raises(MissingProperty, match=r"does not predict dipole; .* or give one as tensors="):
        atoms.get_dipole_moment()


def test_a_tensor_without_unit_is_refused_until_one_is_given() -> None:
    atoms, model = water(), network(replace(CONFIG, outputs=("dipole",)))
    atoms.calc = ModelCalculator(model)
    with pytest.raises(
        CalculatorError, match=r"The unit of the dipole of Painn is not known .* Give it as tensor_unit="
    ):
        atoms.get_dipole_moment()
    given = []
    for unit in ("a.u.", "ASE"):
        atoms.calc = ModelCalculator(model, tensor_unit=unit)
        given.append(atoms.get_dipole_moment())
    np.testing.assert_allclose(given[0], 0.529177210903 * given[1], rtol=1e-8)  # Bohr radius in Å, CODATA 2018


def test_positions_of_another_molecule_are_refused() -> None:
    with pytest.raises(CalculatorError, match=r"expected positions \[T, 3, 3\] of H2O, got \[5, 6, 3\]"):
        tensors_along(load("painn-water"), water(), np.zeros((5, 6, 3)))

"""Dynamics: is energy kept, is the temperature what was asked for, and does nothing turn as a whole?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from ase import Atoms, units

from equiviz.calculators.dynamics import copies_apart, microcanonical, thermalise
from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import whole_motions
from equiviz.calculators.model_calculator import ModelCalculator
from equiviz.models.painn import Painn, PainnConfig
from equiviz.training.load import load
from tests.models.test_painn_shipped import acetylacetone

if TYPE_CHECKING:
    from equiviz.calculators.dynamics import Trajectory

DRIFT = 0.5
"""Bound in meV per atom and ps. Measured at steps of 0.5 fs: +0.007 over 0.7 ps, of kT = 26 meV."""


def enol() -> Atoms:
    x = acetylacetone()
    atoms = Atoms(numbers=x.species.numpy(), positions=x.positions.numpy())
    atoms.calc = ModelCalculator(load("painn-acac"))
    return atoms


def run(time_step: float, time: float) -> Trajectory:
    atoms = enol()
    thermalise(atoms, 300.0, time=0.0)
    return microcanonical(atoms, time, time_step, every=1)


def test_energy_is_kept_at_half_a_femtosecond_and_not_at_three() -> None:
    found = run(0.5, 300.0)
    assert abs(found.drift) < DRIFT
    assert "the total energy drifts by" in found.describe()
    coarse = run(3.0, 300.0)  # the control: an O-H or C-H oscillation takes 11 fs
    assert abs(coarse.drift) > DRIFT
    assert coarse.wander > 20 * found.wander  # of second order: 36 times


def test_a_bath_warms_and_nothing_turns_as_a_whole() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Painn(PainnConfig(width=8, layers=1, radial=4, outputs=("energy", "forces"), energy_scale=1e-6))
    atoms = copies_apart(enol(), 40)
    atoms.calc = ModelCalculator(model)  # next to no forces: what remains is the bath
    thermalise(atoms, 500.0, time=100.0, time_step=1.0, relaxation=20.0, molecules=40)
    inner = 40 * (3 * 15 - 6)
    kelvin = 2.0 * atoms.get_kinetic_energy() / (inner * units.kB)
    assert kelvin == pytest.approx(500.0, rel=0.08)  # two standard errors of 1,560 squares
    momenta, roots = atoms.get_momenta(), np.sqrt(atoms.get_masses())[:, None]
    for start in range(0, len(atoms), 15):
        one = slice(start, start + 15)
        left = whole_motions(atoms[one]).T @ (momenta[one] / roots[one]).ravel()
        assert np.abs(left).max() < 1e-9 * np.abs(momenta).max()


def test_copies_do_not_feel_each_other() -> None:
    alone, several = enol(), copies_apart(enol(), 3)
    several.calc = ModelCalculator(load("painn-acac"))
    assert several.get_potential_energy() == pytest.approx(3 * alone.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(several.get_forces().reshape(3, 15, 3)[2], alone.get_forces(), atol=1e-8)


def test_copies_too_near_and_other_molecules_are_refused() -> None:
    with pytest.raises(CalculatorError, match="a distance of 50 Å more than the molecule's"):
        copies_apart(enol(), 3, distance=10.0)
    with pytest.raises(CalculatorError, match="Expected 2 equal molecules one after the other, got"):
        thermalise(enol(), 300.0, molecules=2)

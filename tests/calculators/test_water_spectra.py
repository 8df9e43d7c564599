"""Water from energies, dipoles and polarizabilities of the same calculations: do lines stand at normal modes?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.optimize import BFGS

from equiviz.calculators.dynamics import Trajectory, copies_apart, microcanonical, thermalise
from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import NormalModes, normal_modes
from equiviz.calculators.model_calculator import ModelCalculator, tensors_along
from equiviz.calculators.spectra import Spectrum, density_of_states, infrared, raman
from equiviz.calculators.vibration_report import VibrationReport
from equiviz.training.load import load

COPIES, RESOLUTION = 8, 60.0
# Of a polynomial through the same 1,000 energies, which leaves 0.04 meV (benchmarks/water_modes.py).
HARMONIC = (1657.6, 3873.4, 3974.8)


@pytest.fixture(scope="module")
def water() -> Atoms:
    atoms = Atoms("OHH", positions=[[0.0, 0.0, 0.0], [0.7570, 0.0, 0.5859], [-0.7570, 0.0, 0.5859]])
    atoms.calc = ModelCalculator(load("painn-water-energy"))
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=100)
    return atoms


@pytest.fixture(scope="module")
def modes(water: Atoms) -> NormalModes:
    return normal_modes(water)


@pytest.fixture(scope="module")
def trajectory(water: Atoms) -> Trajectory:
    atoms = copies_apart(water, COPIES)
    atoms.calc = ModelCalculator(load("painn-water-energy"))
    thermalise(atoms, 300.0, time=200.0, molecules=COPIES)
    return microcanonical(atoms, 1200.0, molecules=COPIES)


@pytest.fixture(scope="module")
def spectra(water: Atoms, trajectory: Trajectory) -> list[Spectrum]:
    places = trajectory.of_molecules(trajectory.positions)  # [T, M, 3, 3]
    found = tensors_along(load("painn-water"), water, places.reshape(-1, 3, 3))
    dipoles = found["dipole"].reshape(-1, COPIES, 3)
    tensors = found["polarizability"].reshape(-1, COPIES, 3, 3)
    interval = trajectory.interval
    return [
        infrared(dipoles, interval, RESOLUTION),
        raman(tensors, interval, trajectory.temperature, RESOLUTION),
        density_of_states(trajectory.velocities, trajectory.atoms.get_masses(), interval, RESOLUTION),
    ]


def test_normal_modes_are_those_of_the_energies_learned(modes: NormalModes) -> None:
    np.testing.assert_allclose(modes.wavenumbers, HARMONIC, rtol=0.03)  # curvature, from energies alone
    assert np.abs(modes.whole).max() < 30.0


def test_each_line_stands_at_a_normal_mode(spectra: list[Spectrum], modes: NormalModes) -> None:
    report = VibrationReport("water", spectra, modes, "At 300 K.")
    assert report.agree(), report.describe()
    lines = report.to_frame()
    bend = lines[lines["mode_per_cm"] < 2000].set_index("spectrum")["intensity"]
    # The bend is strong in the infrared and weak in Raman: what makes both spectra worth having.
    assert bend["infrared"] > 0.3
    assert bend.get("Raman", 0.0) < 0.1
    assert "Every line stands at a normal mode" in report.describe()
    layout: Any = report.figure().layout
    assert len(layout.shapes) == 3


def test_modes_of_heavier_atoms_are_not_taken_for_these(spectra: list[Spectrum], water: Atoms) -> None:
    """The control: of heavy water, from the same forces, nothing agrees."""
    heavy = water.copy()
    heavy.calc = water.calc
    heavy.set_array("masses", np.array([15.999, 2.014, 2.014]))
    report = VibrationReport("water beside modes of heavy water", spectra, normal_modes(heavy))
    assert not report.agree()
    assert "NOT every line stands at a normal mode" in report.describe()


def test_no_lines_do_not_agree(spectra: list[Spectrum], modes: NormalModes) -> None:
    flat = replace(spectra[0], intensities=np.zeros_like(spectra[0].intensities))
    assert not VibrationReport("nothing", [flat], modes).agree()
    with pytest.raises(CalculatorError, match="expected a spectrum or several, got none"):
        VibrationReport("nothing", [], modes)


def test_energy_is_kept(trajectory: Trajectory) -> None:
    assert abs(trajectory.drift) < 1.0  # meV per atom and ps
    assert trajectory.temperature == pytest.approx(300.0, rel=0.5)  # of 24 oscillators: a wide distribution

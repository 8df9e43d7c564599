"""Water from energies, dipoles and polarizabilities of the same calculations: do lines stand at modes?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.optimize import BFGS
from numpy.typing import NDArray

from equiviz.calculators.activity import line_strengths
from equiviz.calculators.dynamics import Trajectory, copies_apart, microcanonical, thermalise
from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import NormalModes, normal_modes
from equiviz.calculators.model_calculator import ModelCalculator, tensors_along
from equiviz.calculators.self_consistent import thermal_modes
from equiviz.calculators.spectra import Spectrum, density_of_states, infrared, raman
from equiviz.calculators.vibration_report import VibrationReport
from equiviz.training.load import load

COPIES, RESOLUTION = 8, 45.0
# Of a polynomial through the same 1,000 energies, which leaves 0.04 meV (benchmarks/water_modes.py).
HARMONIC = (1657.6, 3873.4, 3974.8)


@pytest.fixture(scope="module")
def water() -> Atoms:
    atoms = Atoms("OHH", positions=[[0.0, 0.0, 0.0], [0.7570, 0.0, 0.5859], [-0.7570, 0.0, 0.5859]])
    atoms.calc = ModelCalculator(load("painn-water-energy"), load("painn-water"))
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=100)
    return atoms


@pytest.fixture(scope="module")
def at_rest(water: Atoms) -> NormalModes:
    return normal_modes(water)


@pytest.fixture(scope="module")
def modes(water: Atoms) -> NormalModes:
    return thermal_modes(water, 300.0)


@pytest.fixture(scope="module")
def strengths(water: Atoms, modes: NormalModes) -> dict[str, NDArray[np.float64]]:
    return line_strengths(water, modes, 300.0)


@pytest.fixture(scope="module")
def trajectory(water: Atoms) -> Trajectory:
    atoms = copies_apart(water, COPIES)
    atoms.calc = ModelCalculator(load("painn-water-energy"))
    thermalise(atoms, 300.0, time=200.0, molecules=COPIES)
    return microcanonical(atoms, 1500.0, molecules=COPIES)


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


def test_thermal_modes_are_those_of_the_energies_learned(
    water: Atoms, at_rest: NormalModes, modes: NormalModes
) -> None:
    """At rest the network's curvature is off by 2 %: it bends sharply there. Under the motion at 300 K it is not."""
    # The polynomial's own thermal modes are 0.5 % from these (benchmarks/water_modes.py), and the network's energies
    # leave 3 meV where the polynomial's leave 0.04: as much again.
    share = 0.01
    np.testing.assert_allclose(modes.wavenumbers, HARMONIC, rtol=share)
    assert np.abs(at_rest.wavenumbers / HARMONIC - 1.0).max() > share  # the control
    # A wavenumber that should be zero is off by the step of the differences times the anharmonicity: in proportion.
    fine, coarse = (np.abs(normal_modes(water, step=step).whole).max() for step in (0.001, 0.002))
    assert coarse / fine == pytest.approx(2.0, rel=0.3)


def test_lines_and_modes_are_one_to_one(
    spectra: list[Spectrum], modes: NormalModes, strengths: dict[str, NDArray[np.float64]]
) -> None:
    report = VibrationReport("water", spectra, modes, strengths, "At 300 K.")
    assert report.agree(), report.describe()
    lines = report.to_frame().set_index(["spectrum", "mode_per_cm"])["intensity"].groupby("spectrum")
    # The bend is strong in the infrared and weak in Raman: what makes both spectra worth having.
    bend = lines.first(skipna=False)
    assert bend["infrared"] > 0.3
    assert not bend["Raman"] > 0.1
    layout: Any = report.figure().layout
    assert len(layout.shapes) == 3


def test_curvature_at_a_point_is_told_from_that_of_the_motion(
    spectra: list[Spectrum], at_rest: NormalModes, strengths: dict[str, NDArray[np.float64]]
) -> None:
    """A control: the modes of the network's Hessian, 47 to 89 cm^-1 from the lines, are not taken for them."""
    assert not VibrationReport("water", spectra, at_rest, strengths).agree()


def test_modes_of_heavier_atoms_are_not_taken_for_these(
    spectra: list[Spectrum], water: Atoms, strengths: dict[str, NDArray[np.float64]]
) -> None:
    """A control: of heavy water, from the same forces, nothing agrees."""
    heavy = water.copy()
    heavy.calc = water.calc
    heavy.set_array("masses", np.array([15.999, 2.014, 2.014]))
    report = VibrationReport("water beside modes of heavy water", spectra, thermal_modes(heavy), strengths)
    assert not report.agree()
    assert (report.to_frame()["verdict"] == "line missing").sum() >= 6
    assert "NOT every active mode has its line and every line its mode" in report.describe()


def test_strengths_are_those_of_the_laboratory(
    water: Atoms, modes: NormalModes, strengths: dict[str, NDArray[np.float64]]
) -> None:
    """Infrared 54 : 2.2 : 40 km/mol (bend, symmetric, antisymmetric); Raman strongest where all breathes together."""
    bend, symmetric, antisymmetric = strengths["infrared"]
    assert symmetric < 0.1 * bend
    assert 0.5 < antisymmetric / bend < 1.0
    assert strengths["Raman"].argmax() == 1
    other = water.copy()
    other.calc = ModelCalculator(load("painn-water-energy"))
    assert set(line_strengths(other, modes)) == {"density of states"}  # no dipole, no polarizability: not guessed
    with pytest.raises(CalculatorError, match=r"expected modes of H2 \(2 atoms\), got modes of 3 atoms"):
        line_strengths(other[1:], modes)


def test_energy_is_kept(water: Atoms, trajectory: Trajectory) -> None:
    """A drift of a fiftieth of the thermal energy, 26 meV per atom, a ps: over the run the temperature stays to 3 %.

    From 0 K to 300 K lines move by less than 1 %, and so by that drift by less than a thousandth of their resolution.
    """
    bound = 0.02 * 1000.0 * units.kB * 300.0
    assert abs(trajectory.drift) < bound
    atoms = water.copy()
    atoms.calc = water.calc
    thermalise(atoms, 300.0, time=0.0)
    # The control: velocity Verlet is stable to a period over pi, of O-H 2.7 fs.
    assert not abs(microcanonical(atoms, 60.0, time_step=3.0, every=1).drift) < bound
    # Kinetic energy of 24 oscillators, of which half their energy each: a standard error of 1 / sqrt(24); three.
    assert trajectory.temperature == pytest.approx(300.0, rel=3.0 / np.sqrt(24.0))

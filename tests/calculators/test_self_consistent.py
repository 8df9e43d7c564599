"""Thermal modes: normal modes of what is harmonic, and the motion's curvature where a point has another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.morse import MorsePotential

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import normal_modes
from equiviz.calculators.self_consistent import thermal_modes

LENGTH, STIFF = 0.74, 30.0


class Bond(Calculator):
    """Two atoms and a force along their bond, eV/Å, of the elongation."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, force: Callable[[float], float]) -> None:
        super().__init__()
        self.force = force

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        super().calculate(atoms, list(properties), list(system_changes))
        assert atoms is not None
        apart = atoms.positions[1] - atoms.positions[0]
        length = float(np.linalg.norm(apart))
        pull = self.force(length - LENGTH) * apart / length
        self.results = {"energy": 0.0, "forces": np.stack([-pull, pull])}


def pair(calculator: Calculator) -> Atoms:
    atoms = Atoms("HH", positions=[[0, 0, 0], [0.6 * LENGTH, 0, 0.8 * LENGTH]])
    atoms.calc = calculator
    return atoms


def wavenumber(atoms: Atoms, temperature: float, **options: int) -> float:
    return float(thermal_modes(atoms, temperature, **options).wavenumbers[0])


def test_a_spring_has_its_normal_mode_at_any_temperature() -> None:
    atoms = pair(Bond(lambda x: -STIFF * x))
    at_rest = normal_modes(atoms)
    before = atoms.positions.copy()
    for kelvin in (30.0, 300.0, 3000.0):
        found = thermal_modes(atoms, kelvin)
        # The reference is off: a step of 0.002 Å turns the bond, too, and lengthens it in the square of 0.002 / 0.74.
        np.testing.assert_allclose(found.wavenumbers, at_rest.wavenumbers, rtol=(0.002 / LENGTH) ** 2)
    np.testing.assert_array_equal(atoms.positions, before)
    assert "1 thermal modes at 3000 K" in found.describe()


def test_a_fourth_power_adds_three_times_its_mean_square() -> None:
    """U = k x^2/2 + c x^4: the self-consistent k' = k + 12 c kT / k', by hand."""
    quartic, thermal = 400.0, units.kB * 2000.0
    atoms = pair(Bond(lambda x: -STIFF * x - 4.0 * quartic * x**3))
    stiffer = 0.5 * (STIFF + np.sqrt(STIFF**2 + 48.0 * quartic * thermal))
    expected = float(normal_modes(atoms).wavenumbers[0]) * np.sqrt(stiffer / STIFF)
    off = abs(wavenumber(atoms, 2000.0, pairs=512) / expected - 1.0)
    assert off < 0.01  # the fourth moment of 512 pairs of points is short by 3 %: of tails, few points know
    assert np.sqrt(stiffer / STIFF) - 1.0 > 20 * off  # the control: the mode at rest is far away


def test_a_bond_grows_and_softens_when_warm() -> None:
    """Morse at first order: w' = w (1 - a^2 s^2 / 2), s^2 = kT / k, from k' = k (1 + 7/2 a^2 s^2 - 9/2 a^2 s^2)."""
    depth, rho = 4.6, 2.3
    atoms = pair(MorsePotential(epsilon=depth, rho0=rho, r0=LENGTH, rcut1=5.0, rcut2=6.0))
    cold, warm = float(normal_modes(atoms).wavenumbers[0]), wavenumber(atoms, 300.0, pairs=256)
    decay = rho / LENGTH
    square = units.kB * 300.0 / (2.0 * depth * decay**2)
    assert warm / cold - 1.0 == pytest.approx(-0.5 * decay**2 * square, rel=0.1)  # second order: of the size of itself


def test_a_kink_rules_a_point_and_not_the_motion() -> None:
    """An |x| of small force, rounded over 0.001 Å: the curvature of the point is off, that of the motion hardly."""
    atoms = pair(Bond(lambda x: -STIFF * x - 0.02 * np.tanh(x / 0.001)))
    smooth = float(normal_modes(pair(Bond(lambda x: -STIFF * x))).wavenumbers[0])
    assert float(normal_modes(atoms, step=1e-4).wavenumbers[0]) / smooth - 1.0 > 0.2
    # By Stein's lemma the kink adds 2 * 0.02 / sqrt(2 pi) / s to the stiffness, s = 0.029 Å: 1.8 %, half of it in w.
    assert wavenumber(atoms, 300.0) / smooth - 1.0 == pytest.approx(0.009, abs=0.002)


def test_what_has_no_thermal_modes_is_refused() -> None:
    atoms = pair(Bond(lambda x: STIFF * x))
    with pytest.raises(
        CalculatorError, match=r"expected a minimum, .* got a lowest mode of -.*Relax the geometry first"
    ):
        thermal_modes(atoms)
    atoms = pair(Bond(lambda x: -STIFF * x))
    with pytest.raises(CalculatorError, match=r"a temperature > 0 and 1 pairs of points or more, got .* 0\.0 K"):
        thermal_modes(atoms, 0.0)
    flat = pair(Bond(lambda x: -STIFF * x if abs(x) < 0.004 else STIFF * x))  # a hole narrower than the motion
    with pytest.raises(CalculatorError, match=r"found no Gaussian that fits the forces of H2 at 300\.0 K"):
        thermal_modes(flat)

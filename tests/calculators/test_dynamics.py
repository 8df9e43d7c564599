"""Dynamics: is energy kept, is the temperature what was asked for, and does nothing turn as a whole?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes

from equiviz.calculators.dynamics import copies_apart, microcanonical, thermalise
from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import rotations, whole_motions
from equiviz.calculators.model_calculator import ModelCalculator
from equiviz.models.painn import Painn, PainnConfig
from equiviz.training.load import load
from tests.models.test_painn_shipped import acetylacetone

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


class Springs(Calculator):
    """20 eV/Å^2 between all atoms less than 50 Å apart; copies of one molecule are further."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, rest: NDArray[np.float64]) -> None:
        super().__init__()
        self.rest = rest  # [A, A]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        super().calculate(atoms, list(properties), list(system_changes))
        assert atoms is not None
        places = atoms.positions.reshape(-1, len(self.rest), 3)
        apart = places[:, :, None] - places[:, None]  # [M, A, A, 3]
        distance = np.linalg.norm(apart, axis=-1) + np.eye(len(self.rest))
        stretch = distance - np.eye(len(self.rest)) - self.rest
        pull = -20.0 * (stretch / distance)[..., None] * apart
        self.results = {"energy": 5.0 * float(np.square(stretch).sum()), "forces": pull.sum(2).reshape(-1, 3)}


CARBON_DIOXIDE = Atoms("OCO", positions=[[-1.16, 0, 0], [0, 0, 0], [1.16, 0, 0]])
NITROGEN = Atoms("NN", positions=[[0, 0, 0], [0, 0.66, 0.88]])
WATER = Atoms("OHH", positions=[[0.0, 0.0, 0.0], [0.7570, 0.0, 0.5859], [-0.7570, 0.0, 0.5859]])


@pytest.mark.parametrize(("molecule", "inner"), [(CARBON_DIOXIDE, 4), (NITROGEN, 1), (WATER, 3)], ids=str)
def test_a_molecule_on_a_line_turns_in_two_ways(molecule: Atoms, inner: int) -> None:
    """Velocities drawn at 300 K, 0.1 fs ago: the kinetic energy tells the temperature at once."""
    copies = 400
    atoms = copies_apart(molecule, copies)
    atoms.calc = Springs(molecule.get_all_distances())
    thermalise(atoms, 300.0, time=0.0, molecules=copies)
    found = microcanonical(atoms, 0.1, time_step=0.01, every=10, molecules=copies)
    assert found.inner == inner
    # Squares of `inner` times 400 normal numbers: a standard error of sqrt(2 / n); four of them.
    error = 4.0 * np.sqrt(2.0 / (inner * copies))
    assert found.temperature == pytest.approx(300.0, rel=error)
    if molecule is CARBON_DIOXIDE:  # the control: 3 A - 6, as of water, would say 400 K
        assert found.temperature * inner / 3 > 300.0 * (1.0 + error)


def test_a_bent_line_is_still_a_line() -> None:
    """At 300 K the bends of CO2 give it a smallest moment of inertia of 0.03 amu Å^2 in the mean; water has 0.6."""
    draw = np.random.default_rng(0)
    bent = CARBON_DIOXIDE.positions + np.array([0, 0.03, 0.03]) * draw.standard_normal((500, 3, 3))
    assert rotations(bent, CARBON_DIOXIDE.get_masses()) == 2
    assert rotations(WATER.positions, WATER.get_masses()) == 3
    assert rotations(np.zeros((1, 3)), np.ones(1)) == 0
    far = CARBON_DIOXIDE.positions + np.array(
        [[0, 0.2, 0], [0, -0.2, 0], [0, 0.2, 0]]
    )  # the control: bent by 38 degrees
    assert rotations(far, CARBON_DIOXIDE.get_masses()) == 3


def test_a_single_atom_has_no_temperature_inside() -> None:
    atoms = copies_apart(Atoms("Ar"), 4)
    atoms.calc = Springs(np.zeros((1, 1)))
    thermalise(atoms, 300.0, time=0.0, molecules=4)
    found = microcanonical(atoms, 10.0, molecules=4)
    assert found.inner == 0
    assert np.isnan(found.temperature)
    assert "no motion inside" in found.describe()
    assert found.kinetic.max() < 1e-20  # what moves as a whole was taken away


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

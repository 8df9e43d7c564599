"""Molecular dynamics with ASE's integrators: a bath (Langevin) to warm up, then constant energy (velocity Verlet).

Small molecules take as long as large ones, call by call; so several copies of one, too far apart to feel each other,
run together: `copies_apart`. Each is a molecule of its own, and so is each in what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import units
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from tqdm.auto import tqdm

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import rotations, whole_motions

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

# Shapes: T frames, N atoms, M molecules of A atoms each.


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A run at constant energy.

    Attributes:
        atoms: as they stood at the end.
        positions: [T, N, 3] in Å.
        velocities: [T, N, 3] in Å/fs.
        total, kinetic: [T] energies in eV.
        interval: between frames, in fs.
        molecules: how many copies of one molecule run side by side.
    """

    atoms: Atoms
    positions: NDArray[np.float64]  # [T, N, 3]
    velocities: NDArray[np.float64]  # [T, N, 3]
    total: NDArray[np.float64]  # [T]
    kinetic: NDArray[np.float64]  # [T]
    interval: float
    molecules: int = 1

    @property
    def drift(self) -> float:
        """Slope of the total energy over time (least squares), in meV per atom and picosecond."""
        time = 1e-3 * self.interval * np.arange(len(self.total))  # ps
        slope = np.polynomial.polynomial.polyfit(time, self.total - self.total[0], 1)[1]
        return float(1000.0 * slope / self.positions.shape[1])

    @property
    def wander(self) -> float:
        """Root mean square of the total energy about its mean, in meV per atom."""
        return float(1000.0 * self.total.std() / self.positions.shape[1])

    @property
    def temperature(self) -> float:
        """Mean, in K, of the motions inside molecules, `inner` of each; NaN where there are none (single atoms)."""
        freedom = self.molecules * self.inner * units.kB
        return float(2.0 * self.kinetic.mean() / freedom) if freedom else float("nan")

    @property
    def inner(self) -> int:
        """Motions inside a molecule: those of its atoms but for translations and rotations, as `thermalise` leaves it.

        3 A - 6; on a line 3 A - 5, however the run bends it.
        """
        places = self.of_molecules(self.positions)  # [T, M, A, 3]
        size = places.shape[2]
        return 3 * size - 3 - rotations(places, self.atoms.get_masses()[:size])

    def of_molecules(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """[T, N, ...] -> [T, M, A, ...]."""
        return values.reshape(len(values), self.molecules, -1, *values.shape[2:])

    def describe(self) -> str:
        """How long, how warm, and how well the energy was kept."""
        time = 1e-3 * self.interval * (len(self.total) - 1)
        copies = f"{self.molecules} copies of a molecule" if self.molecules > 1 else "one molecule"
        warmth = f"{self.temperature:.0f} K" if self.inner else "no motion inside"
        return (
            f"{copies}, {time:.2f} ps at constant energy and {warmth}: the total energy drifts by "
            f"{self.drift:+.2g} meV per atom and ps, and wanders by {self.wander:.2g} meV per atom about its mean."
        )


def copies_apart(atoms: Atoms, count: int, distance: float = 100.0) -> Atoms:
    """`count` copies of a molecule in a row, `distance` Å from one to the next; without the calculator.

    Raises:
        CalculatorError: no copy, or a distance that leaves molecules near each other.
    """
    extent = float(np.ptp(atoms.positions, axis=0).max())
    if count < 1 or distance < extent + 50.0:
        raise CalculatorError(
            f"copies_apart: expected at least one copy and a distance of 50 Å more than the molecule's {extent:.1f} Å, "
            f"got {count} copies and {distance} Å."
        )
    row = atoms[:0]
    for place in range(count):
        one = atoms.copy()
        one.positions += [place * distance, 0.0, 0.0]
        row += one
    return row


def thermalise(
    atoms: Atoms,
    temperature: float,
    time: float = 500.0,
    time_step: float = 0.5,
    relaxation: float = 50.0,
    seed: int = 0,
    molecules: int = 1,
) -> None:
    """Bring atoms to a temperature, in place, by Langevin dynamics; then take away what moves or turns as a whole.

    Without overall rotation, lines stand where vibrations are, and not left and right of it.

    Args:
        atoms: with a calculator.
        temperature: in K.
        time, time_step: in fs. After zero time velocities are drawn, and nothing has moved.
        relaxation: of momenta in the bath, in fs.
        seed: of velocities and bath.
        molecules: equal molecules, one after the other.
    """
    draw = np.random.RandomState(seed)
    size, roots = _size(atoms, molecules), np.sqrt(atoms.get_masses())[:, None]
    atoms.set_momenta(roots * np.sqrt(units.kB * temperature) * draw.standard_normal((len(atoms), 3)))
    if time > 0:
        bath = Langevin(
            atoms,
            time_step * units.fs,
            temperature_K=temperature,
            friction=1.0 / (relaxation * units.fs),
            fixcm=False,
            rng=draw,
        )
        bath.run(round(time / time_step))
    # The mean over molecules decides for all of them: a bath bends those on a line.
    turning = rotations(atoms.get_positions().reshape(molecules, size, 3), atoms.get_masses()[:size])
    weighted = atoms.get_momenta() / roots  # [N, 3]
    for start in range(0, len(atoms), size):
        one = slice(start, start + size)
        whole = whole_motions(atoms[one], turning)  # [3A, 3 + turning]
        own = weighted[one].ravel()
        weighted[one] = (own - whole @ (whole.T @ own)).reshape(size, 3)
    atoms.set_momenta(roots * weighted)


def microcanonical(
    atoms: Atoms, time: float, time_step: float = 0.5, every: int = 2, molecules: int = 1, progress: bool = False
) -> Trajectory:
    """Run at constant energy, and keep what happens.

    Args:
        atoms: with a calculator and velocities; they move.
        time, time_step: in fs.
        every: so many steps, a frame is kept. A frame each 1 or 2 fs holds all molecular vibrations.
        molecules: equal molecules, one after the other.
        progress: whether to show a progress bar.
    """
    _size(atoms, molecules)
    positions, velocities, total, kinetic = [], [], [], []

    def keep() -> None:
        positions.append(atoms.get_positions())
        velocities.append(atoms.get_velocities() * units.fs)
        kinetic.append(atoms.get_kinetic_energy())
        total.append(kinetic[-1] + atoms.get_potential_energy())

    motion = VelocityVerlet(atoms, time_step * units.fs)
    keep()
    for _ in tqdm(range(round(time / (time_step * every))), desc="dynamics", unit="frame", disable=not progress):
        motion.run(every)
        keep()
    return Trajectory(
        atoms,
        np.array(positions),
        np.array(velocities),
        np.array(total),
        np.array(kinetic),
        time_step * every,
        molecules,
    )


def _size(atoms: Atoms, molecules: int) -> int:
    """Atoms of each molecule."""
    size, rest = divmod(len(atoms), max(molecules, 1))
    alike = not rest and bool((atoms.numbers.reshape(-1, max(size, 1)) == atoms.numbers[:size]).all())
    if molecules < 1 or not alike:
        raise CalculatorError(
            f"Expected {molecules} equal molecules one after the other, got {atoms.get_chemical_formula()} "
            f"({len(atoms)} atoms). Make them with copies_apart(molecule, {max(molecules, 1)})."
        )
    return size

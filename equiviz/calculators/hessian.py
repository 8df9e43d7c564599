"""Normal modes: the Hessian by central differences of forces, weighted by masses, without translations and rotations.

E. B. Wilson, J. C. Decius, P. C. Cross, "Molecular Vibrations" (McGraw-Hill, 1955), chapters 2 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import constants

from equiviz.calculators.errors import CalculatorError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

# Shapes: N atoms, M modes.
_RATE = np.sqrt(constants.e / constants.atomic_mass) / constants.angstrom  # rad/s of 1 eV / (Å^2 amu)
WAVENUMBER = float(_RATE / (2.0 * np.pi * 100.0 * constants.c))
"""Of a root of an eigenvalue of 1 eV / (Å^2 amu), in cm^-1."""
SLENDER = 0.15
"""In amu Å^2: a molecule with a smallest moment of inertia below this lies on a line. One atom of hydrogen 0.5 Å off an
axis makes more (triplet CH2: 0.23), thermal bends of a molecule on a line less (at 300 K CO2: 0.03, C2H2: 0.05)."""


@dataclass(frozen=True, eq=False)
class NormalModes:
    """The vibrations of a molecule.

    Attributes:
        wavenumbers: [M] in cm^-1, ascending; negative where imaginary (no minimum).
        displacements: [M, N, 3] of length one, weighted by the roots of the masses.
        whole: [5 or 6] in cm^-1: translations and rotations, which should be zero, as the Hessian itself has them;
            negative where imaginary. Rotations are zero only as far as forces are.
        force: largest component of a force at the geometry, in eV/Å.
        temperature: in K, of the motion under which the curvature is averaged (`thermal_modes`); zero: at rest.
    """

    wavenumbers: NDArray[np.float64]  # [M]
    displacements: NDArray[np.float64]  # [M, N, 3]
    whole: NDArray[np.float64]  # [6]
    force: float
    temperature: float = 0.0

    @property
    def kind(self) -> str:
        """What they are called."""
        return f"thermal modes at {self.temperature:.0f} K" if self.temperature else "normal modes"

    def describe(self) -> str:
        """How many, from where to where, and how well the rest is zero."""
        imaginary = int((self.wavenumbers < 0).sum())
        note = f" {imaginary} of them imaginary: no minimum." if imaginary else ""
        return (
            f"{len(self.wavenumbers)} {self.kind} from {self.wavenumbers[0]:.0f} to {self.wavenumbers[-1]:.0f} cm^-1."
            f"{note} Translations and rotations, which should be 0, are up to {np.abs(self.whole).max():.2g} cm^-1; "
            f"forces at this geometry are up to {self.force:.2g} eV/Å."
        )


def normal_modes(atoms: Atoms, step: float = 0.002, rest: float = 0.02) -> NormalModes:
    """Normal modes at a relaxed geometry.

    Args:
        atoms: a molecule with a calculator, relaxed; it comes back as it was.
        step: of the central differences, in Å. Their error is of the order of its square.
        rest: largest force allowed, in eV/Å: elsewhere modes mean nothing.

    Raises:
        CalculatorError: a geometry that is not at rest, fewer than two atoms, a step that is not positive.
    """
    if len(atoms) < 2 or step <= 0:
        raise CalculatorError(f"normal_modes: expected two atoms or more and a step > 0, got {len(atoms)} and {step}.")
    force = float(np.abs(atoms.get_forces()).max())
    if force > rest:
        raise CalculatorError(
            f"normal_modes: expected forces below {rest} eV/Å, got {force:.3g}. Relax the geometry first, for example "
            "ase.optimize.BFGS(atoms).run(fmax=1e-3)."
        )
    roots = np.sqrt(np.repeat(atoms.get_masses(), 3))
    weighted = hessian(atoms, step) / np.outer(roots, roots)
    free = whole_motions(atoms)  # [3N, 5 or 6]
    inner = np.linalg.svd(free, full_matrices=True)[0][:, free.shape[1] :]  # [3N, M]
    values, vectors = np.linalg.eigh(inner.T @ weighted @ inner)
    outside = np.linalg.eigvalsh(free.T @ weighted @ free)
    modes = (inner @ vectors).T.reshape(len(values), len(atoms), 3)
    return NormalModes(_wavenumbers(values), modes, _wavenumbers(outside), force)


def hessian(atoms: Atoms, step: float = 0.002) -> NDArray[np.float64]:
    """Second derivatives of the energy, [3N, 3N] in eV/Å^2, symmetrised; 6N evaluations of forces."""
    moved = atoms.copy()
    moved.calc = atoms.calc
    rows = np.empty((3 * len(atoms), 3 * len(atoms)))
    for place in range(len(rows)):
        pulled = []
        for sign in (1.0, -1.0):
            moved.set_positions(atoms.get_positions())
            moved.positions[divmod(place, 3)] += sign * step
            pulled.append(moved.get_forces().ravel())
        rows[place] = (pulled[1] - pulled[0]) / (2.0 * step)
    return 0.5 * (rows + rows.T)


def rotations(positions: NDArray[np.float64], masses: NDArray[np.float64]) -> int:
    """How many ways a molecule can turn: 3, on a line 2, a single atom 0.

    Args:
        positions: [..., A, 3] in Å; of several shapes of one molecule, their mean moments of inertia decide.
        masses: [A] in atomic mass units.
    """
    centred = positions - np.average(positions, axis=-2, weights=masses)[..., None, :]
    weighted = centred * np.sqrt(masses)[:, None]
    squares = np.linalg.eigvalsh(np.swapaxes(weighted, -1, -2) @ weighted)  # [..., 3] ascending
    moments = squares.sum(-1, keepdims=True) - squares
    return int((moments.reshape(-1, 3).mean(0) > SLENDER).sum())


def whole_motions(atoms: Atoms, turning: int | None = None) -> NDArray[np.float64]:
    """Orthonormal translations and rotations, weighted by the roots of the masses, [3N, 3 + rotations].

    Args:
        atoms: a molecule.
        turning: how many rotations, those of the largest moments of inertia; by default as many as `rotations` counts.
    """
    masses = atoms.get_masses()
    count = rotations(atoms.get_positions(), masses) if turning is None else turning
    roots = np.sqrt(masses)[:, None]
    centred = atoms.get_positions() - atoms.get_center_of_mass()
    axes = np.linalg.eigh(_inertia(roots * centred))[1].T[3 - count :]  # [count, 3]
    moves = [roots * axis for axis in np.eye(3)] + [roots * np.cross(axis, centred) for axis in axes]
    return np.linalg.qr(np.stack([move.ravel() for move in moves], axis=1))[0]


def _inertia(weighted: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 3], weighted by the roots of the masses -> [3, 3]."""
    return np.square(weighted).sum() * np.eye(3) - weighted.T @ weighted


def _wavenumbers(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of eigenvalues in eV / (Å^2 amu); of a negative one minus the root of its size."""
    return WAVENUMBER * np.sign(values) * np.sqrt(np.abs(values)).astype(np.float64)

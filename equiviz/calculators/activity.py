"""How strong the line of each mode should be: squares of the derivatives of dipole and polarizability along it.

Wilson, Decius, Cross, "Molecular Vibrations" (1955), chapters 3 and 7: a mode is active in the infrared where the
dipole changes along it, in Raman where the polarizability does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.calculator import PropertyNotImplementedError

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.spectra import GREEN, KELVIN

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from equiviz.calculators.hessian import NormalModes

# Shapes: M modes.
STEP = 0.02
"""Of the differences, in Å sqrt(amu): the thermal motion of a stretch of O-H at 300 K."""


def line_strengths(
    atoms: Atoms, modes: NormalModes, temperature: float = 300.0, light: float = GREEN
) -> dict[str, NDArray[np.float64]]:
    """Strength of each mode's line in each spectrum, as a share of the strongest, by the spectrum's name.

    Args:
        atoms: the relaxed molecule, with a calculator that gives "dipole", "polarizability" or both.
        modes: of the molecule.
        temperature: in K, for Raman; light: wavenumber of the laser, in cm^-1: as for `raman`.

    Returns:
        "infrared" [M] and "Raman" [M] where the calculator has what they need, and "density of states" [M], in which
        all classical modes weigh the same.

    Raises:
        CalculatorError: modes of another molecule.
    """
    if modes.displacements.shape[1:] != atoms.positions.shape:
        raise CalculatorError(
            f"line_strengths: expected modes of {atoms.get_chemical_formula()} ({len(atoms)} atoms), got modes of "
            f"{modes.displacements.shape[1]} atoms. Pass the atoms that normal_modes() was given."
        )
    found = {"density of states": np.ones(len(modes.wavenumbers))}
    dipoles = _derivatives(atoms, modes, "dipole")
    if dipoles is not None:
        found["infrared"] = np.square(dipoles).sum(1)
    tensors = _derivatives(atoms, modes, "polarizability")
    if tensors is not None:
        found["Raman"] = _scattered(tensors, modes.wavenumbers, temperature, light)
    return {name: values / values.max() if values.max() > 0 else values for name, values in found.items()}


def _derivatives(atoms: Atoms, modes: NormalModes, name: str) -> NDArray[np.float64] | None:
    """[M, 3] or [M, 3, 3], along each mode; none where the calculator does not know the property."""
    roots = np.sqrt(atoms.get_masses())[:, None]
    moved = atoms.copy()
    rows = []
    for direction in modes.displacements:
        sides = []
        for sign in (1.0, -1.0):
            moved.set_positions(atoms.get_positions() + sign * STEP * direction / roots)
            try:
                sides.append(np.asarray(atoms.calc.get_property(name, moved)))  # pyright: ignore[reportOptionalMemberAccess]
            except PropertyNotImplementedError:
                return None
        rows.append((sides[0] - sides[1]) / (2.0 * STEP))
    return np.array(rows)


def _scattered(
    tensors: NDArray[np.float64], wavenumbers: NDArray[np.float64], temperature: float, light: float
) -> NDArray[np.float64]:
    """As in `raman`, for one harmonic mode: the square of its motion goes as 1 / k^2. Imaginary modes have no line."""
    isotropic = np.trace(tensors, axis1=1, axis2=2) / 3.0
    rest = tensors - isotropic[:, None, None] * np.eye(3)
    shape = 45.0 * np.square(isotropic) + 7.0 * 1.5 * np.square(rest).sum((1, 2))
    k = np.where(wavenumbers > 0, wavenumbers, np.inf)
    with np.errstate(invalid="ignore"):
        factor = np.clip(light - k, 0.0, None) ** 4 / (k * -np.expm1(-KELVIN * k / temperature))
    return np.where(np.isfinite(k), factor, 0.0) * shape

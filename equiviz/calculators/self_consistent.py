"""Modes of a molecule in thermal motion: the curvature averaged over where its atoms are at a temperature.

The self-consistent harmonic approximation, classical: D. J. Hooton, Philos. Mag. 46, 422 (1955); with sampled forces,
I. Errea, M. Calandra, F. Mauri, Phys. Rev. B 89, 064302 (2014). The density is a Gaussian whose widths are those of its
own modes, sqrt(k_B T) / w; the curvature is the slope of a straight line through the forces under it, by least squares;
its centre is where the mean force vanishes. Of a harmonic molecule these are its normal modes at any temperature.

A Hessian takes the curvature at one point. Where a network bends sharply there (a norm of a vector that vanishes by
symmetry), it is the curvature of a place far smaller than the molecule's motion; this average is that of the motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from ase import units
from scipy.stats import norm, qmc

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import WAVENUMBER, normal_modes

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from equiviz.calculators.hessian import NormalModes

# Shapes: N atoms, M modes, P points.
SETTLED = 1e-4
"""Wavenumbers that change by less than this share from round to round are those looked for."""
ROUNDS = 30
PAIRS = 32
"""Points and their opposites, at least: with 256 the modes of water change by 5 cm^-1 or less."""


@dataclass(frozen=True, eq=False)
class _Gaussian:
    """A density over the motions inside a molecule, [M] in the axes of its normal modes.

    Attributes:
        centre: [M] in Å sqrt(amu).
        curvature: [M, M] in eV / (Å^2 amu), of the oscillators that it belongs to.
    """

    centre: NDArray[np.float64]
    curvature: NDArray[np.float64]


def thermal_modes(atoms: Atoms, temperature: float = 300.0, pairs: int | None = None, seed: int = 0) -> NormalModes:
    """Modes under the thermal motion of a molecule; see the module's docstring.

    Args:
        atoms: a molecule with a calculator, relaxed; it comes back as it was.
        temperature: in K.
        pairs: points of the average, each with its opposite; by default 32, or four for each mode. Every round
            evaluates twice as many forces, and about five rounds are needed.
        seed: of the points (Sobol's, scrambled).

    Returns:
        Like `normal_modes`, with the temperature; translations and rotations are those of the Hessian at rest.

    Raises:
        CalculatorError: no minimum, a temperature that is not positive, too few points, or no density that fits.
    """
    found = normal_modes(atoms)
    count = pairs if pairs is not None else max(PAIRS, 4 * len(found.wavenumbers))
    if temperature <= 0 or count < len(found.wavenumbers) or found.wavenumbers[0] <= 0:
        raise CalculatorError(
            f"thermal_modes: expected a minimum, a temperature > 0 and {len(found.wavenumbers)} pairs of points or "
            f"more, got a lowest mode of {found.wavenumbers[0]:.4g} cm^-1, {temperature} K and {count} pairs. Relax "
            "the geometry first; for modes at rest take normal_modes()."
        )
    places = _points(count, len(found.wavenumbers), seed)
    axes = found.displacements.reshape(len(found.wavenumbers), -1)  # [M, 3N]
    density = _Gaussian(np.zeros(len(axes)), np.diag(np.square(found.wavenumbers / WAVENUMBER)))
    before = found.wavenumbers
    for _ in range(ROUNDS):
        density = _refined(atoms, axes, density, places, units.kB * temperature)
        values, turn = np.linalg.eigh(density.curvature)
        if values[0] <= 0:
            break
        now = WAVENUMBER * np.sqrt(values)
        if np.abs(now / before - 1.0).max() < SETTLED:
            modes = (turn.T @ axes).reshape(found.displacements.shape)
            return replace(found, wavenumbers=now, displacements=modes, temperature=temperature)
        before = now
    raise CalculatorError(
        f"thermal_modes: found no Gaussian that fits the forces of {atoms.get_chemical_formula()} at {temperature} K "
        f"within {ROUNDS} rounds: a motion is too wide for one minimum. Expected a stiff molecule; take a lower "
        "temperature, or more pairs of points."
    )


def _points(pairs: int, modes: int, seed: int) -> NDArray[np.float64]:
    """Normally distributed, evenly spread, each with its opposite, [P, M]: odd forces then leave even ones alone."""
    power = int(np.ceil(np.log2(pairs)))
    half = norm.ppf(qmc.Sobol(modes, rng=np.random.default_rng(seed)).random_base2(power))
    return np.concatenate([half, -half])


def _refined(
    atoms: Atoms, axes: NDArray[np.float64], density: _Gaussian, places: NDArray[np.float64], thermal: float
) -> _Gaussian:
    """The straight line through the forces under a density, and the density of the oscillators that it describes."""
    values, turn = np.linalg.eigh(density.curvature)
    # The symmetric root: with modes as axes, whose signs are anybody's, points would jump from round to round.
    moves = places @ ((turn * np.sqrt(thermal / values)) @ turn.T)  # [P, M]
    forces = _forces(atoms, (density.centre + moves) @ axes) @ axes.T  # [P, M]
    lines = np.linalg.lstsq(np.column_stack([np.ones(len(moves)), moves]), forces, rcond=None)[0]  # [1 + M, M]
    curvature = -0.5 * (lines[1:] + lines[1:].T)
    shift = np.linalg.lstsq(curvature, lines[0], rcond=None)[0]
    return _Gaussian(density.centre + shift, curvature)


def _forces(atoms: Atoms, moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forces over the roots of the masses at places away from rest, weighted by the same roots, [P, 3N]."""
    roots = np.sqrt(atoms.get_masses())[:, None]
    moved = atoms.copy()
    moved.calc = atoms.calc
    found = []
    for move in moves:
        moved.set_positions(atoms.get_positions() + move.reshape(-1, 3) / roots)
        found.append((moved.get_forces() / roots).ravel())
    return np.array(found)

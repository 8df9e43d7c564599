"""Modes and lines of water, from `painn-water-energy` and from a polynomial through the same energies: a reference.

    python -m benchmarks.water_modes [--data FOLDER/molecules]

Degree 7 in both bond lengths (symmetrised) and the angle, least squares on all 1,000 frames. Of both: normal modes at
several steps of the differences, thermal modes at 300 K, and the lines of the velocities of 16 molecules in 2 ps.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize import BFGS
from numpy.typing import NDArray

from benchmarks.painn_weights import monomer_energies
from equiviz.calculators.dynamics import copies_apart, microcanonical, thermalise
from equiviz.calculators.hessian import normal_modes
from equiviz.calculators.model_calculator import ModelCalculator
from equiviz.calculators.self_consistent import thermal_modes
from equiviz.calculators.spectra import density_of_states
from equiviz.training.load import load

DEGREE = 7
STEP = 1e-4  # Å, of the differences that give forces
STEPS = (0.001, 0.002, 0.005, 0.02, 0.05)  # Å, of those that give curvatures
COPIES = 16


def terms(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Monomials of degree 7 or less: [S, 3, 3] in Å, oxygen first -> [S, K]."""
    first, second = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    long, other = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    angle = np.degrees(np.arccos((first * second).sum(1) / (long * other)))
    x, y, z = (long - 0.96) / 0.1, (other - 0.96) / 0.1, (angle - 104.4) / 10.0
    powers = [(i, j, k) for i, j, k in product(range(DEGREE + 1), repeat=3) if i + 2 * j + k <= DEGREE]
    return np.stack([(x + y) ** i * (x - y) ** (2 * j) * z**k for i, j, k in powers], axis=1)


class Polynomial(Calculator):
    """Energy in eV, forces by differences; several molecules of water (O, H, H) do not feel each other."""

    implemented_properties: ClassVar[list[str]] = [  # pyright: ignore[reportIncompatibleVariableOverride]
        "energy",
        "forces",
    ]

    def __init__(self, weights: NDArray[np.float64]) -> None:
        super().__init__()
        self.weights = weights

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """What ASE calls."""
        super().calculate(atoms, list(properties), list(system_changes))
        assert atoms is not None
        moves = STEP * np.eye(9).reshape(9, 3, 3)
        places = atoms.positions.reshape(-1, 1, 3, 3)  # [M, 1, 3, 3]
        energies = terms(np.concatenate([places, places + moves, places - moves], axis=1).reshape(-1, 3, 3))
        own, up, down = np.split((energies @ self.weights).reshape(len(places), 19), [1, 10], axis=1)  # [M, 1], [M, 9]
        self.results = {"energy": float(own.sum()), "forces": ((down - up) / (2.0 * STEP)).reshape(-1, 3)}


def tell(name: str, water: Atoms) -> None:
    """Print what is measured of one potential, in cm^-1."""
    BFGS(water, logfile=None).run(fmax=1e-4)
    for step in STEPS:
        print(f"| {name}, normal modes, step {step} Å | {_row(normal_modes(water, step).wavenumbers)} |")
    print(f"| {name}, thermal modes at 300 K | {_row(thermal_modes(water, 300.0, pairs=256).wavenumbers)} |")
    many = copies_apart(water, COPIES)
    many.calc = water.calc
    thermalise(many, 300.0, time=300.0, molecules=COPIES)
    run = microcanonical(many, 2000.0, molecules=COPIES)
    lines = density_of_states(run.velocities, many.get_masses(), run.interval, 35.0).peaks()
    print(f"| {name}, lines of the velocities at {run.temperature:.0f} K | {_row(lines)} |", flush=True)


def _row(values: NDArray[np.float64]) -> str:
    return " | ".join(f"{value:.0f}" for value in values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/molecules"))
    frames = monomer_energies(parser.parse_args().data / "water_tensors")
    known = np.array([float(frame.properties["energy"].values) for frame in frames])
    rows = terms(np.stack([frame.structure.positions.numpy() for frame in frames]))
    fitted = np.linalg.lstsq(rows, known - known.min(), rcond=None)[0]
    left = 1000.0 * float((rows @ fitted - known + known.min()).std())
    water = Atoms("OHH", positions=[[0.0, 0.0, 0.0], [0.757, 0.0, 0.586], [-0.757, 0.0, 0.586]])
    print(f"{rows.shape[1]} terms leave {left:.3f} meV.")
    for title, calculator in (
        ("polynomial", Polynomial(fitted)),
        ("PaiNN", ModelCalculator(load("painn-water-energy"))),
    ):
        one = water.copy()
        one.calc = calculator
        tell(title, one)

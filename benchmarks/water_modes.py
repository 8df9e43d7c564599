"""Normal modes of water from a polynomial through the energies that `painn-water-energy` learned from: a reference.

    python -m benchmarks.water_modes [--data FOLDER/molecules]

Degree 7 in both bond lengths (symmetrised) and the angle, least squares on all 1,000 frames.
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
from equiviz.calculators.hessian import normal_modes

DEGREE = 7
STEP = 1e-4  # Å, of the differences that give forces


def terms(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Monomials of degree 7 or less: [S, 3, 3] in Å, oxygen first -> [S, K]."""
    first, second = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
    long, other = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    angle = np.degrees(np.arccos((first * second).sum(1) / (long * other)))
    x, y, z = (long - 0.96) / 0.1, (other - 0.96) / 0.1, (angle - 104.4) / 10.0
    powers = [(i, j, k) for i, j, k in product(range(DEGREE + 1), repeat=3) if i + 2 * j + k <= DEGREE]
    return np.stack([(x + y) ** i * (x - y) ** (2 * j) * z**k for i, j, k in powers], axis=1)


class Polynomial(Calculator):
    """Energy in eV, forces by differences."""

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
        energies = terms(np.concatenate([atoms.positions[None], atoms.positions + moves, atoms.positions - moves]))
        own, up, down = np.split(energies @ self.weights, [1, 10])
        self.results = {"energy": float(own[0]), "forces": ((down - up) / (2.0 * STEP)).reshape(3, 3)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/molecules"))
    frames = monomer_energies(parser.parse_args().data / "water_tensors")
    known = np.array([float(frame.properties["energy"].values) for frame in frames])
    rows = terms(np.stack([frame.structure.positions.numpy() for frame in frames]))
    fitted = np.linalg.lstsq(rows, known - known.min(), rcond=None)[0]
    left = 1000.0 * float((rows @ fitted - known + known.min()).std())
    water = Atoms("OHH", positions=[[0.0, 0.0, 0.0], [0.757, 0.0, 0.586], [-0.757, 0.0, 0.586]])
    water.calc = Polynomial(fitted)
    BFGS(water, logfile=None).run(fmax=1e-4)
    modes = normal_modes(water)
    print(
        f"{rows.shape[1]} terms leave {left:.3f} meV; modes {np.round(modes.wavenumbers, 1)} cm^-1. {modes.describe()}"
    )

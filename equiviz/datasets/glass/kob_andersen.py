"""The Kob-Andersen mixture: its pair potential, and what single particles feel in it.

W. Kob and H. C. Andersen, Phys. Rev. E 51, 4626 (1995): 80 % A, 20 % B, density 1.2, Lennard-Jones pairs with
epsilon_AA = 1, sigma_AA = 1, epsilon_AB = 1.5, sigma_AB = 0.8, epsilon_BB = 0.5, sigma_BB = 0.88, truncated and
shifted at
2.5 sigma_ab. Lennard-Jones units throughout: lengths in sigma_AA, energies in epsilon_AA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError
from equiviz.structures.structure import Structure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Shapes: N particles, S = 2 species, P pairs (each once).


@dataclass(frozen=True, eq=False)
class PairPotential:
    """Truncated and shifted Lennard-Jones pairs, 4 epsilon ((sigma/r)^12 - (sigma/r)^6) minus its value at the cutoff.

    Attributes:
        epsilon: [S, S] depths.
        sigma: [S, S] lengths.
        cutoff: [S, S] distances beyond which a pair does not interact.
    """

    epsilon: Floats
    sigma: Floats
    cutoff: Floats


def kob_andersen() -> PairPotential:
    """Return the potential of the Kob-Andersen mixture, cut at 2.5 sigma_ab; index 0 is A and 1 is B."""
    sigma = np.array([[1.0, 0.8], [0.8, 0.88]])
    return PairPotential(np.array([[1.0, 1.5], [1.5, 0.5]]), sigma, 2.5 * sigma)


@dataclass(frozen=True, eq=False)
class Liquid:
    """A structure as the compiled loops take it.

    Attributes:
        positions: [N, 3].
        kinds: [N] index of the species in the potential: 0 is A, 1 is B.
        box: [3] edges of the periodic box.
    """

    positions: Floats
    kinds: Integers
    box: Floats


def liquid_of(structure: Structure) -> Liquid:
    """Check that a structure is a periodic A-B liquid in a rectangular box, and hand out its arrays.

    Raises:
        DatasetError: no fully periodic rectangular cell along the axes, or species other than 1 (A) and 2 (B).
    """
    name = structure.name or "structure"
    if structure.cell is None or not all(structure.pbc):
        raise DatasetError(None, f"{name}: expected a cell that is periodic along x, y and z, got pbc={structure.pbc}")
    cell = structure.cell.double().numpy()
    if not np.array_equal(cell, np.diag(np.diag(cell))) or not (np.diag(cell) > 0).all():
        raise DatasetError(
            None,
            f"{name}: expected a rectangular box along the axes, got the cell {cell.tolist()}; "
            "prepare a glass before it is turned (prepared attributes turn along)",
        )
    species = structure.species.numpy()
    if not np.isin(species, (1, 2)).all():
        found = np.unique(species).tolist()
        raise DatasetError(None, f"{name}: expected species 1 (A) and 2 (B) of the Kob-Andersen mixture, got {found}")
    return Liquid(structure.positions.double().numpy().copy(), (species - 1).astype(np.int64), np.diag(cell).copy())


def local_mechanics(liquid: Liquid, potential: PairPotential) -> Floats:
    """What each particle feels from its neighbours, as six invariants [N, 6].

    Columns: potential energy shared with A and with B neighbours (half of each pair) and their sum; the trace of the
    particle's own block of the Hessian, sum of phi'' + 2 phi'/r (its stiffness); the virial, sum of r phi'; the norm
    of the
    traceless part of sum r (x) r phi'/r (its shear stress).
    """
    from equiviz.datasets.glass.lennard_jones_kernels import derivatives, pair_list

    pairs = pair_list(liquid.positions, liquid.kinds, liquid.box, potential.cutoff)  # [P, 2]
    terms = (liquid.positions, liquid.kinds, liquid.box, pairs, potential.epsilon, potential.sigma, potential.cutoff)
    vectors, values = derivatives(*terms)  # [P, 3], [P, 4]
    r = np.maximum(np.linalg.norm(vectors, axis=1), np.finfo(float).tiny)
    count, (i, j) = len(liquid.kinds), pairs.T
    energy = np.zeros((count, 2))
    np.add.at(energy, (i, liquid.kinds[j]), values[:, 0] / 2)
    np.add.at(energy, (j, liquid.kinds[i]), values[:, 0] / 2)
    pull = values[:, 1] / r
    stress = _both_ends(i, j, pull[:, None] * (vectors[:, :, None] * vectors[:, None, :]).reshape(-1, 9), count)
    pressure = _both_ends(i, j, np.stack([values[:, 2] + 2 * pull, values[:, 1] * r], 1), count)
    shear = stress.reshape(-1, 3, 3) - np.eye(3) * (stress[:, [0, 4, 8]].sum(1) / 3)[:, None, None]
    return np.column_stack([energy, energy.sum(1), pressure, np.sqrt((shear**2).sum((1, 2)))])


def _both_ends(i: Integers, j: Integers, values: Floats, count: int) -> Floats:
    """Add the values [P, C] of each pair to both of its particles: [N, C]."""
    sums = [np.bincount(i, v, count) + np.bincount(j, v, count) for v in values.T]
    return cast("Floats", np.stack(sums, 1))  # numpy's stubs overlook that weights make these floats

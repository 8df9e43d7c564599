"""The Kob-Andersen mixture: its pair potential, and what single particles feel in it.

W. Kob and H. C. Andersen, Phys. Rev. E 51, 4626 (1995): 80 % A, 20 % B, density 1.2, Lennard-Jones pairs with
epsilon_AA = 1, sigma_AA = 1, epsilon_AB = 1.5, sigma_AB = 0.8, epsilon_BB = 0.5, sigma_BB = 0.88, truncated and shifted
at 2.5 sigma_ab. Lennard-Jones units throughout: lengths in sigma_AA, energies in epsilon_AA.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.datasets.errors import NoLiquidError
from equiviz.structures.formats.source import HOW_TO_NAME_TYPES
from equiviz.structures.structure import Structure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RIGHT_ANGLE = 1e-9
"""Largest cosine between two edges of a box that counts as rectangular: a thousand times what turning rounds off."""

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
    """A structure as the compiled loops take it: in the frame of its box, whose edges are the axes there.

    Attributes:
        positions: [N, 3] in the frame of the box.
        kinds: [N] index of the species in the potential: 0 is A, 1 is B.
        box: [3] edges of the periodic box.
        frame: [3, 3] rows are the directions of the edges; a mirrored box has a left-handed frame.
    """

    positions: Floats
    kinds: Integers
    box: Floats
    frame: Floats

    def turned_in(self, vectors: Floats) -> Floats:
        """Vectors [N, 3] as the structure has them, in the frame of the box."""
        return vectors @ self.frame.T

    def turned_back(self, vectors: Floats) -> Floats:
        """Vectors [N, 3] in the frame of the box, as the structure has them."""
        return vectors @ self.frame


def liquid_of(structure: Structure) -> Liquid:
    """Check that a structure is a periodic A-B liquid in a rectangular box, and hand out its arrays.

    The box may be turned or mirrored: all that follows is then computed in its frame, so that it turns along.

    Raises:
        NoLiquidError: no fully periodic cell with edges at right angles, or species other than 1 (A) and 2 (B).
    """
    name = structure.name or "structure"
    species = structure.species.cpu().numpy()
    if not np.isin(species, (1, 2)).all():
        found = ", ".join(structure.composition)
        raise NoLiquidError(
            None,
            f"{name}: expected species 1 (A) and 2 (B) of the Kob-Andersen mixture, got {found}. {HOW_TO_NAME_TYPES}",
        )
    if structure.cell is None or not all(structure.pbc):
        raise NoLiquidError(None, f"{name}: expected a cell that is periodic along x, y and z, got pbc={structure.pbc}")
    box, frame = _box(name, structure.cell)
    positions = structure.positions.detach().cpu().double().numpy()
    return Liquid(positions @ frame.T, (species - 1).astype(np.int64), box, frame)


@contextmanager
def for_reader(reader: str) -> Generator[None]:
    """Say who refuses what is no such liquid, inside the block.

    Raises:
        NoLiquidError: as raised inside, with a sentence before it.
    """
    try:
        yield
    except NoLiquidError as problem:
        raise NoLiquidError(problem.path, f"{reader} reads Kob-Andersen A/B liquids only. {problem.why}") from problem


def _box(name: str, cell: Tensor) -> tuple[Floats, Floats]:
    """Edges [3] and frame [3, 3] of a rectangular cell. Raises NoLiquidError for any other cell."""
    rows = cell.detach().cpu().double().numpy()
    edges = np.linalg.norm(rows, axis=1)  # of a box along the axes these are the diagonal, to the last bit
    frame = rows / edges[:, None]
    skew = np.abs(frame @ frame.T - np.eye(3)).max()
    # A cell in float32 is turned in float32: its angles cannot be better than that.
    if not skew <= max(RIGHT_ANGLE, 8 * torch.finfo(cell.dtype).eps):
        raise NoLiquidError(
            None,
            f"{name}: expected a rectangular box (turned or not), got the cell {rows.tolist()}, whose edges miss right "
            f"angles by {skew:.1e}; no triclinic box is known here",
        )
    return edges, frame


def local_mechanics(liquid: Liquid, potential: PairPotential) -> Floats:
    """What each particle feels from its neighbours, as six invariants [N, 6].

    Columns: potential energy shared with A and with B neighbours (half of each pair) and their sum; the trace of the
    particle's own block of the Hessian, sum of phi'' + 2 phi'/r (its stiffness); the virial, sum of r phi'; the norm of
    the traceless part of sum r (x) r phi'/r (its shear stress).
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

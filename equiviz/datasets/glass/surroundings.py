"""What experts would measure around each particle of a quenched glass, averaged over ever wider neighbourhoods.

The radial part of the descriptors of Boattini, Smallenburg and Filion (Phys. Rev. Lett. 127, 088007 (2021)),
recursively averaged as they do; the local energies follow Jung, Biroli, Berthier (Phys. Rev. Lett. 130, 238202 (2023)).
These invariants are an *input* of networks and ridge regressions, computed once per configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.inherent_structure import inherent_positions
from equiviz.datasets.glass.kob_andersen import Floats, Integers, Liquid, kob_andersen, liquid_of, local_mechanics
from equiviz.structures.neighbours import Neighbours, neighbours
from equiviz.structures.structure import Structure
from equiviz.symmetry.harmonics import spherical_harmonics

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Shapes: N particles, E edges, F features.
_SPECIES = 2
_MECHANICS = 6
_CAGE = 8


@dataclass(frozen=True)
class Surroundings:
    """Which invariants, and how widely averaged. Lengths in sigma.

    Attributes:
        near: Spacing and width of the radial shells from 0.8 to 2.
        far: The same from 2 to `reach`.
        reach: Centre of the outermost shell.
        angular: Number of Gaussians of the power spectrum, evenly spaced from 0.85 to 2.25; 0 leaves it out.
        lmax: Its degrees are 1 to this.
        window: Distance at which the Gaussians of the power spectrum have gone to zero.
        contact: Neighbours up to here share in an average.
        cage: Whether invariants of the cage are among the features (attributes ``cage_displacement``, ``cage_spread``).
        rounds: After how many rounds of averaging the features are taken, besides 0.
    """

    near: float = 0.075
    far: float = 0.15
    reach: float = 5.0
    angular: int = 8
    lmax: int = 4
    window: float = 2.6
    contact: float = 2.0
    cage: bool = False
    rounds: tuple[int, ...] = (1, 2, 4, 8, 16, 30)

    @property
    def shells(self) -> Floats:
        """Centre and width of each shell [R, 2]."""
        near, far = np.arange(0.8, 2.0, self.near), np.arange(2.0, self.reach + 0.01, self.far)
        return np.concatenate([np.stack([c, np.full_like(c, w)], 1) for c, w in ((near, self.near), (far, self.far))])

    @property
    def size(self) -> int:
        """Number of features F that `surroundings` gives per particle."""
        spectrum = self.lmax * _SPECIES * self.angular
        own = len(self.shells) * _SPECIES + spectrum + _MECHANICS + 2 + (_CAGE if self.cage else 0)
        return own * (1 + len(self.rounds))


def emphasis(settings: Surroundings | None = None) -> Tensor:
    """How freely a ridge regression may use each feature: [F] factors of the features in standard units.

    A factor of 2 makes the penalty on a coefficient four times weaker. Found by cross-validation on ten configurations
    at T = 0.44: energies are few and say much (12.5), the power spectrum is many columns (0.5); what lies far away
    counts less.
    """
    settings = settings or Surroundings()
    spectrum = settings.lmax * _SPECIES * settings.angular
    own = torch.ones(settings.size // (1 + len(settings.rounds)), dtype=torch.float64)
    shells = len(settings.shells) * _SPECIES
    own[shells : shells + spectrum] = 0.5
    own[shells + spectrum : shells + spectrum + 3] = 12.5
    own[shells + spectrum + _MECHANICS + 2 :] = 1.5  # the cage
    reach = [2.5] + [1.0 if done <= 8 else 0.4 for done in settings.rounds]
    return torch.cat([own * factor for factor in reach])


def surroundings(structure: Structure, settings: Surroundings | None = None) -> Tensor:
    """Invariants of the inherent structure around each particle, minus their mean over its species: [N, F] float32.

    In order: radial shells of A and of B neighbours; norms of the densities of degree 1 to lmax; energies, stiffness,
    virial and shear stress; length and squared length of the inherent displacement; the cage, if wanted. Then all of
    these averaged 1, 2, 4 ... times.

    Args:
        structure: Thermal, with ``inherent_displacement`` or to be quenched here.
        settings: None means `Surroundings()`.

    Raises:
        DatasetError: not a Kob-Andersen liquid in a rectangular box (turned or not).
    """
    settings = settings or Surroundings()
    thermal = liquid_of(structure)
    liquid = liquid_of(replace(structure, positions=inherent_positions(structure), node={}))
    moved = liquid.positions - thermal.positions
    moved = np.linalg.norm(moved - moved.mean(0) if len(moved) else moved, axis=1)
    share = _shares(liquid, settings.contact)
    parts = [_shells(liquid, settings), _spectrum(liquid, settings), local_mechanics(liquid, kob_andersen())]
    parts.append(np.stack([moved, moved**2], 1))
    if settings.cage:
        parts.append(_cage(structure, thermal, liquid.positions - thermal.positions, share))
    columns = np.concatenate(parts, axis=1)
    averaged = _averages(columns - columns.mean(0) if len(columns) else columns, share, settings)
    return torch.from_numpy(_centred(averaged, liquid.kinds).astype(np.float32))


def _edges(liquid: Liquid, cutoff: float) -> Neighbours:
    return neighbours(torch.from_numpy(liquid.positions), cutoff, torch.diag(torch.from_numpy(liquid.box)), True)


def _shells(liquid: Liquid, settings: Surroundings) -> Floats:
    """Gaussian-weighted counts of neighbours by distance and species [N, 2 R].

    Distances go through a histogram finer than any shell by a factor of 6, shared between adjacent bins: smooth, and a
    hundred times cheaper than a Gaussian per pair and shell.
    """
    step = settings.near / 6
    found = _edges(liquid, settings.reach + 0.2)
    bins = int((settings.reach + 0.2) / step) + 2
    position = found.vectors.norm(dim=1).numpy() / step
    low = position.astype(np.int64)
    row = (found.edge_index[1].numpy() * _SPECIES + liquid.kinds[found.edge_index[0].numpy()]) * bins + low
    size = len(liquid.kinds) * _SPECIES * bins
    counts = np.bincount(row, 1 - (position - low), size) + np.bincount(row + 1, position - low, size)
    centre, width = settings.shells.T
    smear = np.exp(-0.5 * ((np.arange(bins)[:, None] * step - centre) / width) ** 2)  # [bins, R]
    return (counts.reshape(-1, bins) @ smear).reshape(len(liquid.kinds), _SPECIES * len(centre))


def _spectrum(liquid: Liquid, settings: Surroundings) -> Floats:
    """Sum over m of the squared density coefficients, per degree 1 ... lmax, species, Gaussian: [N, lmax 2 angular]."""
    count = settings.angular
    found = _edges(liquid, settings.window)
    r = found.vectors.norm(dim=1, keepdim=True)
    bumps = torch.exp(-0.5 * ((r - torch.linspace(0.85, 2.25, max(count, 1))[:count].double()) / 0.15) ** 2)
    bumps = bumps * 0.5 * (1 + torch.cos(torch.pi * r / settings.window))  # [E, angular]
    angles = spherical_harmonics(settings.lmax, found.vectors, normalization="norm")[:, 1:]
    sender, receiver = found.edge_index
    slot = receiver * _SPECIES + torch.from_numpy(liquid.kinds)[sender]
    degree = torch.repeat_interleave(torch.arange(settings.lmax), 2 * torch.arange(1, settings.lmax + 1) + 1)
    squares = torch.zeros(settings.lmax, len(liquid.kinds) * _SPECIES, count, dtype=torch.float64)
    for column, own in zip(angles.T, degree.tolist(), strict=True):
        density = torch.zeros_like(squares[0]).index_add_(0, slot, bumps * column[:, None])
        squares[own] += density**2
    per_particle = squares.reshape(settings.lmax, len(liquid.kinds), _SPECIES * count)
    return per_particle.permute(1, 0, 2).reshape(len(liquid.kinds), settings.lmax * _SPECIES * count).numpy()


def _cage(structure: Structure, thermal: Liquid, to_inherent: Floats, share: csr_matrix) -> Floats:
    """Invariants of the cage [N, 8], see below; lengths in sigma.

    Logarithms of its whole variance and of the parts within and between runs; length and squared length of the way from
    the inherent position to its centre, length of the way from the thermal position; length of the first averaged over
    one and two rounds of neighbours.
    """
    for name in ("cage_displacement", "cage_spread"):
        if name not in structure.node:
            raise DatasetError(
                None, f"{structure.name or 'structure'}: expected the attribute {name!r}; attach it first"
            )
    centre = thermal.turned_in(structure.node["cage_displacement"].values.double().numpy())
    within, between = structure.node["cage_spread"].values.double().numpy().clip(1e-9).T
    way = centre - to_inherent
    way = way - way.mean(0) if len(way) else way
    near = share @ way
    lengths = [np.linalg.norm(v, axis=1) for v in (way, centre, near, share @ near)]
    logs = [np.log(within + between), np.log(within), np.log(between + 0.002)]
    return np.stack([*logs, lengths[0], lengths[0] ** 2, *lengths[1:]], 1)


def _shares(liquid: Liquid, contact: float) -> csr_matrix:
    """The matrix [N, N] that averages over neighbours within `contact`, each particle counting itself once."""
    from scipy.sparse import csr_matrix, diags, identity

    sender, receiver = _edges(liquid, contact).edge_index.numpy()
    count = len(liquid.kinds)
    share = csr_matrix((np.ones(len(sender)), (receiver, sender)), (count, count)) + identity(count, format="csr")
    averaging = cast("Any", diags(1 / np.asarray(share.sum(1)).ravel()) @ share)  # scipy has no types
    return averaging.astype(np.float32).tocsr()


def _averages(columns: Floats, share: csr_matrix, settings: Surroundings) -> Floats:
    """The features and their averages over 1, 2, 4 ... rounds of neighbours."""
    taken, current = [columns], columns.astype(np.float32)
    for done in range(1, max(settings.rounds, default=0) + 1):
        current = share @ current
        if done in settings.rounds:
            taken.append(current)
    return np.concatenate(taken, axis=1)


def _centred(columns: Floats, kinds: Integers) -> Floats:
    out = columns.copy()
    for kind in np.unique(kinds):
        out[kinds == kind] -= columns[kinds == kind].mean(0)
    return out

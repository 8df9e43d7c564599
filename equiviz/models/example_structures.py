"""Structures that families show of themselves, for tests and demonstrations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.structures.structure import Structure


def jittered_lattice(atoms: int, generator: torch.Generator, jitter: float, side: int) -> Tensor:
    """So many sites ``[N, 3]`` of a cubic lattice with spacing 1 and `side` sites along an edge, each moved a little.

    Args:
        atoms: N, at most ``side**3``.
        generator: of the choice and the moves.
        jitter: each coordinate moves by 0 to so much.
        side: see above.
    """
    axis = torch.arange(side, dtype=torch.float64)
    sites = torch.cartesian_prod(axis, axis, axis)[torch.randperm(side**3, generator=generator)[:atoms]]
    return sites + jitter * torch.rand(atoms, 3, generator=generator, dtype=torch.float64)


def organic_atoms(atoms: int, seed: int) -> Structure:
    """Atoms of H, C, N, O on a jittered lattice of 1.4 Å."""
    generator, side = torch.Generator().manual_seed(seed), max(2, math.ceil(atoms ** (1 / 3)))
    places = 1.4 * jittered_lattice(atoms, generator, 0.4 / 1.4, side)
    species = torch.tensor([1, 6, 7, 8])[torch.randint(4, (atoms,), generator=generator)]
    return Structure(places, species)

"""Ideal crystals and clusters, as structures."""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.structures.structure import Structure


def crystal(basis: list[list[float]], cell: list[list[float]], repeats: int = 4) -> Structure:
    """Repeat a basis (fractions of the cell) along the three lattice vectors."""
    lattice = torch.tensor(cell, dtype=torch.float64)
    steps = torch.cartesian_prod(*[torch.arange(repeats, dtype=torch.float64)] * 3)  # [R^3, 3]
    fractions = (steps[:, None] + torch.tensor(basis, dtype=torch.float64)).reshape(-1, 3)
    positions = fractions @ lattice
    return Structure(positions, torch.ones(len(positions), dtype=torch.long), lattice * repeats, (True, True, True))


def fcc() -> Structure:
    """Return face-centred cubic with nearest neighbours at distance 1."""
    side = 2**0.5
    return crystal([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], [[side, 0, 0], [0, side, 0], [0, 0, side]])


def bcc() -> Structure:
    """Return body-centred cubic with nearest neighbours at distance 1 and six more at 1.155."""
    side = 2 / 3**0.5
    return crystal([[0, 0, 0], [0.5, 0.5, 0.5]], [[side, 0, 0], [0, side, 0], [0, 0, side]])


def hcp() -> Structure:
    """Return hexagonal close packing with the ideal c/a and nearest neighbours at distance 1 (a triclinic cell)."""
    cell = [[1, 0, 0], [-0.5, 3**0.5 / 2, 0], [0, 0, (8 / 3) ** 0.5]]
    return crystal([[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]], cell)


def icosahedron() -> Structure:
    """Return a centre (point 0) and its twelve neighbours at distance 1, not periodic."""
    golden = (1 + 5**0.5) / 2
    corners = [[0, a, b * golden] for a in (-1, 1) for b in (-1, 1)]
    shell = torch.tensor([[c[(d + k) % 3] for d in range(3)] for c in corners for k in range(3)], dtype=torch.float64)
    shell = shell / shell.norm(dim=1, keepdim=True)
    positions = torch.cat([torch.zeros(1, 3, dtype=torch.float64), shell])
    return Structure(positions, torch.ones(13, dtype=torch.long))


def random_mixture(count: int, seed: int, density: float = 1.2, cell: Tensor | None = None) -> Structure:
    """Return random points of species 1 and 2 in a cubic box (or a given cell), periodic."""
    generator = torch.Generator().manual_seed(seed)
    side = (count / density) ** (1 / 3)
    lattice = torch.eye(3, dtype=torch.float64) * side if cell is None else cell
    positions = torch.rand(count, 3, generator=generator, dtype=torch.float64) @ lattice
    species = 1 + (torch.rand(count, generator=generator) < 0.3).long()
    return Structure(positions, species, lattice, (True, True, True), length_unit="sigma")

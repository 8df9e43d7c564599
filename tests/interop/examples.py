"""The structures on which adapters are tested."""

from __future__ import annotations

from dataclasses import replace

import torch

from equiviz.structures.structure import Structure

_POSITIONS = [[0.0, 0.0, 0.1], [0.8, 0.1, -0.5], [-0.7, 0.2, -0.5], [1.5, 1.2, 0.3], [2.1, -0.4, 1.0]]
_CELL = [[4.0, 0.3, 0.0], [0.0, 4.2, 0.5], [0.4, 0.0, 3.9]]


def molecule() -> Structure:
    """Five atoms in no particular order, lengths in Angstrom."""
    return Structure(torch.tensor(_POSITIONS, dtype=torch.float64), torch.tensor([8, 1, 1, 6, 1]), name="molecule")


def crystal() -> Structure:
    """The same atoms in a triclinic cell whose vectors are as long as the cutoff: images are neighbours too."""
    cell = torch.tensor(_CELL, dtype=torch.float64)
    return Structure(molecule().positions, molecule().species, cell=cell, pbc=(True, True, True), name="crystal")


def shaken(count: int, first: int = 0) -> list[Structure]:
    """Molecules whose atoms are moved at random, 0.15 Angstrom along each axis."""
    made: list[Structure] = []
    for seed in range(first, first + count):
        steps = torch.randn(len(_POSITIONS), 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        made.append(replace(molecule(), positions=molecule().positions + 0.15 * steps))
    return made


def part_of_molecule(atoms: int) -> Structure:
    """The first atoms of the molecule alone."""
    return Structure(molecule().positions[:atoms], molecule().species[:atoms])


def square(width: float = 1.6, height: float = 1.6) -> Structure:
    """Four hydrogen atoms, or a rectangle of them."""
    corners = torch.tensor([[1, 1, 0], [1, -1, 0], [-1, -1, 0], [-1, 1, 0]], dtype=torch.float64)
    return Structure(corners * torch.tensor([width, height, 0]) / 2, torch.ones(4, dtype=torch.long), name="square")

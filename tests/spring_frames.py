"""Molecules on springs with all that PaiNN can learn, made on the spot: waters and hydroxyls in turn."""

from __future__ import annotations

import torch

from equiviz.datasets.molecules.frames import Frame
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import CartesianTensor

REST = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)


def spring_frames(count: int, seed: int = 0, file: str = "springs.xyz") -> list[Frame]:
    """Frames of one file: energy (eV, thousands below zero), forces (eV/Å), dipole, polarizability (a.u.)."""
    draw = torch.Generator().manual_seed(seed)
    frames = []
    for place in range(count):
        atoms = 3 - place % 2
        places = REST[:atoms] + 0.1 * torch.randn(atoms, 3, generator=draw, dtype=torch.float64)
        places.requires_grad_()
        bonds = places[1:] - places[0]
        energy = (bonds.norm(dim=1) - 1.0).square().sum() - 700.0 * atoms
        (slope,) = torch.autograd.grad(energy, places)
        bonds = bonds.detach()
        alpha = 3.0 * atoms * torch.eye(3, dtype=torch.float64) + bonds.T @ bonds
        properties = {
            "energy": Field(energy.detach().view(1, 1), "1x0e", "graph"),
            "forces": Field(-slope, "1x1o", "node"),
            "dipole": Field(bonds.sum(0, keepdim=True), "1x1o", "graph"),
            "polarizability": Field(alpha.view(1, 9), CartesianTensor(2), "graph"),
        }
        species = torch.tensor([8, 1, 1][:atoms])
        frames.append(Frame(f"{file}[{place}]", Structure(places.detach(), species), properties))
    return frames

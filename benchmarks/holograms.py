"""How fast is the projection? Compiled and torch beside the formula written plainly, in one run, on one core.

    OMP_WAIT_POLICY=passive python -m benchmarks.holograms FILE.pdb [--repeats 7]       (from the top of the repository)

Published settings (C, N, O, S; l <= 5, n <= 20; 10 Å), float32, neighbours given; then the whole way from the file.
The plain formula (2F1 and spherical harmonics of each neighbour, `tests/holograms/plain_formula.py`) is run on every
tenth site. The error is the worst over (l, n) of max |difference| / max |value|.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine_line
from benchmarks.timing import seconds
from equiviz.holograms import Hologram, Neighbourhoods, Protein, Zernike, project_offsets
from equiviz.holograms.channels import HEAVY, atom_weights
from equiviz.holograms.compiled_projection import project_neighbourhoods
from equiviz.holograms.layouts import arranged
from tests.holograms.plain_formula import plain


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    told = parser.parse_args()
    torch.set_num_threads(1)
    around = Neighbourhoods.of(Protein.read(told.file))
    few = Neighbourhoods.of(around.protein, residues=around.residues[::10].tolist())
    weights, basis = atom_weights(around.protein, HEAVY), Zernike()
    offsets, counts = torch.from_numpy(around.offsets()).float(), torch.from_numpy(np.diff(around.first))
    spread = torch.from_numpy(weights[around.neighbours]).float()

    def by_torch() -> torch.Tensor:
        with torch.no_grad():
            return project_offsets(offsets, spread, counts, basis)

    by_torch(), project_neighbourhoods(few)  # first calls compile
    wanted = plain(few, weights, basis.n_max, basis.l_max, basis.norm)
    rates = {
        "the formula written plainly": len(few) / seconds(lambda: plain(few, weights, 20, 5, "orthonormal"), 3),
        "torch": len(around) / seconds(by_torch, told.repeats),
        "compiled": len(around) / seconds(lambda: project_neighbourhoods(around), told.repeats),
    }
    made = {
        "torch": Hologram.of(by_torch()[::10], HEAVY, basis),
        "compiled": project_neighbourhoods(few),
    }
    mean = len(around.neighbours) / len(around)
    print(f"{machine_line()}; {told.file.name}: {len(around)} sites with {mean:.0f} neighbours each\n")
    print("| how | neighbourhoods/s | x plain | worst error per (l, n) |\n|---|---|---|---|")
    base = rates["the formula written plainly"]
    for name, rate in rates.items():
        error = f"{worst(made[name], wanted):.1e}" if name in made else ""
        print(f"| {name} | {rate:,.0f} | {rate / base:.0f} | {error} |")
    print()
    for name, step in {
        "read": lambda: Protein.read(told.file),
        "neighbours": lambda: Neighbourhoods.of(around.protein),
        "projection": lambda: project_neighbourhoods(around),
        "from the file": lambda: project_neighbourhoods(Neighbourhoods.of(Protein.read(told.file))),
    }.items():
        print(f"{name}: {1000 * seconds(step, told.repeats):.1f} ms")


def worst(found: Hologram, wanted: dict[int, np.ndarray]) -> float:
    """Over all (l, n)."""
    most = 0.0
    for degree, block in arranged(found, "hcnn").items():
        true = wanted[degree]
        away = np.abs(block.reshape(true.shape) - true).max(axis=(0, 1, 3))
        size = np.abs(true).max(axis=(0, 1, 3))
        most = max(most, float((away[size > 0] / size[size > 0]).max()))
    return most


if __name__ == "__main__":
    main()

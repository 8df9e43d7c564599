"""How fast is the projection? Compiled and torch beside the formula written plainly, in one run, on one core.

    OMP_WAIT_POLICY=passive python -m benchmarks.holograms FILE.pdb [--repeats 15]      (from the top of the repository)

Published settings (C, N, O, S; l <= 5, n <= 20; 10 Å), float32, neighbours given; then the whole way from the file.
The plain formula (2F1 and spherical harmonics of each neighbour, one matrix product per neighbourhood,
`tests/holograms/plain_formula.py`) is run on every tenth site. The error is the worst over (l, n) of
max |difference| / max |value|.

Times are medians of processor time, all variants in turn: what else runs on the machine slows each of them, but does
not count twice for the one that takes longest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine_line
from equiviz.holograms import Hologram, Neighbourhoods, Protein, Zernike, project, project_offsets
from equiviz.holograms.channels import HEAVY, atom_weights
from equiviz.holograms.compiled_projection import project_neighbourhoods
from equiviz.holograms.layouts import arranged
from tests.holograms.plain_formula import plain

PLAIN = "the formula written plainly"


def main() -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=15)
    told = parser.parse_args()
    torch.set_num_threads(1)
    around = Neighbourhoods.of(Protein.read(told.file))
    mean = len(around.neighbours) / len(around)
    print(f"{machine_line()}; {told.file.name}: {len(around)} sites with {mean:.0f} neighbours each; one thread\n")
    projections(around, told.repeats)
    whole_way(told.file, told.repeats)


def projections(around: Neighbourhoods, repeats: int) -> None:
    """Neighbours given."""
    few = Neighbourhoods.of(around.protein, residues=around.residues[::10].tolist())
    weights, basis = atom_weights(around.protein, HEAVY), Zernike()
    offsets, counts = torch.from_numpy(around.offsets()).float(), torch.from_numpy(np.diff(around.first))
    spread = torch.from_numpy(weights[around.neighbours]).float()

    def by_torch() -> torch.Tensor:
        with torch.no_grad():
            return project_offsets(offsets, spread, counts, basis)

    wanted = plain(few, weights, basis.n_max, basis.l_max, basis.norm)
    spent = medians(
        {
            PLAIN: lambda: plain(few, weights, basis.n_max, basis.l_max, basis.norm),
            "torch": by_torch,
            "compiled": lambda: project_neighbourhoods(around),
        },
        repeats,
    )
    made = {"torch": Hologram.of(by_torch()[::10], HEAVY, basis), "compiled": project_neighbourhoods(few)}
    rates = {name: (len(few) if name == PLAIN else len(around)) / taken for name, taken in spent.items()}
    print("| how | neighbourhoods/s | x plain | worst relative error per (l, n) |\n|---|---|---|---|")
    for name, rate in rates.items():
        error = f"{worst(made[name], wanted):.1e}" if name in made else ""
        print(f"| {name} | {rate:,.0f} | {rate / rates[PLAIN]:.0f} | {error} |")
    print()


def whole_way(file: Path, repeats: int) -> None:
    """From the file to the arrays."""
    protein = Protein.read(file)
    around = Neighbourhoods.of(protein)
    steps: dict[str, Callable[[], object]] = {
        "read": lambda: Protein.read(file),
        "neighbours": lambda: Neighbourhoods.of(protein),
        "projection": lambda: project_neighbourhoods(around),
        "from the file to the hologram": lambda: project(file),
        "from the file to the published arrays": lambda: project(file, layout="hcnn"),
    }
    print("| step | ms | neighbourhoods/s |\n|---|---|---|")
    for name, taken in medians(steps, repeats).items():
        print(f"| {name} | {1000 * taken:.1f} | {len(around) / taken:,.0f} |")


def medians(variants: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of processor time of each, in turn; the first round, which compiles, does not count."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats + 1):
        for name, run in variants.items():
            started = time.process_time()
            run()
            spent[name].append(time.process_time() - started)
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


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

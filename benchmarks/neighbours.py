"""Neighbour lists side by side: equiviz (vesin, sorted, with vectors), ASE, and matscipy where it is installed.

Run: python benchmarks/neighbours.py [--particles 4096] [--repeats 5]. One thread; best of the repeats, in milliseconds
of CPU time (so that other work on the machine does not count).
The points are uniform in a cubic box at the density of the Kob-Andersen liquid (1.2 per sigma^3), cutoff 2 sigma.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from equiviz.structures import neighbours

DENSITY = 1.2
CUTOFF = 2.0


def best(task: Callable[[], int], repeats: int) -> tuple[float, int]:
    """Return the shortest CPU time in ms, and the number of edges found."""
    times: list[float] = []
    for _ in range(repeats):
        started = time.process_time()
        edges = task()
        times.append(1000 * (time.process_time() - started))
    return min(times), edges


def contenders(points: np.ndarray, side: float) -> dict[str, Callable[[], int]]:
    """Return name -> function that finds the edges with their vectors and shifts, and returns their number."""
    from ase.neighborlist import primitive_neighbor_list

    cell, pbc = np.eye(3) * side, (True, True, True)
    tensors = torch.from_numpy(points), torch.from_numpy(cell)
    tasks: dict[str, Callable[[], int]] = {
        "equiviz (vesin)": lambda: neighbours(tensors[0], CUTOFF, tensors[1]).edge_index.shape[1],
        "ASE": lambda: len(primitive_neighbor_list("ijSD", pbc, cell, points, CUTOFF)[0]),
    }
    try:
        from matscipy.neighbours import neighbour_list
    except ImportError:
        return tasks
    return {
        **tasks,
        "matscipy": lambda: len(neighbour_list("ijSD", cutoff=CUTOFF, positions=points, cell=cell, pbc=pbc)[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    side = (asked.particles / DENSITY) ** (1 / 3)
    points = np.random.default_rng(0).uniform(0, side, (asked.particles, 3))
    times = {name: best(task, asked.repeats) for name, task in contenders(points, side).items()}
    reference = times["equiviz (vesin)"][0]
    print(f"{asked.particles} points, cutoff {CUTOFF} sigma, one thread")
    for name, (milliseconds, edges) in times.items():
        print(f"{name:16} {milliseconds:9.1f} ms  {milliseconds / reference:7.1f}x  {edges} edges")


if __name__ == "__main__":
    main()

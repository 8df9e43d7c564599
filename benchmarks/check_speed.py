"""What the instrument costs: the default check, a full examination, and turning in batches beside one by one.

    python -m benchmarks.check_speed [--atoms 64] [--repeats 5]          (from the top of the repository)

The model is the compact e3nn network of the tests (two layers, four declared stages and three outputs, l <= 2), the
input a random molecule. Wall time on all cores, medians; the naive loop runs the model on one turned copy at a time.
"""

from __future__ import annotations

import argparse
import resource

import torch

import equiviz
from benchmarks.machine import machine_line
from benchmarks.timing import seconds
from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.orbit_runs import OrbitRuns
from equiviz.symmetry import quadrature
from tests.toy_networks import molecule, toy


def turned(runs: OrbitRuns, together: int) -> None:
    """All stages of all turned copies, so many in one batch."""
    runs.together = together
    for _ in runs.over(Orbit.of(quadrature(6, "O(3)").matrices)):
        pass


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--atoms", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    told = parser.parse_args()
    model, x = toy().eval(), molecule(told.atoms, length=1.5 * told.atoms ** (1 / 3))
    edges = model.prepare(x).edge_index.shape[1]
    print(f"{machine_line()}, {torch.get_num_threads()} threads; {told.atoms} atoms, {edges} edges")
    equiviz.check(model, x)  # imports and first calls
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs = OrbitRuns.of(model, x, None)
    batch = runs.together
    rows: dict[str, float] = {
        "check, as it is by default": seconds(lambda: equiviz.check(model, x), told.repeats),
        "check, as it is by default, 20 atoms": seconds(lambda: equiviz.check(model, molecule(20)), told.repeats),
        f"364 orientations, {batch} in one batch": seconds(lambda: turned(runs, batch), told.repeats),
        "364 orientations, one by one": seconds(lambda: turned(runs, 1), max(1, told.repeats // 2)),
        "examine: check, Lie derivative, spectrum to band limit 6 on O(3), 200 axes": seconds(
            lambda: equiviz.examine(model, x, band_limit=6), max(1, told.repeats // 2)
        ),
    }
    print("| what | s |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value:.2f} |")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 2**10
    print(f"peak memory above that of a first check: {grown:.0f} MiB")


if __name__ == "__main__":
    main()

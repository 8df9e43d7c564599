"""How fast are the descriptors, next to freud and dscribe, on one thread?

    python benchmarks/descriptors.py [--particles 4096] [--repeats 15] [--glass FILE]

Points: uniform in a periodic cube at density 1.2 per sigma^3, or the structure of a glass file in any supported format.
All contenders of one table take turns, and medians are shown. CPU time is what counts on a shared machine.

What is timed, for q_4 and q_6 together, of all points:
- "neighbours given": freud gets its NeighborList, equiviz its Neighbourhood, both made before; harmonics, sums and
norms are timed. - "search included": freud gets points and a query (it builds its own tree), equiviz a Structure.
freud works in float32, equiviz in float64; the largest difference of the results is shown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import freud
import numpy as np
import torch
from machine import machine_line

from equiviz.descriptors import (
    AngularSymmetryFunctions,
    AngularSymmetryFunctionsConfig,
    Hard,
    RadialSymmetryFunctions,
    RadialSymmetryFunctionsConfig,
    Steinhardt,
    SteinhardtConfig,
)
from equiviz.structures import Structure

DENSITY = 1.2
CUTOFFS = (1.4, 2.0)
Task = Callable[[], object]


def random_points(count: int) -> Structure:
    side = (count / DENSITY) ** (1 / 3)
    points = torch.rand(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * side
    species = 1 + (torch.arange(count) % 5 == 0).long()
    return Structure(points, species, torch.eye(3, dtype=torch.float64) * side, (True, True, True), length_unit="sigma")


def medians(tasks: dict[str, Task], repeats: int) -> dict[str, tuple[float, float]]:
    """Return name -> (CPU ms, wall ms), after one run that does not count (it compiles)."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for repeat in range(repeats + 1):
        for name, task in tasks.items():
            cpu, wall = time.process_time(), time.perf_counter()
            task()
            if repeat:
                times[name].append((1e3 * (time.process_time() - cpu), 1e3 * (time.perf_counter() - wall)))
    return {
        name: tuple(statistics.median(column) for column in zip(*rows, strict=True)) for name, rows in times.items()
    }


def steinhardt_tasks(structure: Structure, cutoff: float) -> tuple[dict[str, Task], float]:
    """Return freud and equiviz in pairs, and the largest difference of their results."""
    descriptor = Steinhardt(SteinhardtConfig(degrees=(4, 6), window=Hard(cutoff)))
    around = descriptor.neighbourhood(structure)
    box = freud.box.Box.cube(float(structure.cell[0, 0]))
    points = box.wrap(structure.positions.numpy())  # float32
    query = {"r_max": cutoff, "exclude_ii": True}
    bonds = freud.locality.AABBQuery(box, points).query(points, query).toNeighborList()
    nearest = Steinhardt(SteinhardtConfig(degrees=(4, 6), nearest=12))
    order = freud.order.Steinhardt([4, 6])
    order.compute((box, points), neighbors=bonds)
    difference = float(np.abs(np.nan_to_num(order.particle_order) - descriptor.evaluate(around).numpy()).max())
    tasks: dict[str, Task] = {
        "freud    neighbours given": lambda: order.compute((box, points), neighbors=bonds),
        "equiviz  neighbours given": lambda: descriptor.evaluate(around),
        "freud    search included": lambda: order.compute((box, points), neighbors=query),
        "equiviz  search included": lambda: descriptor(structure),
        "freud    12 nearest, search included": lambda: order.compute(
            (box, points), neighbors={"num_neighbors": 12, "exclude_ii": True}
        ),
        "equiviz  12 nearest, search included": lambda: nearest(structure),
    }
    return tasks, difference


def symmetry_function_tasks(structure: Structure, cutoff: float) -> dict[str, Task]:
    from ase import Atoms
    from dscribe.descriptors import ACSF

    radial, angular = ((4.0, 1.1), (4.0, 1.5)), ((0.1, 1.0, 1.0), (0.1, 4.0, -1.0))
    species = tuple(structure.species.unique().tolist())
    g2 = RadialSymmetryFunctions(RadialSymmetryFunctionsConfig(functions=radial, cutoff=cutoff, species=species))
    angles = {
        form: AngularSymmetryFunctions(
            AngularSymmetryFunctionsConfig(functions=angular, cutoff=cutoff, form=form, species=species)
        )
        for form in ("G4", "G5")
    }
    atoms = Atoms(structure.species.numpy(), structure.positions.numpy(), cell=structure.cell.numpy(), pbc=True)
    common = {"r_cut": cutoff, "species": list(species), "periodic": True}
    tables = {"g2_params": radial, "g4_params": angular, "g5_params": angular}
    acsf = {name[:2].upper(): ACSF(**common, **{name: [list(row) for row in rows]}) for name, rows in tables.items()}
    ours = {"G2": g2, **angles}
    tasks: dict[str, Task] = {}
    for name, descriptor in ours.items():
        tasks[f"dscribe  {name}, search included"] = lambda theirs=acsf[name]: theirs.create(atoms)
        tasks[f"equiviz  {name}, search included"] = lambda descriptor=descriptor: descriptor(structure)
    return tasks


def show(title: str, times: dict[str, tuple[float, float]]) -> None:
    print(f"\n{title:44s}{'CPU, ms':>10s}{'wall, ms':>10s}{'times faster (CPU)':>20s}")
    rows = list(times.items())
    for (theirs, slow), (ours, fast) in zip(rows[::2], rows[1::2], strict=True):
        print(f"{theirs:44s}{slow[0]:10.1f}{slow[1]:10.1f}")
        print(f"{ours:44s}{fast[0]:10.1f}{fast[1]:10.1f}{slow[0] / fast[0]:20.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--particles", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--glass", type=Path, help="a glass file; its first configuration is taken")
    parser.add_argument("--symmetry-functions", action="store_true", help="also time G2, G4, G5 next to dscribe")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    freud.parallel.set_num_threads(1)
    structure = random_points(asked.particles)
    if asked.glass:
        from equiviz.datasets.glass.folder import read_configurations

        structure = read_configurations(asked.glass)[0].structure
    print(f"{machine_line()}; {len(structure)} points, one thread, medians of {asked.repeats}")
    for cutoff in CUTOFFS:
        tasks, difference = steinhardt_tasks(structure, cutoff)
        title = f"q_4 and q_6, cutoff {cutoff} (difference {difference:.0e})"
        show(title, medians(tasks, asked.repeats))
    if asked.symmetry_functions:
        tasks = symmetry_function_tasks(structure, CUTOFFS[-1])
        show(f"two symmetry functions, cutoff {CUTOFFS[-1]}", medians(tasks, 3))


if __name__ == "__main__":
    main()

"""How fast and how exact are the kernel's Wigner D matrices, next to e3nn's?

    python benchmarks/wigner.py [--rotations 10000] [--lmax 6] [--repeats 7]

Both sides run in float64 on one thread, taking turns, on the same rotations. CPU time is what counts on a shared
machine; wall time is shown beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import torch
from e3nn import o3
from torch import Tensor

from equiviz.symmetry import Irreps, haar_matrices, irreps_matrices, rotations, spherical_harmonics, wigner_blocks

Blocks = list[Tensor]


def e3nn_dense(lmax: int, turns: Tensor) -> Blocks:
    dense = o3.Irreps(str(Irreps.spherical(lmax))).D_from_matrix(turns)
    return [dense[..., part, part] for part in Irreps.spherical(lmax).slices()]


def e3nn_blocks(lmax: int, turns: Tensor) -> Blocks:
    return [o3.Irrep(l, (-1) ** l).D_from_matrix(turns) for l in range(lmax + 1)]  # noqa: E741


def ours_blocks(lmax: int, turns: Tensor) -> Blocks:
    return wigner_blocks(range(lmax + 1), turns)


def ours_dense(lmax: int, turns: Tensor) -> Blocks:
    irreps = Irreps.spherical(lmax)
    dense = irreps_matrices(irreps, turns)
    return [dense[:, part, part] for part in irreps.slices()]


CONTENDERS: dict[str, Callable[[int, Tensor], Blocks]] = {
    "e3nn  Irreps.D_from_matrix (dense)": e3nn_dense,
    "ours  the same dense matrix": ours_dense,
    "e3nn  Irrep.D_from_matrix, block by block": e3nn_blocks,
    "ours  wigner_blocks": ours_blocks,
}


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


def speed(lmax: int, turns: Tensor, repeats: int) -> None:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(repeats):
        for name, blocks in CONTENDERS.items():
            times[name].append(seconds(lambda blocks=blocks: blocks(lmax, turns)))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}
    heading = f"l = 0 ... {lmax}, medians of {repeats}"
    print(f"\n{heading:44s}{'CPU, ms':>10s}{'wall, ms':>10s}{'times faster':>14s}")
    for (theirs, slow), (ours, fast) in zip(list(medians.items())[::2], list(medians.items())[1::2], strict=True):
        print(f"{theirs:44s}{1e3 * slow[0]:10.1f}{1e3 * slow[1]:10.1f}")
        print(f"{ours:44s}{1e3 * fast[0]:10.1f}{1e3 * fast[1]:10.1f}{slow[0] / fast[0]:14.1f}")


def error(degree: int, matrices: Tensor, turns: Tensor, points: Tensor) -> float:
    part = slice(degree**2, (degree + 1) ** 2)
    expected = spherical_harmonics(degree, torch.einsum("nij,pj->npi", turns, points))[..., part]
    return (torch.einsum("nab,pb->npa", matrices, spherical_harmonics(degree, points)[:, part]) - expected).abs().max()


def accuracy(lmax: int) -> None:
    points = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    print(f"\nlargest |Y_l(R x) - D_l(R) Y_l(x)|, l = {lmax}{'e3nn':>28s}{'ours':>12s}")
    cases = {"200 random rotations": haar_matrices(200, 1, "SO(3)")}
    for beta in (1e-8, 1e-6, 1e-3):
        cases[f"Euler angles (0.3, {beta:g}, 1.2)"] = rotations.from_euler(*torch.tensor([[0.3], [beta], [1.2]]))
    for name, turns in cases.items():
        theirs = error(lmax, o3.Irrep(lmax, 1).D_from_matrix(turns), turns, points)
        ours = error(lmax, wigner_blocks([lmax], turns)[0], turns, points)
        print(f"{name:44s}{theirs:20.1e}{ours:12.1e}")


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rotations", type=int, default=10_000)
    parser.add_argument("--lmax", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # e3nn computes in the default dtype; ours does not depend on it
    turns = haar_matrices(arguments.rotations, 0, "SO(3)")
    print(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, {processor()}, {os.cpu_count()} cores, one thread used")
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {arguments.rotations} rotations")
    pairs = zip(e3nn_blocks(arguments.lmax, turns), ours_blocks(arguments.lmax, turns), strict=True)
    print(f"largest difference from e3nn: {max((a - b).abs().max() for a, b in pairs):.1e}")
    speed(arguments.lmax, turns, arguments.repeats)
    accuracy(min(arguments.lmax, 11))


if __name__ == "__main__":
    main()

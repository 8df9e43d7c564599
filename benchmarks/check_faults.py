"""Planted faults: what `equiviz.check` says of each, beside what e3nn's own assertion says of the same network.

    make bench-check          (python -m benchmarks.check_faults, from the top of the repository)

The catalogue is that of the tests. e3nn's `assert_equivariant` sees outputs only, under one random element.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from e3nn.util.test import assert_equivariant as e3nn_assert
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from tests.equivariance.planted_faults import DIAGNOSES, FAULTS


def e3nns_verdict(model: nn.Module, x: Structure, seed: int = 0) -> str:
    """Whether e3nn's assertion lets the network pass."""

    def outputs(positions: Tensor, velocity: Tensor, spin: Tensor) -> tuple[Tensor, ...]:
        node = {"velocity": Field(velocity, "1o"), "spin": Field(spin, "1e")}
        found = model(model.prepare(replace(x, positions=positions, node=node)))
        return tuple(found[name].values for name in ("energy", "vector", "tensor"))

    torch.manual_seed(seed)
    arguments = [x.positions, x.node["velocity"].values, x.node["spin"].values]
    try:
        e3nn_assert(
            outputs, args_in=arguments, irreps_in=["cartesian_points", "1o", "1e"], irreps_out=["0e", "1o", "2e"]
        )
    except AssertionError:
        return "found"
    except Exception as problem:
        return f"raises {type(problem).__name__}"
    return "passes"


def main() -> None:
    """Print the table in Markdown."""
    print("| fault | found | first broken | cause found | as planted | e3nn's assertion | s |")
    print("|---|---|---|---|---|---|---|")
    right = passed = 0
    for name, fault in FAULTS.items():
        x, started = fault.structure(), time.perf_counter()
        report = check(fault.make(), x, wide=fault.wide)
        seconds = time.perf_counter() - started
        first = report.first_broken
        place = "none" if first is None else f"{first.stage}, {first.irrep}"
        cause = report.diagnoses[0].code if report.diagnoses else "none"
        agrees = first == (fault.stage, fault.irrep) and cause == DIAGNOSES[name]
        theirs = e3nns_verdict(fault.make(), x)
        right, passed = right + agrees, passed + (theirs == "passes")
        row = (
            name,
            "no" if report.passed else "yes",
            place,
            cause,
            "yes" if agrees else "NO",
            theirs,
            f"{seconds:.1f}",
        )
        print("| " + " | ".join(row) + " |", flush=True)
    print(
        f"\n{right} of {len(FAULTS)} found in their place with their cause; e3nn's assertion passes {passed} of them."
    )


if __name__ == "__main__":
    main()

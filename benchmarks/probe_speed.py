"""What a probe costs: ten expert descriptors on thousands of environments of a glass, with all controls.

    OMP_WAIT_POLICY=passive python -m benchmarks.probe_speed [--environments 4096] [--words]   (top of the repository)

The model is the shipped `glassy-T056` (its first member), the structures are the shipped test glasses, cut
to the environments asked for. Default controls: shuffled targets, three networks of random weights, species counts;
and the other direction. The time holds descriptors, captures and regressions; weights and data are read before.
"""

from __future__ import annotations

import argparse
import resource
import time

import torch

from benchmarks.machine import machine_line
from equiviz.datasets.glass.shipped import load_shipped
from equiviz.explain.probe import probe
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.training.load import load

ASKED = (
    *("q_4", "q_6", "w_4", "w_6", "q_bar_4", "q_bar_6"),
    *("coordination", "density", "tetrahedrality", "bonds 555"),
)


def main() -> None:
    """Print one line in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments", type=int, default=4096)
    parser.add_argument("--words", action="store_true", help="print what the probe found, too")
    told = parser.parse_args()
    whole = load("glassy-T056")
    model = next((part for part in whole.children() if isinstance(part, EquivariantModel)), whole)
    structures = [known.structure for known in load_shipped("test")]
    structures = structures[: max(5, -(-told.environments // len(structures[0])))]  # a fold holds whole structures
    print(f"{machine_line()}, {torch.get_num_threads()} threads; {len(structures)} glasses")
    started = time.perf_counter()
    report = probe(model, structures, ASKED, max_environments=told.environments, progress=True)
    took = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print("| descriptors | environments | stages | s | peak memory GiB |\n|---|---|---|---|---|")
    print(f"| {len(ASKED)} | {report.environments} | {len(report.unexplained)} | {took:.1f} | {memory:.2f} |")
    if told.words:
        print(report.describe())


if __name__ == "__main__":
    main()

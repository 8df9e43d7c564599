"""The gauge CNN: exact under 60 rotations, nearly under others, and what that is worth on turned digits.

    python -m benchmarks.gauge_cnn [--mnist FOLDER]          (from the top of the repository)

The first table is `equiviz.check` of one network with random weights, on grids of several levels: the error of each
stage under rotations, beside that under symmetries of the icosahedron. The second is the protocol of arXiv:1902.04615
for the shipped weights, on digits that they never saw; with `--mnist` also for those trained on MNIST's test images.
Results go to benchmarks/results/gauge_cnn.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.machine import machine_line
from equiviz.equivariance.check import check
from equiviz.models.gauge_cnn import GaugeCnn, GaugeCnnConfig
from equiviz.structures.atomic_file import write_atomically
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.training.digits_training import EMBEDDED, evaluate_digits
from equiviz.training.load import load

RESULTS = Path(__file__).parent / "results" / "gauge_cnn.json"
LEVELS = (2, 3, 4, 5)
SHOWN = ("feature_stages.0", "feature_stages.1", "output.classes")


def smooth(points: Tensor) -> Tensor:
    """Two signals without a grid: ``[V, 3]`` -> ``[V, 2]``."""
    x, y, z = points.T
    return torch.stack([x * y + z**3, torch.exp(2 * x) - y * z], -1)


def by_level() -> list[dict[str, object]]:
    """Errors of one network on finer and finer grids."""
    torch.manual_seed(0)
    weights: dict[str, Tensor] = {}
    rows: list[dict[str, object]] = []
    for level in LEVELS:
        config = GaugeCnnConfig(level=level, channels=2, widths=(6, 6), strides=(1, 1), outputs=3)
        model = GaugeCnn(config).double().eval()
        weights = weights or model.state_dict()
        model.load_state_dict(weights)
        frame = check(model, SphereSignal.sampled(smooth, level), elements=6, wide=0).to_frame()
        errors = frame.set_index(["group", "stage"])["inherited"]
        row: dict[str, object] = {"level": level, "points": 10 * 4**level + 2}
        row |= {stage: float(errors["rotation", stage]) for stage in SHOWN}
        row["symmetries, largest"] = float(errors["icosahedral"].max())
        rows.append(row)
        print(row, flush=True)
    return rows


def protocol(mnist: Path | None) -> list[dict[str, object]]:
    """N/N, N/I, N/R of shipped weights."""
    asked = [("gauge_cnn-digits", EMBEDDED), *([("gauge_cnn-mnist", str(mnist))] if mnist else [])]
    rows = []
    for name, data in asked:
        report = evaluate_digits(load(name), data, name)
        print(report.describe(), flush=True)
        rows.append(report.to_dict())
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, help="folder with MNIST's t10k files")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found = {"machine": machine_line(), "by level": by_level(), "protocol": protocol(asked.mnist)}
    write_atomically(RESULTS, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

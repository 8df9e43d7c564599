"""The gauge CNN: exact under 60 rotations, nearly under others, and what that is worth on turned digits and on weather.

    python -m benchmarks.gauge_cnn [--parts level digits ...] [--mnist FOLDER] [--weather FILE.nc]
                                                                            (from the top of the repository)

- level: `equiviz.check` of one network with random weights, on grids of several levels: the error of each stage
  under rotations, beside that under symmetries of the icosahedron.
- digits: the protocol of arXiv:1902.04615 for the shipped weights, on digits that they never saw; with `--mnist` also
  for those trained on MNIST's test images. Then the same weights on digits turned about the pole by an angle, and on
  digits turned anyhow, by how far their middle then is from a corner of the icosahedron: where accuracy is lost.
- controls: what networks reach that were trained on turned digits, or on a finer grid. They are trained here, for some
  minutes, and go on where they were stopped.
- weather: the shipped weights on maps that were drawn; with `--weather` also on those of a file.

Results go to benchmarks/results/gauge_cnn.json; what was not asked for stays as it was.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from benchmarks.machine import machine_line
from equiviz.datasets.cache import cache_folder
from equiviz.datasets.sphere.digits import Digits
from equiviz.datasets.sphere.weather import SYNTHETIC
from equiviz.equivariance.check import check
from equiviz.features.capture import capture
from equiviz.models.gauge_cnn import GaugeCnn, GaugeCnnConfig
from equiviz.models.registry import family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.atomic_file import write_atomically
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar_matrices
from equiviz.symmetry.icosahedral_grid import DIRECTIONS, grid
from equiviz.symmetry.sphere_signals import SphereSignals
from equiviz.training.digits_training import EMBEDDED, evaluate_digits, read_digits, train_digits
from equiviz.training.field_training import evaluate_fields
from equiviz.training.load import load
from equiviz.training.turned_spheres import Turned

PARTS = ("level", "digits", "controls", "weather")
RESULTS = Path(__file__).parent / "results" / "gauge_cnn.json"
LEVELS = (2, 3, 4, 5)
SHOWN = ("feature_stages.0", "feature_stages.1", "output.classes")
DIGITS_MODEL, MNIST_MODEL, WEATHER_MODEL = "gauge_cnn-digits", "gauge_cnn-mnist", "gauge_cnn-weather"
POLE = (0.0, 1.0, 0.0)
ANGLES = (0, 6, 12, 18, 24, 30, 36, 48, 60, 66, 72)
"""Degrees about the pole; a symmetry of the icosahedron only at 0 and 72."""
RINGS = (0, 8, 16, 24, 32, 38)
"""Degrees from the nearest corner; the middle of a face is 37.4 degrees away from three."""
DRAWS = 4
"""Rotations of each picture, up to so many pictures in all."""
MOST = 2_000


@dataclass(frozen=True)
class Control:
    """A training on the embedded digits besides the shipped one.

    Attributes:
        turned: what its spheres are turned by.
        copies: of each picture, each turned differently.
        epochs: over all copies.
        config: settings of the network.
    """

    turned: Turned
    copies: int
    epochs: int
    config: Mapping[str, object]


CONTROLS = {
    "R, level 3": Control("R", 8, 8, {}),
    "N, level 4": Control("N", 1, 15, {"level": 4}),
}


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
        row |= directional(model, level)
        rows.append(row)
        print(row, flush=True)
    return rows


def directional(model: EquivariantModel, level: int) -> dict[str, float]:
    """Of features with directions, what differs between the six: its error under rotations, and its share of the norm.

    Features [1, C, 6, V] less their means over the six; errors relative to these, rms over six rotations.
    """
    x = SphereSignal.sampled(smooth, level)
    before, found = capture(model, x), {}
    for stage in SHOWN[:-1]:
        features = before[stage]
        parts = _apart(features)
        square = [
            float((_apart(capture(model, x.transform(g))[stage]) - _apart(features.transform(g))).square().sum())
            for g in map(O3, haar_matrices(6, 0, "SO(3)"))
        ]
        found[f"{stage}, between directions"] = (sum(square) / len(square)) ** 0.5 / float(parts.norm())
        found[f"{stage}, share between directions"] = float(parts.norm() / features.values.norm())
    return found


def _apart(features: Field) -> Tensor:
    kind = cast(SphereSignals, features.representation)
    values = features.values.unflatten(1, (kind.channels, DIRECTIONS, -1))
    return values - values.mean(2, keepdim=True)


def protocol(model: EquivariantModel, data: str, name: str) -> dict[str, object]:
    """N/N, N/I, N/R (or what it was trained on, instead of N)."""
    report = evaluate_digits(model, data, name)
    print(report.describe(), flush=True)
    return report.to_dict()


def turned_apart(model: EquivariantModel, digits: Digits, level: int) -> dict[str, object]:
    """Accuracy by the angle about the pole, and by the distance of the digit's middle from the nearest corner."""
    about = [O3.rotation(POLE, math.radians(angle)).matrix for angle in ANGLES]
    by_angle = {
        str(angle): float(right(model, digits, level, turn.expand(len(digits), 3, 3)).double().mean())
        for angle, turn in zip(ANGLES, about, strict=True)
    }
    draws = [haar_matrices(len(digits), seed, "SO(3)") for seed in range(max(1, min(DRAWS, MOST // len(digits))))]
    known = torch.cat([right(model, digits, level, draw) for draw in draws]).double()
    at = grid(level)
    nearest = (torch.cat(draws)[:, :, 1] @ at.positions[at.corners].T).amax(1).clamp(max=1)
    degrees = torch.rad2deg(torch.arccos(nearest))
    rings = {f"{inner} to {outer}": (degrees >= inner) & (degrees < outer) for inner, outer in pairwise(RINGS)}
    by_ring = {
        name: {"accuracy": float(known[ring].mean()), "pictures": int(ring.sum())} for name, ring in rings.items()
    }
    found: dict[str, object] = {"about the pole, degrees": by_angle, "middle from the nearest corner, degrees": by_ring}
    print(json.dumps(found, indent=1), flush=True)
    return found


def right(model: EquivariantModel, digits: Digits, level: int, turns: Tensor) -> Tensor:
    """``[S]`` whether each turned picture is recognised."""
    found = []
    for rows in torch.arange(len(digits)).split(64):
        with torch.no_grad():
            outputs = model(model.prepare(digits[rows].on_sphere(level, turns[rows])))  # type: ignore[arg-type]
        found.append(outputs["classes"].values.argmax(1) == digits.labels[rows])
    return torch.cat(found)


def apart(name: str, data: str) -> dict[str, object]:
    """`turned_apart` of shipped weights, on digits that they never saw."""
    model = load(name)
    assert isinstance(model, GaugeCnn)
    return turned_apart(model, read_digits(data).part("test"), model.level)


def controls() -> dict[str, object]:
    """Protocol, and where accuracy is lost, of networks that were trained otherwise."""
    found: dict[str, object] = {}
    for name, asked in CONTROLS.items():
        folder = cache_folder() / "gauge_cnn" / name.replace(", ", "-").replace(" ", "")
        trained = train_digits(
            family("gauge_cnn"),
            EMBEDDED,
            folder,
            epochs=asked.epochs,
            config=asked.config,
            turned=asked.turned,
            copies=asked.copies,
        )
        assert isinstance(trained.model, GaugeCnn)
        print(f"{name}: {trained.report.describe()}", flush=True)
        lost = turned_apart(trained.model, read_digits(EMBEDDED).part("test"), trained.model.level)
        found[name] = {**trained.report.to_dict(), **lost}
    return found


def weather(file: Path | None) -> dict[str, object]:
    """Errors of the shipped weights on unseen maps, drawn ones and those of a file."""
    model = load(WEATHER_MODEL)
    reports = {SYNTHETIC: evaluate_fields(model, SYNTHETIC, WEATHER_MODEL)}
    if file is not None:
        reports["file"] = evaluate_fields(model, file, WEATHER_MODEL)
    for report in reports.values():
        print(report.describe(), flush=True)
    return {name: report.to_dict() for name, report in reports.items()}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure; all by default")
    parser.add_argument("--mnist", type=Path, help="folder with MNIST's t10k files")
    parser.add_argument("--weather", type=Path, help="NetCDF file of ERA-Interim")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, object] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found["machine"] = machine_line()
    if "level" in asked.parts:
        found["by level"] = by_level()
    if "digits" in asked.parts:
        shipped = {DIGITS_MODEL: EMBEDDED, **({MNIST_MODEL: str(asked.mnist)} if asked.mnist else {})}
        found["protocol"] = [protocol(load(name), data, name) for name, data in shipped.items()]
        found["turned"] = {name: apart(name, data) for name, data in shipped.items()}
    if "controls" in asked.parts:
        found["controls"] = controls()
    if "weather" in asked.parts:
        found["weather"] = weather(asked.weather)
    write_atomically(RESULTS, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Train and score the weights of PaiNN that travel in the package, `equiviz/weights/painn-acac` and `painn-water`.

    python -m benchmarks.painn_weights acac --data FOLDER/molecules [--work runs/painn] [--ship]
    python -m benchmarks.painn_weights water --data FOLDER/molecules [--work runs/painn] [--ship]

acac: acetylacetone at 300 K and 600 K (train_300K.xyz, train_600K.xyz; a tenth validates), scored on test_MD_300K.xyz.
water: monomer, dimer and Zundel cation; of every five frames of a file the fifth is the test set, a tenth of the others
validates. One thread; an interrupted training goes on where it was. With --ship the result is copied into the package.
"""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.machine import machine_line
from equiviz.datasets.molecules.frames import Frame, read_molecules
from equiviz.models.registry import family
from equiviz.training.load import SHIPPED, load
from equiviz.training.molecule_report import evaluate_molecules
from equiviz.training.molecule_training import held_out, plan_for_frames, train_molecules

FIFTH = 5


def split(task: str, data: Path) -> tuple[list[Frame], list[Frame]]:
    """Frames to train on (validation among them), and the test set."""
    if task == "acac":
        folder = data / "acac"
        return (
            read_molecules([folder / "train_300K.xyz", folder / "train_600K.xyz"]),
            read_molecules(folder / "test_MD_300K.xyz"),
        )
    frames = read_molecules(data / "water_tensors")
    places = [(int(frame.name.rpartition("[")[2][:-1]), frame) for frame in frames]
    held = [frame for place, frame in places if place % FIFTH == FIFTH - 1]
    return [frame for place, frame in places if place % FIFTH != FIFTH - 1], held


def main(task: str, data: Path, work: Path, ship: bool) -> None:
    """Train, or go on; then score, and ship if asked."""
    torch.set_num_threads(1)
    print(machine_line())
    training, test = split(task, data)
    started = time.process_time()
    plan = plan_for_frames(held_out(training)[0])
    if task == "water":
        plan = replace(plan, tensor_unit="a.u.")  # as ../shared/data/README.md says; the files state none
    trained = train_molecules(family("painn"), training, work / f"painn-{task}", plan=plan)
    print(f"{time.process_time() - started:.0f} s of CPU time in this process\n{trained.describe()}")
    print(evaluate_molecules(load(trained.folder), test, f"painn-{task} on its test set:").describe())
    if ship:
        target = SHIPPED / f"painn-{task}"
        target.mkdir(exist_ok=True)
        for name in ("weights.safetensors", "manifest.json"):
            shutil.copy2(trained.folder / name, target / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["acac", "water"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/molecules"))
    parser.add_argument("--work", type=Path, default=Path("runs/painn"))
    parser.add_argument("--ship", action="store_true")
    asked = parser.parse_args()
    main(asked.task, asked.data, asked.work, asked.ship)

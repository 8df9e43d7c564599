"""Train and score the weights of PaiNN that travel in the package, `equiviz/weights/painn-acac` and others.

    python -m benchmarks.painn_weights acac --data FOLDER/molecules [--work runs/painn] [--ship | --rescore]
    python -m benchmarks.painn_weights water --data FOLDER/molecules [--work runs/painn] [--ship]
    python -m benchmarks.painn_weights water-energy --data FOLDER/molecules [--work runs/painn] [--ship]

acac: acetylacetone at 300 K and 600 K (train_300K.xyz, train_600K.xyz; a tenth validates), scored on test_MD_300K.xyz.
water: monomer, dimer and Zundel cation; of every five frames of a file the fifth is the test set, but for turned copies
of others (18 of the monomer); a tenth of the others validates. water-energy: the energy of the monomer (the data have
no forces), same split. One thread; an interrupted training goes on where it was. With --ship the result goes into the
package, its scores on the test set in the manifest; with --rescore the weights that are in the package are scored, and
nothing is trained.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from ase.units import Hartree

from benchmarks.machine import machine_line
from equiviz.datasets.molecules.frames import TYPES, Frame, read_molecules
from equiviz.models.registry import family
from equiviz.structures.read import read
from equiviz.symmetry.field import Field
from equiviz.training.checkpoint import load_checkpoint, save_checkpoint
from equiviz.training.load import SHIPPED, load
from equiviz.training.molecule_overlap import fingerprint, fingerprints
from equiviz.training.molecule_report import MoleculeReport, evaluate_molecules
from equiviz.training.molecule_training import MoleculePlan, held_out, plan_for_frames, train_molecules

FIFTH = 5
UNSEEN = {
    "acac": "test_MD_300K.xyz",
    "water": "each fifth frame, unseen",
    "water-energy": "each fifth frame of the monomer, unseen",
}
"""The test sets, as manifests call them."""
LEARNED = {
    "acac": "acetylacetone at 300 K and 600 K",
    "water": "water monomer, dimer, Zundel cation",
    "water-energy": "water monomer",
}
"""What they were trained on, likewise."""


def split(task: str, data: Path) -> tuple[list[Frame], list[Frame]]:
    """Frames to train on (validation among them), and the test set."""
    if task == "acac":
        folder = data / "acac"
        return (
            read_molecules([folder / "train_300K.xyz", folder / "train_600K.xyz"]),
            read_molecules(folder / "test_MD_300K.xyz"),
        )
    folder = data / "water_tensors"
    frames = monomer_energies(folder) if task == "water-energy" else read_molecules(folder)
    places = [(int(frame.name.rpartition("[")[2][:-1]), frame) for frame in frames]
    learned = [frame for place, frame in places if place % FIFTH != FIFTH - 1]
    known = {fingerprint(frame) for frame in learned}  # some frames of the monomer are turned copies of others
    held = [frame for place, frame in places if place % FIFTH == FIFTH - 1 and fingerprint(frame) not in known]
    return learned, held


def monomer_energies(folder: Path) -> list[Frame]:
    """Frames of the water monomer with their energies in eV; the file calls them `potential`, in Hartree."""
    path = folder / "water_monomer.xyz"
    found = read(path, slice(None), attributes={**TYPES, "potential": "0e"})
    return [
        Frame(
            f"{path.name}[{place}]",
            replace(one, node={}, graph={}, name=f"{path.name}[{place}]"),
            {"energy": Field(Hartree * one.graph["potential"].values.double(), "1x0e", "graph")},
        )
        for place, one in enumerate(found)
    ]


def plan_of(task: str, training: list[Frame]) -> MoleculePlan:
    """How to train: as the package would, but for what the files do not say, and a network for three atoms."""
    plan = plan_for_frames(held_out(training)[0])
    if task == "water":
        return replace(plan, tensor_unit="a.u.")  # as ../shared/data/README.md says; the files state none
    if task == "water-energy":
        # Of three atoms one layer sees all; a second one trained on energies alone makes curvature rough (by 30 %).
        small = {"width": 64, "layers": 1, "radial": 8, "cutoff": 5.0}
        recipe = replace(plan.recipe, epochs=400, learning_rate=5e-3, batch=20)
        return replace(plan, recipe=recipe, settings={**plan.settings, **small})
    return plan


def ship(task: str, folder: Path, learned: Sequence[Frame], report: MoleculeReport) -> None:
    """Into the package, with the scores on the test set; those on the frames that chose the epoch stay beside them."""
    found = load_checkpoint(folder)
    chosen = found.manifest.scores.get("validation", found.manifest.scores)
    told = {**report.to_dict(), "on": UNSEEN[task], "validation": chosen}
    named = {**found.manifest.data, "name": LEARNED[task], "fingerprints": fingerprints(learned)}
    with tempfile.TemporaryDirectory() as fresh:
        saved = save_checkpoint(fresh, list(found.states), replace(found.manifest, scores=told, data=named))
        for name in ("weights.safetensors", "manifest.json"):
            (SHIPPED / f"painn-{task}").mkdir(exist_ok=True)
            shutil.copy2(saved / name, SHIPPED / f"painn-{task}" / name)


def main(task: str, data: Path, work: Path, shipped: bool, rescore: bool) -> None:
    """Train, or go on; then score, and ship if asked."""
    torch.set_num_threads(1)
    print(machine_line())
    training, test = split(task, data)
    folder = SHIPPED / f"painn-{task}"
    if not rescore:
        started = time.process_time()
        trained = train_molecules(family("painn"), training, work / f"painn-{task}", plan=plan_of(task, training))
        print(f"{time.process_time() - started:.0f} s of CPU time in this process\n{trained.describe()}")
        folder = trained.folder
    report = evaluate_molecules(load(folder), test, f"painn-{task}")
    print(f"On its test set: {report.describe()}")
    if shipped or rescore:
        ship(task, folder, training, report)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["acac", "water", "water-energy"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/molecules"))
    parser.add_argument("--work", type=Path, default=Path("runs/painn"))
    parser.add_argument("--ship", action="store_true")
    parser.add_argument("--rescore", action="store_true")
    asked = parser.parse_args()
    main(asked.task, asked.data, asked.work, asked.ship, asked.rescore)

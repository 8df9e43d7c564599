"""Train the shipped `hcnn`, and measure it beside simpler models, substitutions and measured mutations.

    OMP_WAIT_POLICY=passive python -m benchmarks.hcnn train     --data FOLDER/proteins   # resumable; ships them
    OMP_WAIT_POLICY=passive python -m benchmarks.hcnn variants  --data FOLDER/proteins  # resumable: what helped
    OMP_WAIT_POLICY=passive python -m benchmarks.hcnn baselines --data FOLDER/proteins  # resumable
    OMP_WAIT_POLICY=passive python -m benchmarks.hcnn tables    --data FOLDER/proteins  # prints, and writes results

FOLDER/proteins has pdb/, split.json, 1PGA.pdb, 6m0j.pdb and ddg/. Everything was chosen on the validation proteins; the
test proteins are scored here and nowhere else. States of unfinished trainings lie in the cache folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.hcnn_baselines import BASELINES, Name, baseline
from benchmarks.hcnn_members import VARIANTS, mixtures, place, proteins, save_members, state, trained
from benchmarks.machine import machine_line
from equiviz.datasets.proteins.mutation_table import MutationTable
from equiviz.datasets.proteins.protein_set import ProteinSet, structure_files
from equiviz.explain.probe import probe
from equiviz.explain.proteins.burial import accuracy_by_burial
from equiviz.explain.proteins.environment_targets import environment_targets
from equiviz.explain.proteins.mutations import score_mutations
from equiviz.explain.proteins.scan import surroundings
from equiviz.explain.proteins.substitutions import substitutions
from equiviz.models.hcnn import HcnnConfig
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.atomic_file import write_atomically
from equiviz.training.calibration import divide_outputs, temperature
from equiviz.training.checkpoint import load_checkpoint, save_checkpoint
from equiviz.training.load import SHIPPED, Ensemble, load
from equiviz.training.protein_training import Epoch, HologramRecipe, train_on_holograms
from equiviz.training.recovery import RecoveryReport, evaluate_recovery, proteins_for

RESULTS = Path(__file__).parent / "results" / "hcnn.json"
TABLE = "ddg/stabilityoracle_C2878.csv"


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=("train", "variants", "baselines", "tables"))
    parser.add_argument("--data", type=Path, required=True)
    told = parser.parse_args()
    torch.set_num_threads(1)
    {"train": train, "variants": train_variants, "baselines": train_baselines, "tables": tables}[told.part](told.data)


def train(data: Path) -> None:
    """The members, and their home in the package."""
    print(save_members(data, place("members"), told))
    ship(data)


def ship(data: Path) -> None:
    """The scores of what was saved on the test proteins, and its home in the package."""
    saved, model = load_checkpoint(place("members")), load(place("members"))
    found = evaluate_recovery(model, unseen_proteins(data, model), "hcnn")
    scores = {
        "accuracy": found.accuracy,
        "accuracy_interval": list(found.interval()),
        "cross_entropy": found.cross_entropy,
        "on": "test proteins",
    }
    manifest = replace(saved.manifest, scores=scores)
    shutil.rmtree(SHIPPED / "hcnn", ignore_errors=True)
    print(save_checkpoint(SHIPPED / "hcnn", members(), manifest, half=True))


def train_variants(data: Path) -> None:
    """One network of each; states are kept."""
    for name in VARIANTS:
        print(name, trained(name, 0, data, told)[1][-1])
    print(mixtures(data))


def variants(data: Path) -> dict[str, dict[str, float]]:
    """What one network of each that is trained reaches on the validation proteins."""
    ends = {name: trained(name, 0, data)[1][-1] for name in VARIANTS if state(name, 0).is_dir()}
    return {name: {"accuracy": end.accuracy, "cross_entropy": end.cross_entropy} for name, end in ends.items()}


def train_baselines(data: Path) -> None:
    """Networks on invariants of the same holograms, trained by the same recipe."""
    training, validation = (proteins(data, split, HcnnConfig()) for split in ("train", "validation"))
    for name in BASELINES:
        network = baseline(name)
        train_on_holograms(network, training.around, validation.around, HologramRecipe(), place(name), told)


def tables(data: Path) -> None:
    """All figures of docs/proteins.md."""
    ensemble = load("hcnn")
    test = unseen_proteins(data, ensemble)
    singles = [evaluate_recovery(member, test, f"member {k}") for k, member in enumerate(members())]
    whole = evaluate_recovery(ensemble, test, "hcnn")
    results: dict[str, object] = {
        "machine": machine_line(),
        "sites": len(test),
        "chance": whole.chance,
        "members": [row(one, parameters(members()[0])) for one in singles],
        "ensemble": {**row(whole, parameters(ensemble)), "calibration_error": whole.calibration_error},
        "reliability": whole.reliability().to_dict("records"),
        "per_class": whole.to_frame().to_dict("records"),
        "baselines": {name: baseline_row(name, data) for name in BASELINES if (place(name)).is_dir()},
        "variants, on validation": variants(data),
        "mixtures, on validation": mixtures(data),
        "substitutions": substitutions(whole).spearman,
        "probe of 6M0J, best stage": probed(members()[0], data),
        "burial": accuracy_by_burial(ensemble, test).to_frame().to_dict("records"),
        "mutations": {name: mutations(ensemble, data, name) for name in ("1PGA",)},
    }
    write_atomically(RESULTS, json.dumps(results, indent=1) + "\n")
    print(markdown(results))
    print(substitutions(whole).describe())
    print(accuracy_by_burial(ensemble, test).describe())


def markdown(results: dict[str, Any]) -> str:
    """The table of docs/proteins.md."""
    rows = [
        f"{results['machine']}; {results['sites']:,} test residues",
        "",
        "| | parameters | recovered | 95 % | cross entropy, nats |",
        "|---|---|---|---|---|",
        f"| the commonest everywhere | | {results['chance']:.1%} | | |",
    ]
    named = {f"power spectrum, {name} + MLP": own for name, own in results["baselines"].items()}
    named |= {f"hcnn, network {k}": own for k, own in enumerate(results["members"])}
    named |= {f"**hcnn, all {len(results['members'])}**": results["ensemble"]}
    for name, own in named.items():
        low, high = own["interval"]
        known = f"{own['accuracy']:.1%} | {low:.1%} to {high:.1%} | {own['cross_entropy']:.3f}"
        rows.append(f"| {name} | {own['parameters']:,} | {known} |")
    return "\n".join(rows)


def row(found: RecoveryReport, count: int) -> dict[str, object]:
    """One line of the table."""
    return {
        "parameters": count,
        "accuracy": found.accuracy,
        "interval": list(found.interval()),
        "cross_entropy": found.cross_entropy,
    }


def baseline_row(name: Name, data: Path) -> dict[str, object]:
    """A trained baseline on the test proteins; its training finds that it is done."""
    network = baseline(name)
    training, validation, test = (proteins(data, split, HcnnConfig()) for split in ("train", "validation", "test"))
    train_on_holograms(network, training.around, validation.around, HologramRecipe(), place(name))
    held = evaluate_recovery(network, validation, name)
    divide_outputs(network.out, temperature(held.preferences, held.classes))  # as those of hcnn are
    return row(evaluate_recovery(network, test, name), parameters(network))


def probed(model: EquivariantModel, data: Path) -> dict[str, dict[str, float]]:
    """By target the best R2 of all stages, of the trained network and of random ones."""
    around = surroundings(model, data / "6m0j.pdb")
    scores = probe(model, around, environment_targets(around)).scores
    found: dict[str, dict[str, float]] = {}
    for score in scores:
        own = found.setdefault(score.target, {})
        own[score.control] = max(score.r2, own.get(score.control, -1.0))
    return found


def mutations(model: EquivariantModel, data: Path, name: str) -> dict[str, object]:
    """Correlations with measured ddG."""
    found = score_mutations(model, data / f"{name}.pdb", "A", MutationTable.read(data / TABLE, name, "A"))
    told = found.to_dict()
    print(found.describe())
    return {key: told[key] for key in ("mutations", "pearson", "pearson_interval", "spearman", "spearman_interval")}


def members() -> list[EquivariantModel]:
    """The networks of the ensemble, each by itself."""
    model = load(place("members"))
    return model.members if isinstance(model, Ensemble) else [model]


def unseen_proteins(data: Path, model: EquivariantModel) -> ProteinSet:
    """The test proteins as a model reads them."""
    return proteins_for(model, structure_files(data, "test"), progress=True)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def told(epoch: Epoch) -> None:
    print(f"epoch {epoch.number}: validation {epoch.accuracy:.2%}, {epoch.cross_entropy:.4f} nats", flush=True)


if __name__ == "__main__":
    main()

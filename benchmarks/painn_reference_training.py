"""Training schnetpack's PaiNN by our recipe, in schnetpack's environment; `benchmarks.painn_reference` starts it.

    .venv-interop/schnetpack/bin/python -m benchmarks.painn_reference_training ARRAYS OUT

ARRAYS holds what our side wrote, plain numbers without pickle: `training.npz` and other sets of molecules, `steps.npz`
(the order of the molecules in each epoch; the rate, the momentum and the decay of the average at each step) and
`settings.json`. OUT gets `state.npz` after each epoch, from which an interrupted training goes on with the same
numbers, then `weights.npz`, `spent.json`, and for each set but the first `predicted_NAME.npz`. One thread.

Network and heads are schnetpack's own: PaiNN, Atomwise, Forces, DipoleMoment with vectors, Polarizability. Charges of
the dipole are not corrected to add up to zero, for one of the molecules is an ion. Scales and shifts act on what the
heads give, as in our network.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.painn import schnetpack_itself
from equiviz.structures.atomic_file import write_atomically

# Shapes: B molecules, N atoms of all of them, E edges.
TENSORS = ("dipole", "polarizability")
EDGES = ("idx_i", "idx_j")
PER_ATOM = ("positions", "species", "forces")
TRAINING = "training"
VALIDATION = "validation"

Molecule = dict[str, Tensor]


def network(settings: Mapping[str, Any]) -> nn.Module:
    """schnetpack's, with the heads that the outputs ask for; weights are drawn from the seed."""
    schnetpack, width = schnetpack_itself(), settings["width"]
    torch.manual_seed(settings["seed"])
    body = schnetpack.representation.PaiNN(
        n_atom_basis=width,
        n_interactions=settings["layers"],
        radial_basis=schnetpack.nn.BesselRBF(n_rbf=settings["radial"], cutoff=settings["cutoff"]),
        cutoff_fn=schnetpack.nn.CosineCutoff(settings["cutoff"]),
    )
    atomistic = schnetpack.atomistic
    heads = {
        "energy": lambda: atomistic.Atomwise(n_in=width, output_key="energy"),
        "forces": lambda: atomistic.Forces(),
        "dipole": lambda: atomistic.DipoleMoment(
            n_in=width, dipole_key="dipole", use_vector_representation=True, correct_charges=False
        ),
        "polarizability": lambda: atomistic.Polarizability(n_in=width, polarizability_key="polarizability"),
    }
    chosen = [heads[name]() for name in settings["outputs"]]
    return schnetpack.model.NeuralNetworkPotential(body, [atomistic.PairwiseDistances()], chosen)


def molecules_of(path: Path) -> list[Molecule]:
    """The molecules of a set, one after another."""
    with np.load(path) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    sizes, pairs = arrays.pop("sizes").tolist(), arrays.pop("pairs").tolist()
    lengths = {name: pairs if name in EDGES else sizes if name in PER_ATOM else [1] * len(sizes) for name in arrays}
    parts = {name: values.split(lengths[name]) for name, values in arrays.items()}
    return [{name: parts[name][place] for name in parts} for place in range(len(sizes))]


def joined(molecules: Sequence[Molecule]) -> Molecule:
    """As one; edges then point into all of their atoms."""
    sizes = torch.tensor([len(one["species"]) for one in molecules])
    starts = (sizes.cumsum(0) - sizes).tolist()
    whole = {name: torch.cat([one[name] for one in molecules]) for name in molecules[0] if name not in EDGES}
    for name in EDGES:
        whole[name] = torch.cat([one[name] + start for one, start in zip(molecules, starts, strict=True)])
    return whole | {"sizes": sizes}


def predicted(model: nn.Module, batch: Molecule, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """What the network says in the units of the data: energy [B, 1] float64, the others as our network gives them."""
    sizes = batch["sizes"]
    inputs = {
        "_idx": torch.arange(len(sizes)),
        "_positions": batch["positions"].float(),
        "_atomic_numbers": batch["species"],
        "_cell": torch.zeros(len(sizes), 3, 3),
        "_pbc": torch.zeros(len(sizes), 3, dtype=torch.bool),
        "_idx_i": batch["idx_i"],
        "_idx_j": batch["idx_j"],
        "_idx_m": torch.arange(len(sizes)).repeat_interleave(sizes),
        "_offsets": torch.zeros(len(batch["idx_i"]), 3),
        "_n_atoms": sizes,
    }
    given, found = model(inputs), {}
    if "energy" in given:
        found["energy"] = settings["energy_scale"] * given["energy"].double()[:, None] + batch["energy_shift"]
    if "forces" in given:
        found["forces"] = settings["energy_scale"] * given["forces"]
    if "dipole" in given:
        found["dipole"] = settings["dipole_scale"] * given["dipole"]
    if "polarizability" in given:
        isotropic = batch["polarizability_shift"].float() * torch.eye(3).flatten()
        found["polarizability"] = settings["polarizability_scale"] * given["polarizability"].flatten(1) + isotropic
    return found


def loss_of(found: Mapping[str, Tensor], batch: Molecule, settings: Mapping[str, Any]) -> Tensor:
    """That of `equiviz.training.molecule_task.MoleculeObjective`; a test compares both."""
    total = torch.zeros((), dtype=torch.float64)
    for name, values in found.items():
        error = values - batch[name].to(values)
        if name == "energy":
            total = total + settings["energy_weight"] * (error.square() / batch["sizes"][:, None]).mean()
        elif name == "forces":
            total = total + settings["force_weight"] * error.square().mean()
        else:
            total = total + settings[f"{name}_weight"] * (error / settings[f"{name}_scale"]).square().mean()
    return total


@dataclass(eq=False)
class ReferenceTraining:
    """A training, its state, and how far it is.

    Attributes:
        arrays: the folder that our side wrote.
        out: gets the state.
        losses, scores, seconds: of each epoch that is done: mean loss of its steps, minus the root of the loss on the
            validation set, CPU seconds.
    """

    arrays: Path
    out: Path
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings: dict[str, Any] = json.loads((self.arrays / "settings.json").read_text())
        self.subject = _digest(self.arrays)
        self.model = network(self.settings)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=self.settings["learning_rate"])
        self.averaged = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.best = dict(self.averaged)
        with np.load(self.arrays / "steps.npz") as steps:
            self.order, self.steps = steps["order"], {name: steps[name] for name in ("rate", "momentum", "decay")}
        if (self.out / "state.npz").exists():
            self._restore()

    def run(self, until: int | None = None) -> None:
        """The epochs that are still to do, up to `until`."""
        molecules = molecules_of(self.arrays / f"{TRAINING}.npz")
        validation = joined(molecules_of(self.arrays / f"{VALIDATION}.npz"))
        for epoch in range(len(self.losses), len(self.order) if until is None else until):
            start = time.process_time()
            self.losses.append(self._train([molecules[place] for place in self.order[epoch]], epoch))
            score = -float(loss_of(self.scored(validation), validation, self.settings).sqrt())
            if not self.scores or score > max(self.scores):
                self.best = dict(self.averaged)
            self.scores.append(score)
            self.seconds.append(time.process_time() - start)
            self._save()
            print(f"epoch {epoch} loss {self.losses[-1]:.5f} score {score:.5f} {self.seconds[-1]:.2f} s", flush=True)

    def _train(self, molecules: Sequence[Molecule], epoch: int) -> float:
        self.model.train()
        size, losses = self.settings["batch"], []
        chunks = [molecules[start : start + size] for start in range(0, len(molecules), size)]
        for number, chunk in enumerate(chunks):
            step = epoch * len(chunks) + number
            for group in self.optimiser.param_groups:
                group["lr"] = float(self.steps["rate"][step])
                group["betas"] = (float(self.steps["momentum"][step]), 0.999)
            batch = joined(chunk)
            loss = loss_of(predicted(self.model, batch, self.settings), batch, self.settings)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["clip"], error_if_nonfinite=True)
            self.optimiser.step()
            self.optimiser.zero_grad()
            losses.append(float(loss.detach()))
            self._follow(float(self.steps["decay"][step]))
        return sum(losses) / len(losses)

    def _follow(self, decay: float) -> None:
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.averaged[name] = self.averaged[name].lerp(value, 1.0 - decay)

    def scored(self, batch: Molecule, weights: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Predictions with the averaged weights, or others; the live ones are put back."""
        live = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.eval()
        self.model.load_state_dict(dict(weights or self.averaged))
        found = {name: value.detach() for name, value in predicted(self.model, batch, self.settings).items()}
        self.model.load_state_dict(live)
        return found

    def _save(self) -> None:
        moments = self.optimiser.state_dict()["state"]
        kept = {f"adam/{place}/{name}": value for place, own in moments.items() for name, value in own.items()}
        for kind, weights in (("live", self.model.state_dict()), ("averaged", self.averaged), ("best", self.best)):
            kept |= {f"{kind}/{name}": value for name, value in weights.items()}
        numbers = {name: np.array(getattr(self, name)) for name in ("losses", "scores", "seconds")}
        arrays = {name: value.detach().numpy() for name, value in kept.items()} | numbers
        write_npz(self.out / "state.npz", arrays | {"subject": np.array(self.subject)})

    def _restore(self) -> None:
        with np.load(self.out / "state.npz") as file:
            if str(file["subject"]) != self.subject:
                raise SystemExit(
                    f"The state in {self.out} belongs to other arrays than those in {self.arrays}. Expected the same "
                    "molecules, recipe and seed; choose another folder, or delete it to start again."
                )
            self.losses, self.scores, self.seconds = (file[name].tolist() for name in ("losses", "scores", "seconds"))
            parts: dict[str, dict[str, Tensor]] = {"live": {}, "averaged": {}, "best": {}, "adam": {}}
            for name in file.files:
                kind, _, rest = name.partition("/")
                if rest:
                    parts[kind][rest] = torch.from_numpy(np.array(file[name]))
        self.model.load_state_dict(parts["live"])
        self.averaged, self.best = parts["averaged"], parts["best"]
        whole, moments = self.optimiser.state_dict(), {}
        for name, value in parts["adam"].items():
            place, _, kind = name.partition("/")
            moments.setdefault(int(place), {})[kind] = value
        self.optimiser.load_state_dict({**whole, "state": moments})

    def conclude(self) -> None:
        """Write the best weights, what the training cost, and predictions for all sets but the training set."""
        write_npz(self.out / "weights.npz", {name: value.numpy() for name, value in self.best.items()})
        for path in sorted(self.arrays.glob("*.npz")):
            if path.stem not in (TRAINING, "steps"):
                molecules = molecules_of(path)
                parts = [
                    self.scored(joined(molecules[start : start + 32]), self.best)
                    for start in range(0, len(molecules), 32)
                ]
                whole = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
                write_npz(self.out / f"predicted_{path.stem}.npz", whole)
        told = {
            "epochs": len(self.losses),
            "best_epoch": self.scores.index(max(self.scores)),
            "cpu_seconds": sum(self.seconds),
            "parameters": sum(value.numel() for value in self.model.parameters()),
        }
        write_atomically(self.out / "spent.json", json.dumps(told) + "\n")


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Arrays by name; none of them of objects."""
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    write_atomically(path, content.getvalue())


def _digest(arrays: Path) -> str:
    found = hashlib.sha256()
    for name in (f"{TRAINING}.npz", f"{VALIDATION}.npz", "steps.npz"):
        with np.load(arrays / name) as file:
            for key in sorted(file.files):
                found.update(key.encode() + file[key].tobytes())
    found.update((arrays / "settings.json").read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    torch.set_num_threads(1)
    training = ReferenceTraining(Path(sys.argv[1]), Path(sys.argv[2]))
    training.run()
    training.conclude()

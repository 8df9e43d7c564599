"""PaiNN beside schnetpack's: the same weights, the same molecules, the same numbers; and who is faster.

    python -m benchmarks.painn [--molecules FILE.xyz] [--rounds 20]          (from the top of the repository)

schnetpack lives in an environment of its own (`make test-interop` makes it). Two processes, one for each, prepare the
same molecules and then measure in turn, a round each, on one thread: energies and forces of a batch whose neighbours
are known. The table gives the least CPU time of all rounds. Before that, the weights of schnetpack's network are put
into ours, and both must agree to single precision.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import machine_line

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = {"equiviz": Path(sys.executable), "schnetpack": ROOT / ".venv-interop/schnetpack/bin/python"}
WIDTH, LAYERS, RADIAL, CUTOFF = 64, 3, 20, 5.0
SPECIES = (1, 6, 7, 8)
BATCHES = (1, 10, 50)
AGREE = 1e-4
"""Of energies and forces, relative to the largest: sums in single precision, in another order."""

Run = Callable[[], tuple[Tensor, Tensor]]
Prepared = Callable[[list[Any]], Run]


def schnetpack_itself() -> Any:
    """The package, in its environment."""
    import torch.utils.data.dataloader as loader

    if not hasattr(loader, "T_co"):  # schnetpack 2.0.4 asks torch for a name that torch 2.13 no longer has
        loader.T_co = TypeVar("T_co", covariant=True)  # type: ignore[attr-defined]
    import schnetpack  # pyright: ignore[reportMissingImports] - it is in the other environment

    return schnetpack


def schnetpack_network(folder: Path) -> Prepared:
    """A fresh network, whose weights are left in the folder."""
    from ase.neighborlist import neighbor_list

    schnetpack = schnetpack_itself()
    torch.manual_seed(0)
    body = schnetpack.representation.PaiNN(
        n_atom_basis=WIDTH,
        n_interactions=LAYERS,
        radial_basis=schnetpack.nn.BesselRBF(n_rbf=RADIAL, cutoff=CUTOFF),
        cutoff_fn=schnetpack.nn.CosineCutoff(CUTOFF),
    )
    heads = [schnetpack.atomistic.Atomwise(n_in=WIDTH, output_key="energy"), schnetpack.atomistic.Forces()]
    model = schnetpack.model.NeuralNetworkPotential(body, [schnetpack.atomistic.PairwiseDistances()], heads).eval()
    np.savez(folder / "weights.npz", **{name: value.numpy() for name, value in model.state_dict().items()})

    def prepared(molecules: list[Any]) -> Run:
        parts, start = [], 0
        for atoms in molecules:
            i, j = neighbor_list("ij", atoms, CUTOFF)
            parts.append((i + start, j + start))
            start += len(atoms)
        sizes = torch.tensor([len(atoms) for atoms in molecules])
        inputs = {
            "_idx": torch.arange(len(molecules)),
            "_positions": torch.tensor(np.concatenate([atoms.positions for atoms in molecules])).float(),
            "_atomic_numbers": torch.tensor(np.concatenate([atoms.numbers for atoms in molecules])),
            "_cell": torch.zeros(len(molecules), 3, 3),
            "_pbc": torch.zeros(len(molecules), 3, dtype=torch.bool),
            "_idx_i": torch.tensor(np.concatenate([i for i, _ in parts])),
            "_idx_j": torch.tensor(np.concatenate([j for _, j in parts])),
            "_idx_m": torch.arange(len(molecules)).repeat_interleave(sizes),
            "_offsets": torch.zeros(sum(len(i) for i, _ in parts), 3),
            "_n_atoms": sizes,
        }

        def run() -> tuple[Tensor, Tensor]:
            found = model(dict(inputs))
            return found["energy"].detach(), found["forces"].detach()

        return run

    return prepared


def own_network(folder: Path) -> Prepared:
    """Our network with schnetpack's weights."""
    from equiviz.models.painn import Painn, PainnConfig
    from equiviz.structures.structure import Structure

    model = Painn(PainnConfig(SPECIES, ("energy", "forces"), WIDTH, LAYERS, RADIAL, CUTOFF)).eval()
    with np.load(folder / "weights.npz") as weights:
        model.load_state_dict(translated({name: torch.from_numpy(weights[name]) for name in weights.files}))

    def prepared(molecules: list[Any]) -> Run:
        graph = model.prepare([Structure.from_ase(atoms) for atoms in molecules])

        def run() -> tuple[Tensor, Tensor]:
            with torch.no_grad():
                found = model(graph)
            return found["energy"].values[:, 0], found["forces"].values

        return run

    return prepared


def translated(theirs: dict[str, Tensor], species: Sequence[int] = SPECIES) -> dict[str, Tensor]:
    """schnetpack's weights under our names; without those that act on vectors that are zero, or that nobody reads."""
    embedding = theirs["representation.embedding.weight"]
    width, layers = embedding.shape[1], sum(name.endswith("mu_channel_mix.weight") for name in theirs)
    made = {"embedding.weight": embedding[list(species)]}
    weight, bias = (theirs[f"representation.filter_net.{kind}"] for kind in ("weight", "bias"))
    made["filters.weight"] = torch.cat([weight, bias[:, None]], 1)[_without(2 * width, 3 * width, len(weight))]
    for layer in range(layers):
        first, last = layer == 0, layer == layers - 1
        for kind in ("weight", "bias"):
            told = f"representation.interactions.{layer}.interatomic_context_net"
            made[f"messages.{layer}.inner.{kind}"] = theirs[f"{told}.0.{kind}"]
            made[f"messages.{layer}.outer.{kind}"] = theirs[f"{told}.1.{kind}"][: (2 if first else 3) * width]
            known = f"representation.mixing.{layer}.intraatomic_context_net"
            made[f"updates.{layer}.inner.{kind}"] = theirs[f"{known}.0.{kind}"]
            # Theirs are scalars, vectors, scalars from vectors; ours scalars, scalars from vectors, vectors.
            own, vectors, mixed = theirs[f"{known}.1.{kind}"].split(width)
            made[f"updates.{layer}.outer.{kind}"] = torch.cat([own, mixed, *([] if last else [vectors])])
            made[f"energy_head.inner.{kind}"] = theirs[f"output_modules.0.outnet.0.{kind}"]
            made[f"energy_head.outer.{kind}"] = theirs[f"output_modules.0.outnet.1.{kind}"]
        normed, mixing = theirs[f"representation.mixing.{layer}.mu_channel_mix.weight"].split(width)
        made[f"updates.{layer}.mix.weight"] = torch.cat([mixing, normed])  # of theirs the first half is normed
    return made


def _without(start: int, stop: int, count: int) -> list[int]:
    return [row for row in range(count) if not start <= row < stop]


def work(name: str, folder: Path, data: Path) -> None:
    """One of the two processes: a batch size comes, the least CPU seconds of a few runs goes."""
    from ase.io import read

    torch.set_num_threads(1)
    prepared = {"equiviz": own_network, "schnetpack": schnetpack_network}[name](folder)
    molecules: list[Any] = read(data, slice(max(BATCHES)))  # type: ignore[assignment]
    for atoms in molecules:
        atoms.pbc = False
    runs = {batch: prepared(molecules[:batch]) for batch in BATCHES}
    energy, forces = runs[10]()
    np.savez(folder / f"{name}.npz", energy=energy.numpy(), forces=forces.numpy())
    for run in runs.values():
        run()
    print(json.dumps({"atoms": len(molecules[0])}), flush=True)
    for line in sys.stdin:
        run = runs[int(line)]
        spent = []
        for _ in range(5):
            start = time.process_time()
            run()
            spent.append(time.process_time() - start)
        print(json.dumps(min(spent)), flush=True)


def side_by_side(data: Path, rounds: int, pythons: dict[str, Path]) -> None:
    """Start both, compare their numbers, and let them run in turn."""
    print(machine_line())
    with tempfile.TemporaryDirectory() as place:
        workers: dict[str, subprocess.Popen[str]] = {}
        for name in ("schnetpack", "equiviz"):  # the second reads the weights of the first
            command = [str(pythons[name]), "-W", "ignore", "-m", "benchmarks.painn", "--worker", name]
            command += ["--folder", place, "--molecules", str(data)]
            workers[name] = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            atoms = _answer(workers[name])["atoms"]
        _compare(Path(place))
        print("| molecules in a batch | schnetpack, us/atom | equiviz, us/atom | ratio |\n|---|---|---|---|")
        for batch in BATCHES:
            least = dict.fromkeys(workers, float("inf"))
            for _ in range(rounds):
                for name, worker in workers.items():
                    least[name] = min(least[name], _asked(worker, batch))
            theirs, ours = (1e6 * least[name] / (batch * atoms) for name in ("schnetpack", "equiviz"))
            print(f"| {batch} | {theirs:.0f} | {ours:.0f} | {theirs / ours:.2f} |", flush=True)
        for worker in workers.values():
            worker.communicate()


def _asked(worker: subprocess.Popen[str], batch: int) -> float:
    assert worker.stdin is not None
    print(batch, file=worker.stdin, flush=True)
    return float(_answer(worker))


def _answer(worker: subprocess.Popen[str]) -> Any:
    """The next line that is JSON; packages print words of their own."""
    assert worker.stdout is not None
    for line in worker.stdout:
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            continue
    raise SystemExit("A worker ended without an answer; its error stands above.")


def _compare(folder: Path) -> None:
    theirs, ours = (np.load(folder / f"{name}.npz") for name in ("schnetpack", "equiviz"))
    for kind in ("energy", "forces"):
        apart = float(np.abs(theirs[kind] - ours[kind]).max() / np.abs(theirs[kind]).max())
        print(f"{kind}: largest difference {apart:.1e} of the largest")
        if not apart < AGREE:
            raise SystemExit(f"The two networks disagree: expected less than {AGREE}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=Path, default=Path("../shared/data/molecules/acac/train_300K.xyz"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--schnetpack", type=Path, default=PYTHONS["schnetpack"], help="Python of its environment.")
    parser.add_argument("--worker", choices=list(PYTHONS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker, asked.folder, asked.molecules)
    else:
        side_by_side(asked.molecules.resolve(), asked.rounds, {**PYTHONS, "schnetpack": asked.schnetpack})

"""A small network of amino acids, and proteins to show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from equiviz.holograms import Protein
from equiviz.models.hcnn import Hcnn, HcnnConfig
from tests.holograms.written_protein import helix
from tests.hostile_strings import ALL, HOSTILE


def small_network(**changes: object) -> Hcnn:
    """Untrained, with preferences that differ by some nats."""
    settings: dict[str, object] = {"channels": ("C", "N", "O", "S"), "orders": 4, "l_max": 2, "width": 4, "hidden": 8}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = Hcnn(HcnnConfig(**{**settings, **changes}))  # type: ignore[arg-type]
    network.out.weight.data *= 20
    return network.eval()


def written(folder: Path, residues: int = 40, name: str = "helix.pdb") -> Path:
    """A helix with all amino acids."""
    path = folder / name
    path.write_text(helix(residues))
    return path


def two_frames(folder: Path) -> Path:
    """Two models of the same atoms; the second is wider."""
    lines = [line for line in helix(20).splitlines() if line.startswith("ATOM")]
    wider = [f"{line[:30]}{1.1 * float(line[30:38]):8.3f}{line[38:]}" for line in lines]
    path = folder / "frames.pdb"
    path.write_text("\n".join(["MODEL        1", *lines, "ENDMDL", "MODEL        2", *wider, "ENDMDL", "END", ""]))
    return path


def hostile_protein(folder: Path) -> Protein:
    """A protein whose chains, residues and atoms are named by what would run, if it could."""
    protein = Protein.read(written(folder, 24, "plain.pdb"))
    words = [word.encode("latin-1", "replace") for word in HOSTILE]
    chains, names, atoms = protein.chains.tolist(), protein.residue_names.tolist(), protein.atom_names.tolist()
    chains[:12], chains[12:] = [words[0]] * 12, [words[1]] * 12
    names[-len(words) :] = words  # no amino acids any more, and so no sites
    atoms = [name if name in (b"N", b"CA", b"C", b"O") else words[k % len(words)] for k, name in enumerate(atoms)]
    parts = {"chains": np.array(chains), "residue_names": np.array(names), "atom_names": np.array(atoms)}
    return replace(protein, name=ALL, **parts)

"""The networks of `benchmarks.hcnn`: each trained by itself, then those that are shipped put together.

A variant is a configuration; a member is a variant and a seed. States lie in the cache folder and are gone on with; a
finished one is only read. Shipped is a mixture of members that look from both centres, from the side chain, and from
the CA, because its mean errs less than that of one kind: all of them read one hologram seen from both centres
(`equiviz.holograms.two_centres`), those of one centre with zeros for the half that they were not trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from equiviz.datasets.cache import cache_folder
from equiviz.datasets.proteins.protein_set import ProteinSet, Split, structure_files
from equiviz.holograms.channels import BACKBONE, HEAVY
from equiviz.models.hcnn import Hcnn, HcnnConfig, seen_from_both
from equiviz.nn.hologram_model import rows_of
from equiviz.training.calibration import temperature
from equiviz.training.protein_training import (
    HCNN_RECIPE,
    Epoch,
    HologramRecipe,
    preferences,
    train_on_holograms,
)
from equiviz.training.recovery_training import save_calibrated
from equiviz.training.seeds import seeded

VARIANTS: dict[str, dict[str, Any]] = {
    "backbone, CA": {"channels": (*HEAVY, *BACKBONE), "centre": "CA"},
    "kinds, CA": {"centre": "CA"},
    "kinds, side chain": {},
    "kinds, both": {"centre": "both"},
}
MIXTURES: dict[str, dict[str, int]] = {
    "5 side chain": {"kinds, side chain": 5},
    "5 side chain, 2 CA": {"kinds, side chain": 5, "kinds, CA": 2},
    "1 both, 4 side chain, 2 CA": {"kinds, both": 1, "kinds, side chain": 4, "kinds, CA": 2},
    "2 both, 3 side chain, 2 CA": {"kinds, both": 2, "kinds, side chain": 3, "kinds, CA": 2},
    "2 both, 4 side chain, 1 CA": {"kinds, both": 2, "kinds, side chain": 4, "kinds, CA": 1},
    "2 both, 5 side chain": {"kinds, both": 2, "kinds, side chain": 5},
}
"""Members by variant; at most seven stay below 3 MB."""
SHIPPED_MIXTURE = "1 both, 4 side chain, 2 CA"
Say = Callable[[Epoch], None]


def trained(variant: str, seed: int, data: Path, say: Say | None = None) -> tuple[Hcnn, list[Epoch]]:
    """A member, and its epochs."""
    config = HcnnConfig(**VARIANTS[variant])
    with seeded(seed):
        network = Hcnn(config)
    training, validation = (proteins(data, split, config) for split in ("train", "validation"))
    recipe = HologramRecipe(replace(HCNN_RECIPE, seed=seed))
    epochs = train_on_holograms(network, training.around, validation.around, recipe, state(variant, seed), say)
    return network, epochs


def save_members(data: Path, out: Path, say: Say | None = None) -> str:
    """Train what is missing, put the members together, calibrate them as one, save them; what they reach."""
    members = mixture(MIXTURES[SHIPPED_MIXTURE])
    networks = [seen_from_both(trained(variant, seed, data, say)[0]) for variant, seed in members]
    training, validation = (proteins(data, split, networks[0].config) for split in ("train", "validation"))
    seeds = tuple(seed for _, seed in members)
    report, _ = save_calibrated(networks, HologramRecipe(), seeds, data.name, training, validation, out)
    return report.describe()


def mixtures(data: Path) -> dict[str, dict[str, float]]:
    """What each mixture reaches on the validation proteins; of those whose members are trained."""
    scores: dict[str, dict[str, float]] = {}
    known: dict[tuple[str, int], Tensor] = {}
    for name, counts in MIXTURES.items():
        members = mixture(counts)
        if not all(state(variant, seed).is_dir() for variant, seed in members):
            continue
        for variant, seed in members:
            if (variant, seed) not in known:
                known[variant, seed] = _on_validation(variant, seed, data)
        mean = torch.stack([known[member] for member in members]).mean(0).double()
        classes = torch.from_numpy(proteins(data, "validation", HcnnConfig()).classes)
        entropy = float(cross_entropy(mean / temperature(mean, classes), classes))
        scores[name] = {"accuracy": float((mean.argmax(1) == classes).double().mean()), "cross_entropy": entropy}
    return scores


def _on_validation(variant: str, seed: int, data: Path) -> Tensor:
    network = trained(variant, seed, data)[0]
    return preferences(network, rows_of(network.hologram(proteins(data, "validation", network.config).around)))


def mixture(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Variants and seeds of the members."""
    return [(variant, seed) for variant, count in counts.items() for seed in range(count)]


def proteins(data: Path, split: Split, config: HcnnConfig) -> ProteinSet:
    """As a configuration reads them."""
    return _read(data, split, config.channels, config.centre)


@lru_cache(maxsize=8)
def _read(data: Path, split: Split, channels: tuple[str, ...], centre: Any) -> ProteinSet:
    return ProteinSet.read(structure_files(data, split), channels=channels, centre=centre, progress=True)


def state(variant: str, seed: int) -> Path:
    """Where a member's training is kept."""
    return place(f"{variant}, seed {seed}")


def place(name: str) -> Path:
    return cache_folder() / "hcnn_benchmark" / name

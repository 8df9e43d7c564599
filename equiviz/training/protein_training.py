"""Training of networks that read holograms: which amino acid belongs into a neighbourhood?

One epoch sees every site once, in batches drawn anew. Before it, all atoms are moved by a little noise and projected
again (seconds, for a hundred thousand sites): crystal structures are no more certain than that, and the network does
not learn them by heart. The state after each epoch is saved; a run that finds one goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.nn.hologram_model import HologramModel, rows_of
from equiviz.training.bundle import exists, read_bundle, write_bundle
from equiviz.training.errors import TrainingError
from equiviz.training.recipe import Recipe, learning_rate, momentum
from equiviz.training.seeds import seeded

Told = Callable[["Epoch"], None]


HCNN_RECIPE = Recipe(epochs=12, learning_rate=3e-3, weight_decay=0.2, clip=5.0, batch=256, ema=0.998, keep="last")


@dataclass(frozen=True)
class HologramRecipe:
    """What decides the result, besides model and data.

    Attributes:
        recipe: epochs, learning rate, schedule, decay; `batch` is sites per step, `ema` averages the weights.
        noise: standard deviation by which each atom is moved in each direction before an epoch, in Å.
        smoothing: of the labels, which the data do not decide beyond doubt.
    """

    recipe: Recipe = HCNN_RECIPE
    noise: float = 0.1
    smoothing: float = 0.1


def hologram_recipe(seed: int = 0, epochs: int | None = None, noise: float | None = None) -> HologramRecipe:
    """The recipe with other numbers where they are given.

    Raises:
        TrainingError: noise that is negative or not finite.
    """
    if noise is not None and not 0 <= noise < float("inf"):
        raise TrainingError(f"Expected a noise of at least 0 Å, got {noise}.")
    own = replace(HCNN_RECIPE, seed=seed) if epochs is None else replace(HCNN_RECIPE, seed=seed, epochs=epochs)
    return HologramRecipe(own) if noise is None else HologramRecipe(own, noise)


@dataclass(frozen=True)
class Epoch:
    """What one epoch reached: mean loss, and on the validation sites cross entropy (nats) and accuracy (a share)."""

    number: int
    loss: float
    cross_entropy: float
    accuracy: float
    seconds: float


def train_on_holograms(
    model: HologramModel,
    training: Neighbourhoods,
    validation: Neighbourhoods,
    recipe: HologramRecipe | None = None,
    folder: str | Path | None = None,
    told: Told | None = None,
) -> list[Epoch]:
    """Train in place; the model ends in evaluation mode with the averaged weights.

    Args:
        model: with fresh weights.
        training, validation: neighbourhoods of standard amino acids; nothing of the validation is learned.
        recipe: how.
        folder: where the state is saved after each epoch, and looked for at the start.
        told: called after each epoch.

    Raises:
        TrainingError: a loss that is not finite, or a state of another training.
    """
    return _Run(model, training, validation, recipe or HologramRecipe(), Path(folder) if folder else None, told).run()


class _Run:
    """One training, as far as it has come."""

    def __init__(
        self,
        model: HologramModel,
        training: Neighbourhoods,
        validation: Neighbourhoods,
        recipe: HologramRecipe,
        folder: Path | None,
        told: Told | None,
    ) -> None:
        self.model, self.training, self.recipe, self.folder, self.told = model, training, recipe, folder, told
        self.classes = torch.from_numpy(training.classes)
        self.known = torch.from_numpy(validation.classes)
        self.held = rows_of(model.hologram(validation))
        self.optimiser = _optimiser(model, recipe.recipe)
        self.averaged = {name: value.clone() for name, value in model.state_dict().items()}
        self.epochs: list[Epoch] = []

    def run(self) -> list[Epoch]:
        self._resume()
        if not self.epochs:
            set_scales(self.model, rows_of(self.model.hologram(self.training)))
            self.averaged = {name: value.clone() for name, value in self.model.state_dict().items()}
        for number in range(len(self.epochs), self.recipe.recipe.epochs):
            started = time.perf_counter()
            with seeded(1000 * self.recipe.recipe.seed + number):
                loss = self._train(number)
            entropy, accuracy = self._validate()
            self.epochs.append(Epoch(number, loss, entropy, accuracy, time.perf_counter() - started))
            self._save()
            if self.told is not None:
                self.told(self.epochs[-1])
        self.model.load_state_dict(self.averaged)
        self.model.eval()
        return self.epochs

    def _train(self, number: int) -> float:
        """One pass over all sites."""
        recipe = self.recipe.recipe
        rows = rows_of(self.model.hologram(moved(self.training, self.recipe.noise, recipe.seed, number)))
        order, losses = torch.randperm(len(self.classes)), []
        batches = [batch for batch in order.split(recipe.batch) if len(batch) > 1]
        self.model.train()
        for place, batch in enumerate(batches):
            step, total = number * len(batches) + place, recipe.epochs * len(batches)
            for group in self.optimiser.param_groups:
                group["lr"], group["betas"] = learning_rate(recipe, step, total), (momentum(recipe, step, total), 0.999)
            found = self.model.preferences([row[batch] for row in rows])
            loss = cross_entropy(found, self.classes[batch], label_smoothing=self.recipe.smoothing)
            if not bool(loss.isfinite()):
                raise TrainingError(f"The loss became {float(loss)} in epoch {number}. Lower the learning rate.")
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
            self.optimiser.step()
            self._follow()
            losses.append(float(loss.detach()))
        return sum(losses) / max(len(losses), 1)

    @torch.no_grad()
    def _follow(self) -> None:
        for name, value in self.model.state_dict().items():
            kept = self.averaged[name]
            kept.lerp_(value, 1 - self.recipe.recipe.ema) if value.is_floating_point() else kept.copy_(value)

    def _validate(self) -> tuple[float, float]:
        """Cross entropy and accuracy of the averaged weights."""
        present = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.averaged)
        found = preferences(self.model, self.held)
        self.model.load_state_dict(present)
        return float(cross_entropy(found, self.known)), float((found.argmax(1) == self.known).float().mean())

    def _save(self) -> None:
        if self.folder is None:
            return
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"averaged.{name}": value for name, value in self.averaged.items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        document = {"subject": self._subject(), "epochs": [asdict(epoch) for epoch in self.epochs]}
        write_bundle(self.folder, {name: value.contiguous() for name, value in tensors.items()}, document)

    def _resume(self) -> None:
        if self.folder is None or not exists(self.folder):
            return
        tensors, document = read_bundle(self.folder)
        if document.get("subject") != self._subject():
            raise TrainingError(
                f"{self.folder} holds the state of another training: of other epochs, noise, settings or files. Choose "
                "another folder, or empty it."
            )
        self.epochs = [Epoch(**epoch) for epoch in document["epochs"]]  # type: ignore[attr-defined,arg-type]
        self.model.load_state_dict(_part(tensors, "model."))
        self.averaged = _part(tensors, "averaged.")
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimiser.").items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})

    def _subject(self) -> dict[str, object]:
        recipe = asdict(self.recipe)
        return {"recipe": recipe, "sites": [len(self.training), len(self.known)], "model": repr(self.model.config)}


def moved(around: Neighbourhoods, noise: float, seed: int, epoch: int) -> Neighbourhoods:
    """The same neighbours, at places that are off by a little."""
    if not noise:
        return around
    random = np.random.default_rng([seed, epoch])
    places = around.protein.positions + noise * random.normal(size=around.protein.positions.shape)
    return replace(around, protein=replace(around.protein, positions=places))


def set_scales(model: HologramModel, rows: Sequence[Tensor]) -> None:
    """Such that each row has mean square one; rows that are nearly empty are not blown up."""
    for scale, block in zip(model.scales, rows, strict=True):
        each = block.square().mean((0, 2)).sqrt()
        scale.data.copy_(1 / (each + 1e-3 * block.square().mean().sqrt()))


@torch.no_grad()
def preferences(model: HologramModel, rows: Sequence[Tensor], batch: int = 1024) -> Tensor:
    """``[S, 20]``, in evaluation mode."""
    model.eval()
    count = len(rows[0])
    parts = [model.preferences([row[start : start + batch] for row in rows]) for start in range(0, count, batch)]
    return torch.cat(parts)


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

"""Training of networks that predict the state of a system in phase space after a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS, TIME
from equiviz.models.configuration import write_config
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.phase_space import STATE
from equiviz.symmetry.unitary_group import haar_unitaries
from equiviz.symmetry.unitary_irreps import adjoint_coefficients, hermitian_matrices
from equiviz.training.checkpoint import Manifest, save_checkpoint
from equiviz.training.errors import TrainingError
from equiviz.training.recipe import Recipe, learning_rate
from equiviz.training.seeds import epoch_order, seeded

MOTION_RECIPE = Recipe(
    epochs=75,
    learning_rate=1e-2,
    weight_decay=0.0,
    schedule="cosine",
    clip=1.0,
    batch=128,
    optimiser="adam",
    keep="last",
)
TRAINING, VALIDATION = 2048, 512


@dataclass(frozen=True)
class MotionsTrained:
    """The result.

    Attributes:
        model: in evaluation mode.
        losses: of each epoch, mean squared error over mean square of the states.
        error: on the validation motions, see `relative_error`.
        seconds: of the loop.
        folder: where it was saved, if anywhere.
    """

    model: EquivariantModel
    losses: tuple[float, ...]
    error: float
    seconds: float
    folder: Path | None = None

    def describe(self) -> str:
        """How long it took, what it reached, and where it lies."""
        line = f"{len(self.losses)} epochs in {self.seconds:.0f} s.\nRelative error of the state: {self.error:.2%}."
        return line if self.folder is None else f"{line}\nSaved in {self.folder}."


def relative_error(model: EquivariantModel, motions: Motions) -> float:
    """Root mean square of the error of the predicted states, over the root mean square of the true ones.

    Doing nothing has 1.0 or more here: the states turn by about a radian.
    """
    model.eval()
    with torch.no_grad():
        found = model(motions.inputs)[STATE].values.to(torch.complex128)
    true = motions.after.flatten(1)
    return float((found - true).norm() / true.norm())


def turned(motions: Motions, elements: Tensor) -> Motions:
    """Each motion turned by its own element ``[B, n, n]`` of U(n), the field along with it: augmentation."""
    turn = elements.mT
    field = motions.field
    if field is not None:
        matrices = elements @ hermitian_matrices(field, elements.shape[-1]) @ elements.mH
        field = adjoint_coefficients(matrices)
    return Motions(motions.system, motions.before @ turn, motions.after @ turn, field)


def train_on_motions(
    model: EquivariantModel,
    training: Motions,
    recipe: Recipe = MOTION_RECIPE,
    augment: bool = False,
    told: Callable[[int, float], None] | None = None,
) -> tuple[float, ...]:
    """Train in place; the model ends in evaluation mode, with the weights of the last epoch.

    Args:
        model: with fresh weights.
        training: what it learns from.
        recipe: epochs, batch, rate and schedule, clip and seed; `keep`, `ema` and `patience` are not read.
        augment: turn each motion by a random element of U(n) each time it is seen.
        told: called after each epoch with its number and loss.

    Returns:
        The loss of each epoch.

    Raises:
        TrainingError: a loss that is not finite.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    per_epoch = math.ceil(len(training) / recipe.batch)
    losses: list[float] = []
    model.train()
    for epoch in range(recipe.epochs):
        order = torch.tensor(epoch_order(len(training), recipe.seed, epoch))
        total = 0.0
        for number, rows in enumerate(order.split(recipe.batch)):
            step = epoch * per_epoch + number
            batch = training[rows]
            if augment:
                batch = turned(batch, haar_unitaries(len(batch), batch.before.shape[2], 1_000_003 * recipe.seed + step))
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(recipe, step, recipe.epochs * per_epoch)
            total += len(rows) * _step(model, batch, optimiser, recipe.clip)
        losses.append(total / len(training))
        if told is not None:
            told(epoch, losses[-1])
    model.eval()
    return tuple(losses)


def _step(model: EquivariantModel, batch: Motions, optimiser: torch.optim.Optimizer, clip: float) -> float:
    optimiser.zero_grad()
    found = model(batch.inputs)[STATE].values
    true = batch.after.flatten(1).to(found.dtype)
    loss = (found - true).abs().square().mean() / true.abs().square().mean()
    if not bool(loss.isfinite()):
        raise TrainingError("The loss is not finite. Lower the learning rate of the recipe.")
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    return float(loss.detach())


def train_phase_space(
    family: Family,
    data: str | Path,
    out: str | Path,
    seed: int = 0,
    epochs: int | None = None,
    config: Mapping[str, object] | None = None,
    progress: bool = True,
) -> MotionsTrained:
    """Train a family whose task is "phase space" on one of the systems, and save it.

    Args:
        family: of the registry.
        data: the name of a system: "oscillators" or "charges"; its motions are computed, in seconds.
        out: gets weights and manifest.
        seed: of weights and order; the data are the same for all seeds.
        epochs: the recipe's by default.
        config: settings of the family; numbers of particles and directions, and the field, come from the system.
        progress: whether to print each tenth epoch.

    Raises:
        TrainingError: no such system.
    """
    name = str(data)
    if name not in SYSTEMS:
        raise TrainingError(
            f"{family.name} is trained on a system in phase space: expected --data {' or '.join(SYSTEMS)}, "
            f"got {name!r}."
        )
    recipe = replace(MOTION_RECIPE, seed=seed, epochs=MOTION_RECIPE.epochs if epochs is None else epochs)
    training, validation = Motions.make(name, "train", TRAINING), Motions.make(name, "validation", VALIDATION)
    with seeded(seed):
        model = family.build({**system_settings(name), **(config or {})})
    started = time.perf_counter()
    losses = train_on_motions(model, training, recipe, told=_say if progress else None)
    seconds, error = time.perf_counter() - started, relative_error(model, validation)
    manifest = Manifest(
        family=family.name,
        config=write_config(model.config),
        data={"name": name, "motions": TRAINING, "time": TIME},
        recipe=asdict(recipe),
        seeds=(seed,),
        scores={"relative_error": error, "on": f"{VALIDATION} validation motions"},
    )
    model.manifest = manifest  # type: ignore[assignment]
    return MotionsTrained(model, losses, error, seconds, save_checkpoint(out, model, manifest))


def system_settings(name: str) -> dict[str, object]:
    """The settings of a network that the system decides."""
    known = SYSTEMS[name]  # type: ignore[index]
    return {"vectors": known.count, "n": known.n, "field": known.field_range > 0}


def _say(epoch: int, loss: float) -> None:
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {loss:.5f}", flush=True)

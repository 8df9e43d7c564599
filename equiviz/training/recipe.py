"""The settings of a training: what decides its result (`Recipe`), and where it runs (`Hardware`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from equiviz.training.errors import TrainingError

Schedule = Literal["one-cycle", "cosine", "constant"]
Optimiser = Literal["adamw", "adam"]


@dataclass(frozen=True)
class Recipe:
    """Everything besides model and data that decides the outcome; two runs with one recipe are equal bit for bit (CPU).

    Attributes:
        epochs: Passes over the training examples.
        learning_rate: The highest of the schedule.
        weight_decay: Decoupled (AdamW), of matrices only: biases and norms are left alone; ignored by "adam".
        schedule: "one-cycle": from rate/25 up to the rate over `warm_up` of all steps, then down to rate/250000, both
            half cosines, momentum against it (Smith and Topin, arXiv 1708.07120); "cosine": down to zero; "constant".
        warm_up: Fraction of all steps spent rising (one-cycle), in (0, 1).
        clip: Largest norm of the gradient; 0 leaves it as it is.
        ema: Decay per step of an exponential moving average of the weights, which is then what is scored and kept; at
            step n at most (1 + n) / (10 + n); 0 is off.
        patience: Stop after this many epochs without a better validation score; 0 never stops.
        batch: Examples per optimiser step, on each device.
        seed: Of the order of examples, of dropout and of augmentation.
        optimiser: "adamw" or "adam".
        keep: "best": end with the weights of the best validation score; "last": with those of the last epoch.
    """

    epochs: int = 10
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    schedule: Schedule = "one-cycle"
    warm_up: float = 0.3
    clip: float = 1.0
    ema: float = 0.0
    patience: int = 0
    batch: int = 1
    seed: int = 0
    optimiser: Optimiser = "adamw"
    keep: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        """Refuse settings that cannot train. Raises TrainingError."""
        _expect(self.epochs >= 1 and self.batch >= 1, "epochs and batch should be at least 1")
        _expect(self.learning_rate > 0 and math.isfinite(self.learning_rate), "learning_rate should be positive")
        _expect(0 < self.warm_up < 1, "warm_up should lie between 0 and 1")
        _expect(0 <= self.ema < 1, "ema should lie in [0, 1)")
        _expect(self.clip >= 0 and self.patience >= 0 and self.weight_decay >= 0, "no setting may be negative")
        _expect(self.schedule in get_args(Schedule), f"schedule should be one of {', '.join(get_args(Schedule))}")
        _expect(self.optimiser in get_args(Optimiser), f"optimiser should be one of {', '.join(get_args(Optimiser))}")
        _expect(self.keep in ("best", "last"), "keep should be 'best' or 'last'")


@dataclass(frozen=True)
class Hardware:
    """Where a training runs, in the words of Lightning Fabric; it decides no result on one device.

    Attributes:
        accelerator: "cpu", "cuda", "mps" or "auto".
        devices: How many; with more than one, each step averages the gradients of `devices` x `batch` examples.
        strategy: "auto", "ddp", "fsdp" ...: those that start the program once per device (or find it started, by
            torchrun). Those that fork or spawn from a running program are refused: the trained weights would stay in
            the children.
        nodes: Machines.

    Raises:
        TrainingError: A strategy that forks or spawns.
    """

    accelerator: str = "cpu"
    devices: int = 1
    strategy: str = "auto"
    nodes: int = 1

    def __post_init__(self) -> None:
        """Refuse strategies whose results would be lost."""
        if self.strategy.endswith(("_spawn", "_fork", "_notebook")):
            raise TrainingError(
                f"The strategy {self.strategy!r} trains in children of this process, and their weights would be lost. "
                "Choose 'ddp', and run a script, or start it with torchrun."
            )


def learning_rate(recipe: Recipe, step: int, total: int) -> float:
    """The rate of one step: a function of the step alone, so that a resumed run has nothing to restore.

    Args:
        recipe: Its `schedule`, `learning_rate` and `warm_up` count.
        step: From 0.
        total: Steps of the whole training.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "cosine":
        return _half_cosine(recipe.learning_rate, 0.0, step / max(total, 1))
    peak = max(recipe.warm_up * total - 1, 1e-9)
    start, end = recipe.learning_rate / 25, recipe.learning_rate / 250_000
    if step <= peak:
        return _half_cosine(start, recipe.learning_rate, step / peak)
    return _half_cosine(recipe.learning_rate, end, (step - peak) / max(total - 1 - peak, 1e-9))


def momentum(recipe: Recipe, step: int, total: int) -> float:
    """Adam's first decay rate: 0.9, or in a one-cycle 0.95 down to 0.85 and up again, as the rate goes up and down."""
    if recipe.schedule != "one-cycle":
        return 0.9
    peak = max(recipe.warm_up * total - 1, 1e-9)
    if step <= peak:
        return _half_cosine(0.95, 0.85, step / peak)
    return _half_cosine(0.85, 0.95, (step - peak) / max(total - 1 - peak, 1e-9))


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(max(fraction, 0.0), 1.0)))


def _expect(holds: bool, wish: str) -> None:
    if not holds:
        raise TrainingError(f"This recipe cannot train: {wish}.")

"""The training loop: small, on Lightning Fabric, resumable bit for bit.

Fabric brings devices and data-parallel strategies; everything that decides the result stands here. One step sees
`Recipe.batch` examples one after the other, and averages their gradients: graphs of one glass configuration are large,
and nothing is gained by gluing them together. Small molecules are glued (`Training.glue`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic

import torch
from torch import Tensor, nn

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.training.errors import TrainingError
from equiviz.training.loop_state import EpochRecord, LoopState, restore_state, save_state
from equiviz.training.objective import Augmentation, Example, Objective, TargetT
from equiviz.training.recipe import Hardware, Recipe, learning_rate, momentum
from equiviz.training.seeds import epoch_order, seeded
from equiviz.training.subject import subject_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class History:
    """What a training did: one record per epoch, and the epoch whose weights were kept."""

    records: tuple[EpochRecord, ...]
    best_epoch: int
    best_score: float

    def describe(self) -> str:
        """One sentence."""
        done = f"{len(self.records)} epochs in {sum(record.seconds for record in self.records):.0f} s"
        if math.isnan(self.best_score):
            return f"{done}; kept the last, without validation."
        return f"{done}; kept epoch {self.best_epoch} with validation score {self.best_score:.4f}."


@dataclass(frozen=True, eq=False)
class Training(Generic[TargetT]):
    """One training: what, on what, how. `run` does it.

    Attributes:
        model: Any `EquivariantModel`; it is trained in place, and ends in evaluation mode.
        objective: The loss and the score.
        training, validation: Prepared examples. Without validation the last weights are kept, and nothing stops early.
        recipe: What decides the result.
        hardware: Where it runs.
        folder: Where the state is saved after each epoch, and looked for at the start; None saves nothing.
        augment: Applied to each training example each time it is seen.
        progress: Whether to show a progress bar.
        glue: Makes one example of those of a step, for small molecules that are faster in one batch; its loss stands
            for all of them.
    """

    model: EquivariantModel
    objective: Objective[TargetT]
    training: Sequence[Example[TargetT]]
    validation: Sequence[Example[TargetT]] = ()
    recipe: Recipe = field(default_factory=Recipe)
    hardware: Hardware = field(default_factory=Hardware)
    folder: Path | str | None = None
    augment: Augmentation[TargetT] | None = None
    progress: bool = True
    glue: Callable[[Sequence[Example[TargetT]]], Example[TargetT]] | None = None

    def run(self) -> History:
        """Train, or continue a training whose state lies in `folder`.

        Raises:
            TrainingError: No training examples, a loss that is not finite, or a state that belongs to another training.
            KeyboardInterrupt: On Ctrl-C, with a message that says how to continue.
        """
        if not self.training:
            raise TrainingError("There is nothing to train on: expected at least one training example, got none.")
        with seeded(self.recipe.seed):
            return self._run()

    def _run(self) -> History:
        fabric = _fabric(self.hardware)
        raw = _optimiser(self.model, self.recipe)
        step, optimiser = fabric.setup(_Step(self.model, self.objective), raw)
        state = LoopState(self.model, raw)
        if self.recipe.ema:
            state.averaged = _copied(self.model)
        if self.folder is not None:
            restore_state(Path(self.folder), state, self.recipe, self._subject)
        try:
            self._continue(fabric, step, optimiser, state)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self._how_to_continue(state)) from None
        return self._conclude(state)

    def _continue(self, fabric: Fabric, step: nn.Module, optimiser: torch.optim.Optimizer, state: LoopState) -> None:
        """The epochs still to do; ends early when the score no longer improves."""
        from tqdm.auto import tqdm

        with tqdm(
            total=self.recipe.epochs, initial=state.epoch, desc="training", unit="epoch", disable=not self.progress
        ) as bar:
            while state.epoch < self.recipe.epochs and not self._is_idle(state):
                started, epoch = time.perf_counter(), state.epoch
                loss, rate = self._train(fabric, step, optimiser, state, epoch)
                score = self._validate(fabric, state)
                state.records.append(EpochRecord(epoch, loss, score, rate, time.perf_counter() - started))
                self._finish_epoch(fabric, state, score)
                bar.set_postfix({"loss": f"{loss:.4f}", **({"score": f"{score:.4f}"} if self.validation else {})})
                bar.update()

    @cached_property
    def _subject(self) -> dict[str, str]:
        """What a saved state must agree with, besides the recipe; hashed once."""
        return subject_of(self.model, self.objective, self.augment, self.training, self.validation)

    def _is_idle(self, state: LoopState) -> bool:
        return bool(self.validation and self.recipe.patience) and state.since_best >= self.recipe.patience

    def _how_to_continue(self, state: LoopState) -> str:
        if self.folder is None:
            return f"Stopped after {state.epoch} epochs; nothing was saved, because no folder was given."
        return f"Stopped after {state.epoch} epochs; the state is in {self.folder}. Run the same command to continue."

    def _train(
        self, fabric: Fabric, step: nn.Module, optimiser: torch.optim.Optimizer, state: LoopState, epoch: int
    ) -> tuple[float, float]:
        """One pass over this process's share of the examples; returns the mean loss and the last rate."""
        self.model.train()
        chunks = _chunks(self._share(fabric, epoch), self.recipe.batch)
        total = len(chunks) * self.recipe.epochs
        losses: list[float] = []
        rate = 0.0
        for number, chunk in enumerate(chunks):
            done = epoch * len(chunks) + number
            rate = learning_rate(self.recipe, done, total)
            for group in optimiser.param_groups:
                group["lr"], group["betas"] = rate, (momentum(self.recipe, done, total), 0.999)
            losses += self._descend(fabric, step, optimiser, chunk)
            # Young averages forget faster, or short trainings would keep their first weights.
            _follow(state.averaged, self.model, min(self.recipe.ema, (1 + done) / (10 + done)))
        return sum(losses) / len(losses), rate

    def _descend(
        self, fabric: Fabric, step: nn.Module, optimiser: torch.optim.Optimizer, chunk: Sequence[Example[TargetT]]
    ) -> list[float]:
        """One optimiser step; returns the loss of each example."""
        losses: list[float] = []
        chunk = [self.glue(chunk)] if self.glue is not None else chunk
        for index, example in enumerate(chunk):
            with fabric.no_backward_sync(step, enabled=index + 1 < len(chunk)):  # type: ignore[arg-type]
                loss = step(self._augmented(fabric, example))
                _expect_finite(loss, example.name)
                fabric.backward(loss / len(chunk))
            losses.append(float(loss.detach()))
        if self.recipe.clip:
            fabric.clip_gradients(step, optimiser, max_norm=self.recipe.clip, error_if_nonfinite=True)
        optimiser.step()
        optimiser.zero_grad()
        return losses

    def _augmented(self, fabric: Fabric, example: Example[TargetT]) -> _Sealed[TargetT]:
        graph, target = example.graph, example.target
        if self.augment is not None:
            graph, target = self.augment(graph, target)
        return _Sealed(graph.to(fabric.device), _moved(target, fabric.device))

    def _share(self, fabric: Fabric, epoch: int) -> list[Example[TargetT]]:
        """This process's examples in this epoch's order; the first ones fill up, so that all have equally many."""
        order = epoch_order(len(self.training), self.recipe.seed, epoch)
        order += order[: -len(order) % fabric.world_size]
        return [self.training[index] for index in order[fabric.global_rank :: fabric.world_size]]

    def _validate(self, fabric: Fabric, state: LoopState) -> float:
        """The mean score over the validation examples, of the averaged weights if there are any; NaN without any."""
        if not self.validation:
            return float("nan")
        self.model.eval()
        live = _swap(self.model, state.averaged)
        try:
            with torch.no_grad():
                scores = [
                    self.objective.score(self.model(e.graph.to(fabric.device)), _moved(e.target, fabric.device))
                    for e in self.validation
                ]
        finally:
            _swap(self.model, live)
        return sum(scores) / len(scores)

    def _finish_epoch(self, fabric: Fabric, state: LoopState, score: float) -> None:
        if self.validation and score > state.best_score:
            state.best_score = score
            state.best = {name: value.clone() for name, value in (state.averaged or _copied(self.model)).items()}
        if self.folder is not None and fabric.is_global_zero:
            save_state(Path(self.folder), state, self.recipe, self._subject)
        fabric.barrier()

    def _conclude(self, state: LoopState) -> History:
        """Put the weights that the recipe asks for into the model."""
        keep_best = self.recipe.keep == "best" and bool(state.best)
        _swap(self.model, state.best if keep_best else state.averaged)
        self.model.eval()
        scores = [record.score for record in state.records]
        best = scores.index(state.best_score) if keep_best else len(scores) - 1
        return History(tuple(state.records), best, scores[best])


class _Sealed(Generic[TargetT]):
    """A plain object: Fabric looks into dataclasses and refuses frozen ones, and has no business in here."""

    def __init__(self, graph: Graph, target: TargetT) -> None:
        self.graph, self.target = graph, target


class _Step(nn.Module, Generic[TargetT]):
    """Model and loss in one forward, which is where a data-parallel wrapper hangs its hooks."""

    def __init__(self, model: EquivariantModel, objective: Objective[TargetT]) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, sealed: _Sealed[TargetT]) -> Tensor:
        return self.objective.loss(self.model(sealed.graph), sealed.target)


def _fabric(hardware: Hardware) -> Fabric:
    from lightning_fabric import Fabric

    fabric = Fabric(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        strategy=hardware.strategy,
        num_nodes=hardware.nodes,
    )
    fabric.launch()
    return fabric


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimiser == "adam":
        return torch.optim.Adam(trainable, lr=recipe.learning_rate)
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=recipe.learning_rate)


def _chunks(examples: list[Example[TargetT]], size: int) -> list[list[Example[TargetT]]]:
    return [examples[start : start + size] for start in range(0, len(examples), size)]


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _swap(model: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Load `weights` and return those that were there; an empty dict changes nothing."""
    if not weights:
        return {}
    before = _copied(model)
    model.load_state_dict(weights)
    return before


def _follow(averaged: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    """Move the average a step towards the present weights; whole numbers are copied."""
    with torch.no_grad():
        for name, value in model.state_dict().items() if averaged else ():
            kept = averaged[name].to(value.device)
            averaged[name] = kept.lerp(value, 1.0 - decay) if value.is_floating_point() else value.clone()


def _moved(target: TargetT, device: torch.device) -> TargetT:
    move = getattr(target, "to", None)
    return target if move is None else move(device)


def _expect_finite(loss: Tensor, name: str) -> None:
    if not bool(torch.isfinite(loss)):
        raise TrainingError(
            f"The loss became {float(loss.detach())} on {name!r}. Lower the learning rate, or look at this example."
        )

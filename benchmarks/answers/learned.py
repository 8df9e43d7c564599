"""Training of a network on the labels of a task with a known answer, ripple included.

The structures of a split are drawn by their seeds, so that nobody meets another's. A training can be stopped, and gone
on with: its state lies in a folder (`equiviz.training.loop`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.answers.product_network import ProductConfig, ProductNetwork, SaturatingConfig
from equiviz.explain.attribution.known_answers import FAINT, KnownAnswer, envelope
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.training.loop import Training
from equiviz.training.objective import Example
from equiviz.training.recipe import Recipe
from equiviz.training.seeds import seeded

# Shapes: B structures.
CROWD = 10
"""Half as many bystanders as the tasks have by themselves: a small network must see each pair of species often."""
CROWDS: Mapping[str, int] = {"Saturated": 4}
"""Among more, the label is hardly ever far from one: a network took that constant from the bystanders (R² .55)."""
TOGETHER = 32
VALIDATION, TEST, TRAINING = 10_000, 20_000, 100_000
"""The first seed of each split; the tasks calibrate themselves on seeds below 100."""
SETTINGS: Mapping[str, ProductConfig] = {
    "MarkedAtom": ProductConfig(order=1),
    "PairDistance": ProductConfig(order=1),
    "Angle": ProductConfig(order=2),
    "Chirality": ProductConfig(order=3, odd=True),
    "ShellQuadrupole": ProductConfig(order=2),
    "CollectiveOrder": ProductConfig(order=2, lmax=6, channels=4, pooled=True),
    "BothPairs": ProductConfig(order=2, pooled=True),
    "Saturated": SaturatingConfig(order=1),
}


@dataclass(frozen=True)
class Size:
    """How much a network learns from.

    Attributes:
        structures: for training; multiples of `TOGETHER`.
        validation, test: likewise.
        epochs: passes over those for training.
    """

    structures: int = 4096
    validation: int = 256
    test: int = 512
    epochs: int = 12


@dataclass(frozen=True, eq=False)
class Labels:
    """Squared errors of labels in units of their standard deviation (the objective of `Training`)."""

    deviation: float

    def loss(self, outputs: Mapping[str, Field], target: Tensor) -> Tensor:
        """Of ``[B]`` labels. Their mean is left as it is: without neighbours label and network are zero."""
        return (outputs["label"].values[:, 0] - target / self.deviation).square().mean()

    def score(self, outputs: Mapping[str, Field], target: Tensor) -> float:
        """Minus the loss."""
        return -float(self.loss(outputs, target))


@dataclass(frozen=True, eq=False)
class Learned:
    """A network and how well it does.

    Attributes:
        network: in float64 and evaluation mode.
        r2: on the test structures.
        seconds: that the training took.
    """

    network: ProductNetwork
    r2: float
    seconds: float


def learned(task: KnownAnswer, folder: Path, size: Size, seed: int = 0, progress: bool = False) -> Learned:
    """Train, or go on with a training, or take a finished one."""
    network = _network(task, seed)
    training, validation = (
        list(_examples(task, network, first, count))
        for first, count in ((TRAINING, size.structures), (VALIDATION, size.validation))
    )
    labels = torch.cat([example.target for example in training])
    objective = Labels(float(labels.std()))
    recipe = Recipe(epochs=size.epochs, learning_rate=1e-2, weight_decay=0.0, seed=seed, optimiser="adam")
    history = Training(network, objective, training, validation, recipe, folder=folder, progress=progress).run()
    test = list(_examples(task, network, TEST, size.test))
    with torch.no_grad():
        said = torch.cat([network(example.graph)["label"].values[:, 0] for example in test]) * objective.deviation
    truth = torch.cat([example.target for example in test])
    r2 = 1 - float((said - truth).square().sum() / (truth - truth.mean()).square().sum())
    return Learned(network.double(), r2, sum(record.seconds for record in history.records))


def untrained(task: KnownAnswer, seed: int = 0) -> ProductNetwork:
    """The same network before its training."""
    return _network(task, seed).double().eval()


def unseen(task: KnownAnswer, count: int) -> list[Structure]:
    """Test structures in which some bonds, clearly there, belong to the answer, and others do not."""
    found: list[Structure] = []
    seed = TEST
    while len(found) < count:
        structure = example(task, seed)
        graph = task.prepare(structure)
        answer, near = task.answer(graph), envelope(graph.edge_vectors.norm(dim=1))
        if bool((answer & (near >= FAINT)).any()) and not bool(answer.all()):
            found.append(structure)
        seed += 1
    return found


def example(task: KnownAnswer, seed: int) -> Structure:
    """As `KnownAnswer.example`, with as many bystanders as the networks of this task see."""
    return task.example(seed, CROWDS.get(type(task).__name__, CROWD))


def _network(task: KnownAnswer, seed: int) -> ProductNetwork:
    with seeded(seed):
        return ProductNetwork(SETTINGS[type(task).__name__])


def _examples(task: KnownAnswer, network: ProductNetwork, first: int, count: int) -> Iterator[Example[Tensor]]:
    """Batches of structures, as the network reads them, with their labels."""
    for start in range(first, first + count, TOGETHER):
        structures = [example(task, seed) for seed in range(start, start + TOGETHER)]
        with torch.no_grad():
            labels = task(task.prepare(structures))["label"].values[:, 0]  # [B]
        yield Example(f"structures from {start}", network.prepare(structures), labels.float())

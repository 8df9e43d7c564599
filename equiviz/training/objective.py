"""What the loop asks of a task: examples, a loss, a score. It knows nothing else about what is learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from torch import Tensor

from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field

TargetT = TypeVar("TargetT")
TargetIn = TypeVar("TargetIn", contravariant=True)


@dataclass(frozen=True, eq=False)
class Example(Generic[TargetT]):
    """One prepared input with what should come out of it.

    Attributes:
        name: For messages and tables.
        graph: What ``model.prepare`` gave.
        target: Whatever the objective compares with; it may have ``to(device)``.
    """

    name: str
    graph: Graph
    target: TargetT


class Objective(Protocol[TargetIn]):
    """A loss to descend, and a score to choose the best epoch by (the higher the better)."""

    def loss(self, outputs: Mapping[str, Field], target: TargetIn) -> Tensor:
        """A scalar, differentiable in the outputs."""
        ...

    def score(self, outputs: Mapping[str, Field], target: TargetIn) -> float:
        """One number per example; the loop averages it over the validation examples."""
        ...


# Draws from torch's global generator, which the loop seeds and saves.
Augmentation = Callable[[Graph, TargetT], tuple[Graph, TargetT]]

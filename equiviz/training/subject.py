"""What a training is about, besides its recipe: a saved state is never continued on other data or for another network.

The finished state of one cross-validation fold, taken for that of another, would score weights on their own training
set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass

from torch import Tensor, nn

from equiviz.datasets.cache import content_key
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.training.objective import Example, TargetT


def subject_of(
    model: nn.Module,
    objective: object,
    augment: object,
    training: Sequence[Example[TargetT]],
    validation: Sequence[Example[TargetT]],
) -> dict[str, str]:
    """What must be equal for a state to be continued, in words or as a hash of its content, by what it is."""
    return {
        "network": _spelled(getattr(model, "config", None)),
        "objective": _spelled(objective),
        "augmentation": "none" if augment is None else str(getattr(augment, "__name__", type(augment).__name__)),
        "training data": _content(training),
        "validation data": _content(validation),
    }


def _spelled(settings: object) -> str:
    """Class and settings; the class alone where the settings are no dataclass (its text would hold an address)."""
    return repr(settings) if is_dataclass(settings) else type(settings).__name__


def _content(examples: Sequence[Example[TargetT]]) -> str:
    """A hash of names, positions, species (or whatever else is read) and targets, in order."""
    digest = hashlib.sha256()
    for place in range(len(examples)):
        example = examples[place]
        digest.update(content_key(example.name, dict(_tensors(example))).encode())
    return f"{len(examples)} examples, {digest.hexdigest()[:16]}"


def _tensors(example: Example[TargetT]) -> Iterator[tuple[str, Tensor]]:
    graph: object = example.graph
    if isinstance(graph, TypedTensors):
        yield from ((name, field.values) for name, field in graph.fields.items())
    else:
        yield "positions", example.graph.positions
        yield "species", example.graph.species
    target = example.target
    named = {"target": target} if isinstance(target, Tensor) else getattr(target, "__dict__", {})
    yield from ((name, value) for name, value in named.items() if isinstance(value, Tensor))

"""What a model can be shown, and how it becomes what the model's forward takes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from equiviz.features.errors import CaptureError
from equiviz.features.fine_graph import as_fine_as
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.interchange.recognised import (
    ACCEPTED,
    StructureLike,
    as_structures,
    how_to_make,
    is_structure_like,
)
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field

ModelInput: TypeAlias = "Structure | Sequence[Structure] | Graph | TypedTensors"
"""What tools work on."""
Given: TypeAlias = "ModelInput | StructureLike | Sequence[StructureLike]"
"""What users may hand to a tool: `accepted` makes a `ModelInput` of it."""


@dataclass(frozen=True)
class Sizes:
    """How many nodes, edges and graphs one input holds; None where unknown, or where there are none."""

    node: int
    edge: int | None
    graph: int | None

    def supports_of(self, rows: int) -> list[str]:
        """The supports that a tensor with so many rows can live on."""
        sizes = {"node": self.node, "edge": self.edge, "graph": self.graph}
        return [support for support, size in sizes.items() if size == rows]


def accepted(x: object) -> ModelInput:
    """What users hand to a tool, as tools work on it: Atoms, PyG data and paths of files become structures.

    Raises:
        CaptureError: neither a Graph nor a structure in a form that `as_structure` knows, nor a list of those.
        StructureError: a file that cannot be read, or a structure that holds what no structure can.
    """
    if isinstance(x, (Graph, TypedTensors)):
        return x
    listed = isinstance(x, Sequence) and not isinstance(x, str)
    entries = list(cast("Sequence[object]", x)) if listed else [x]
    if not entries:
        raise CaptureError(f"Expected at least one structure, got an empty {type(x).__name__}.")
    others = [entry for entry in entries if not is_structure_like(entry)]
    if others:
        got = f"{type(x).__name__} with a {type(others[0]).__name__}" if listed else type(x).__name__
        raise CaptureError(f"Expected {ACCEPTED}, a list of those, or a Graph, got {got}; {how_to_make(others[0])}.")
    return as_structures(x)


def accepted_by(model: object, x: object) -> ModelInput:
    """As `accepted`, of what the model reads of `x` (`EquivariantModel.reads`)."""
    return accepted(model.reads(x) if isinstance(model, EquivariantModel) else x)


def prepared(model: nn.Module, x: Given) -> ModelInput:
    """What `model.forward` takes: structures go through `model.prepare` where there is one, graphs pass as they are.

    What `prepare` makes in less than the float64 of all the model's weights is brought to that: `as_fine_as`.

    Raises:
        CaptureError: `x` is no input, see `accepted`; or the model is no torch module.
    """
    _refuse_other_model(model)
    taken = accepted_by(model, x)
    if isinstance(taken, (Graph, TypedTensors)):
        return taken
    prepare: Callable[[ModelInput], ModelInput] | None = getattr(model, "prepare", None)
    if prepare is None:
        return taken
    made = prepare(cast("Structure | list[Structure]", own_copy(taken)))
    return as_fine_as(model, made, taken) if isinstance(made, Graph) else made


def own_copy(taken: ModelInput, *, linked: bool = True) -> ModelInput:
    """The same input in memory of its own, for a model that works in place; typed tensors are copied when they are
    handed out.

    Args:
        taken: what is copied: positions, cells and typed attributes, edges and whatever else is a tensor.
        linked: whether gradients flow to the tensors that came; else a backward pass ends in the copies.
    """
    if isinstance(taken, TypedTensors):
        return taken
    if not isinstance(taken, (Structure, Graph)):
        return [cast(Structure, own_copy(structure, linked=linked)) for structure in taken]

    def own(value: object) -> object:
        if isinstance(value, Tensor):
            with torch.set_grad_enabled(linked or torch.is_grad_enabled()):
                made = value.clone()
            return made if linked else made.detach().requires_grad_(value.requires_grad)
        if isinstance(value, Field):
            return value.with_values(cast(Tensor, own(value.values)))
        return {k: own(v) for k, v in value.items()} if isinstance(value, Mapping) else value

    copied = copy.copy(taken)  # unlike `replace`, it does not check once more what was checked
    for name, value in vars(taken).items():
        object.__setattr__(copied, name, own(value))
    return copied


def measured(model: nn.Module, x: Given) -> ModelInput:
    """`x` with all attached that the model reads besides, if it says so by `EquivariantModel.measure`.

    Tools that turn, shift or reorder `x` call this first, so that what is attached turns along.

    Raises:
        CaptureError: `x` is no input, see `accepted`.
    """
    taken = accepted_by(model, x)
    if isinstance(taken, (Graph, TypedTensors)) or not isinstance(model, EquivariantModel):
        return taken
    return model.measure(taken) if isinstance(taken, Structure) else measured_structures(model, taken)


def measured_structures(model: nn.Module, x: StructureLike | Sequence[StructureLike]) -> list[Structure]:
    """As `measured`, of structures; a list also where one came.

    Raises:
        CaptureError: `x` is no structure, nor a list of them.
    """
    taken = accepted(x)
    if isinstance(taken, (Graph, TypedTensors)):
        raise CaptureError(f"Expected {ACCEPTED}, or a list of those, got a {type(taken).__name__}.")
    listed = [taken] if isinstance(taken, Structure) else list(taken)
    return [model.measure(structure) for structure in listed] if isinstance(model, EquivariantModel) else listed


def measured_inputs(model: nn.Module, x: object) -> list[Structure] | list[TypedTensors]:
    """As `measured_structures`; of what a model reads instead of structures, such as holograms, the list of these.

    Raises:
        CaptureError: as `measured_structures`.
    """
    parts = list(cast("Sequence[object]", x)) if isinstance(x, (list, tuple)) else [x]
    read = [model.reads(part) if isinstance(model, EquivariantModel) else part for part in parts]
    typed = [part for part in read if isinstance(part, TypedTensors)]
    return typed if typed and len(typed) == len(read) else measured_structures(model, cast(StructureLike, x))


def sizes(x: ModelInput) -> Sizes:
    """Count nodes, edges and graphs."""
    if isinstance(x, Graph):
        return Sizes(len(x.positions), x.edge_index.shape[1], x.n_graphs)
    if isinstance(x, Structure):
        return Sizes(len(x), None, 1)
    if isinstance(x, TypedTensors):
        return Sizes(x.count, x.edges, 1 if x.count != 1 else None)
    return Sizes(sum(len(structure) for structure in x), None, len(x))


def _refuse_other_model(model: object) -> None:
    if not isinstance(model, nn.Module):
        raise CaptureError(f"Expected a torch.nn.Module with typed stages, got {type(model).__name__}.")

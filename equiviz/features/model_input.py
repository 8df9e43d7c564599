"""What a model can be shown, and how it becomes what the model's forward takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from equiviz.features.errors import CaptureError
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors

ModelInput: TypeAlias = "Structure | Sequence[Structure] | Graph | TypedTensors"


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


def prepared(model: nn.Module, x: ModelInput) -> ModelInput:
    """What `model.forward` takes: structures go through `model.prepare` where there is one, graphs pass as they are.

    Raises:
        CaptureError: `x` is neither a Structure, nor a list of them, nor a Graph; or the model is no torch module.
    """
    _refuse_other_model(model)
    if isinstance(x, (Graph, TypedTensors)):
        return x
    _refuse_other(x)
    prepare: Callable[[ModelInput], Graph] | None = getattr(model, "prepare", None)
    return x if prepare is None else prepare(x)


def measured(model: nn.Module, x: ModelInput) -> ModelInput:
    """`x` with all attached that the model reads besides, if it says so by `EquivariantModel.measure`.

    Tools that turn, shift or reorder `x` call this first, so that what is attached turns along.

    Raises:
        CaptureError: `x` is neither a Structure, nor a list of them, nor a Graph.
    """
    if isinstance(x, (Graph, TypedTensors)) or not isinstance(model, EquivariantModel):
        return x
    _refuse_other(x)
    return model.measure(x) if isinstance(x, Structure) else measured_structures(model, x)


def measured_structures(model: nn.Module, x: Structure | Sequence[Structure]) -> list[Structure]:
    """As `measured`, of structures; a list also where one came."""
    listed = [x] if isinstance(x, Structure) else list(x)
    return [model.measure(structure) for structure in listed] if isinstance(model, EquivariantModel) else listed


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


def _refuse_other(x: object) -> None:
    listed = [x] if isinstance(x, Structure) else x
    if not isinstance(listed, Sequence) or not all(isinstance(entry, Structure) for entry in listed):
        raise CaptureError(
            f"Expected a Structure, a list of Structures or a Graph, got {type(x).__name__}. Files become structures "
            "by equiviz.read(path), arrays by Structure.from_dict(arrays)."
        )
    if not listed:
        raise CaptureError("Expected at least one Structure, got an empty list.")

"""Modules of PyTorch Geometric, and any other torch module on points: you say what goes in, and what comes out.

A PyG module has no standard signature, so there is nothing to recognise. `adapt` takes it in words::

    from equiviz.interop import pyg

    model = pyg.adapt(
        egnn,
        inputs={"z": "species", "pos": "positions", "edge_index": "edge_index"},
        outputs={"features": "16x0e", "moved": "position"},
        stages={"layers.0": pyg.Tap("layers.0", "1x1o", part=1)},
        cutoff=5.0,
    )
    equiviz.check(model, structure)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from equiviz.interop.adapters import Adapter
from equiviz.interop.errors import InteropError
from equiviz.interop.foreign_model import FORCES, ForeignModel, Typed, cells_of
from equiviz.interop.taps import Tap
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage, Support
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.errors import MissingLibrary
from equiviz.symmetry.representations import Representation

Declared: TypeAlias = "str | Representation | tuple[str | Representation, Support]"
Inputs: TypeAlias = "Mapping[str, str] | Sequence[str] | Callable[[Graph], Mapping[str, object]]"

#: What a signature can name, beside ``"node.NAME"`` and ``"graph.NAME"``, the typed attributes of the structures.
QUANTITIES: dict[str, Callable[[Graph], object]] = {
    "positions": lambda graph: graph.positions,
    "species": lambda graph: graph.species,
    "edge_index": lambda graph: graph.edge_index,
    "edge_vectors": lambda graph: graph.edge_vectors,
    "edge_lengths": lambda graph: graph.edge_vectors.norm(dim=1),
    "shifts": lambda graph: graph.shifts,
    "cells": cells_of,
    "batch": lambda graph: graph.batch,
}


class PygModel(ForeignModel):
    """A module with a signature that its user gave; see `adapt`."""

    def __init__(
        self,
        module: nn.Module,
        inputs: Inputs,
        outputs: Mapping[str, Declared],
        cutoff: float,
        stages: Mapping[str, Declared | Tap],
        forces: str | None,
    ) -> None:
        typed = {name: _typed(name, declared) for name, declared in outputs.items()}
        if forces is not None and forces not in typed:
            raise InteropError(f"forces={forces!r} is none of the outputs: {', '.join(typed)}.")
        taps = [_tap(path, declared) for path, declared in stages.items()]
        super().__init__(module, cutoff, taps, typed if forces is None else {**typed, "forces": FORCES})
        self._inputs = inputs
        self._named = list(typed)
        self._forces_of = forces
        # A module that is shown positions would not notice the vectors.
        named = set(inputs.values() if isinstance(inputs, Mapping) else inputs) if not callable(inputs) else set()
        self.takes_edge_vectors = bool(named & {"edge_vectors", "edge_lengths"}) and "positions" not in named

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours in the module's dtype, with all typed attributes; units and species stay as they are."""
        return Graph.from_structures(structures, self.cutoff, dtype=self.input_dtype)

    def call(self, graph: Graph) -> Mapping[str, object]:
        """Run the module on what its signature names, and differentiate where forces are asked for."""
        if self._forces_of is None:
            return self._results(graph)
        positions = graph.positions.detach().requires_grad_(True)
        found = self._results(replace(graph, positions=positions))
        energy = cast(Tensor, found[self._forces_of]).sum()
        # create_graph keeps what was recorded differentiable.
        (gradient,) = torch.autograd.grad(energy, positions, create_graph=True)
        return {**found, "forces": -gradient}

    def _results(self, graph: Graph) -> Mapping[str, object]:
        module = cast("Callable[..., object]", self.foreign)
        result = module(*self._positional(graph), **self._keywords(graph))
        if isinstance(result, Mapping):
            return cast("Mapping[str, object]", result)
        parts = list(cast("Sequence[object]", result)) if isinstance(result, (tuple, list)) else [result]
        if len(parts) < len(self._named):
            raise InteropError(
                f"{type(self.foreign).__name__} returned {len(parts)} values for {len(self._named)} declared outputs: "
                f"{', '.join(self._named)}."
            )
        return dict(zip(self._named, parts, strict=False))

    def _positional(self, graph: Graph) -> list[object]:
        if self._inputs == "data":
            return [_data(graph)]
        if callable(self._inputs) or isinstance(self._inputs, Mapping):
            return []
        return [_quantity(name, graph) for name in self._inputs]

    def _keywords(self, graph: Graph) -> Mapping[str, object]:
        if callable(self._inputs):
            return self._inputs(graph)
        if isinstance(self._inputs, Mapping):
            return {argument: _quantity(name, graph) for argument, name in self._inputs.items()}
        return {}


def adapt(
    module: nn.Module,
    inputs: Inputs,
    outputs: Mapping[str, Declared],
    *,
    cutoff: float,
    stages: Mapping[str, Declared | Tap] | None = None,
    forces: str | None = None,
    group: str = "E(3)",
) -> PygModel:
    """Wrap a module by its signature.

    Args:
        module: any torch module; held, not copied.
        inputs: what its forward takes: argument name -> quantity (one of `QUANTITIES`, or ``"node.velocity"`` for a
            typed attribute), or the quantities in order, or a function of the `Graph` that returns the arguments by
            name, or ``"data"`` for one `torch_geometric.data.Data` with z, pos, edge_index, edge_vec, batch and the
            typed attributes. Edges point from ``edge_index[0]`` to ``edge_index[1]``; vectors are r_0 - r_1.
        outputs: what comes out, by key where the module returns a dict, else in order: name -> representation, on
            nodes, or (representation, support).
        cutoff: of the neighbour lists, in the structures' length unit.
        stages: what to look at inside: path of a submodule -> what it returns, as for outputs, or a `Tap`.
        forces: name of the output whose negative gradient by positions is one more output, "forces".
        group: the symmetry that the module claims, as in `EquivariantModel`.

    Raises:
        InteropError: a path or a name that does not exist.
    """
    model = PygModel(module, inputs, outputs, cutoff, stages or {}, forces)
    model.group = group  # pyright: ignore[reportAttributeAccessIssue] - of this one, not of its class
    return model


def _typed(name: str, declared: Declared) -> Typed:
    return Typed(name, *declared) if isinstance(declared, tuple) else Typed(name, declared, "node")


def _tap(path: str, declared: Declared | Tap) -> Tap:
    if isinstance(declared, Tap):
        return declared
    return Tap(path, *declared) if isinstance(declared, tuple) else Tap(path, declared)


def _quantity(name: str, graph: Graph) -> object:
    kind, _, attribute = name.partition(".")
    typed = {"node": graph.node, "graph": graph.graph}.get(kind, {})
    if attribute in typed:
        return typed[attribute].values
    if name not in QUANTITIES:
        offered = [*QUANTITIES, *(f"node.{key}" for key in graph.node), *(f"graph.{key}" for key in graph.graph)]
        raise InteropError(f"There is no quantity {name!r} to give a module; this input has {', '.join(offered)}.")
    return QUANTITIES[name](graph)


def _data(graph: Graph) -> object:
    try:
        from torch_geometric.data import Data
    except ImportError as error:
        raise MissingLibrary("torch_geometric", "graph") from error
    data = Data(z=graph.species, pos=graph.positions, edge_index=graph.edge_index, batch=graph.batch)
    data.edge_vec = graph.edge_vectors
    for name, field in {**graph.node, **graph.graph}.items():
        data[name] = field.values
    return data


def _unsigned(model: nn.Module) -> EquivariantModel:
    """A bare PyG module: fine where it types its own tensors, else its signature must be said."""
    if any(isinstance(module, Stage) or hasattr(module, "irreps_out") for module in model.modules()):
        return cast(EquivariantModel, model)
    raise InteropError(
        f"{type(model).__name__} is a PyG module, and those have no standard input. Say what goes in and out: "
        "equiviz.interop.pyg.adapt(module, inputs={'pos': 'positions', 'z': 'species', 'edge_index': 'edge_index'}, "
        "outputs={'energy': ('1x0e', 'graph')}, cutoff=5.0)."
    )


ADAPTER = Adapter("torch_geometric", "torch_geometric", _unsigned)

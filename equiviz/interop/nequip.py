"""NequIP (Batzner et al., Nature Communications 13, 2453) and what is built on its framework, as in nequip 0.19.

A `GraphModel` is a sequence of graph modules that add fields to one dict and declare the irreps of each. Every field
that a module writes anew is a stage: ``<path of the module>.<field>``.

==============================================  =========================================
stage                                           what passes
==============================================  =========================================
model.func.type_embed.node_attrs                the embedding of the species
model.func.spharm.edge_attrs                    Y(r_ij) on edges
model.func.*.edge_embedding, .edge_cutoff       radial basis, cutoff function
model.func.layerT_convnet.conv.node_features    after the convolution of layer T
model.func.layerT_convnet.node_features         after its gate
model.func.*.atomic_energy, .total_energy       energies per node, per graph
==============================================  =========================================

nequip wants `set_global_state()` before models are built, which makes float64 the default dtype, seeds all generators,
and more: do it, and build the model, within `undisturbed()`. Positions are float64 whatever the model's own dtype.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from equiviz.interop.adapters import Adapter
from equiviz.interop.errors import InteropError
from equiviz.interop.foreign_model import (
    ENERGY,
    FORCES,
    NODE_ENERGY,
    STRESS,
    VIRIAL,
    ForeignModel,
    lattice_shifts,
    positions_of,
)
from equiviz.interop.taps import Tap
from equiviz.nn.stage import Stage, Support
from equiviz.structures.elements import atomic_number
from equiviz.structures.graph import Graph

_OUTPUTS = {
    "total_energy": ENERGY,
    "atomic_energy": NODE_ENERGY,
    "forces": FORCES,
    "stress": STRESS,
    "virial": VIRIAL,
}

# Geometry that the framework keeps in the dict, and what the outputs show already.
_NO_STAGES = {"pos", "cell", *_OUTPUTS} - {"atomic_energy", "total_energy"}


_DIFFERENTIATORS = {"ForceStressOutput", "PartialForceOutput"}


class _GraphModel(Protocol):
    """What nequip's top-level module has."""

    type_names: list[str]
    metadata: Mapping[str, str]

    def __call__(self, data: dict[str, Tensor]) -> Mapping[str, object]: ...


class _DeclaresFields(Protocol):
    irreps_out: Mapping[str, object]


@dataclass(frozen=True)
class _FieldTap(Tap):
    """A tap of one field of the dict that a graph module returns, where the module wrote it and not another before."""

    def listen(self, module: nn.Module, stage: Stage) -> list[RemovableHandle]:
        key = cast(str, self.part)
        before: list[object] = []

        # Modules may write into the dict that they get, so what came is remembered before they run.
        def entering(_module: nn.Module, inputs: tuple[object, ...]) -> None:
            before.append(cast("Mapping[str, object]", inputs[0]).get(key))

        def leaving(_module: nn.Module, _inputs: object, output: object) -> object:
            found = cast("Mapping[str, object]", output).get(key)
            written = isinstance(found, Tensor) and found is not before.pop()
            return self.passed(output, stage) if written else output

        return [module.register_forward_pre_hook(entering), module.register_forward_hook(leaving)]


class NequipModel(ForeignModel):
    """A `GraphModel` of nequip, or of an extension such as Allegro; see the module for its stages."""

    def __init__(self, model: nn.Module, elements: Mapping[str, int] | None = None) -> None:
        whole = getattr(model, "is_graph_model", False) and getattr(model, "type_names", [])
        if not whole or getattr(model, "is_compile_graph_model", False):
            raise InteropError(
                f"Expected a GraphModel of nequip, as its model builders give it with compile_mode='eager', got "
                f"{type(model).__name__}."
            )
        graph_model = cast(_GraphModel, model)
        numbers = [_element(name, elements or {}) for name in graph_model.type_names]
        derivatives = [module for module in model.modules() if type(module).__name__ in _DIFFERENTIATORS]
        super().__init__(
            model, float(graph_model.metadata["r_max"]), _taps(model), _OUTPUTS, numbers, differentiators=derivatives
        )
        self._numbers_of_types = tuple(numbers)

    @property
    def input_dtype(self) -> torch.dtype:
        """Float64: nequip takes edge vectors in double precision and casts them itself."""
        return torch.float64

    def call(self, graph: Graph) -> Mapping[str, object]:
        """Run the model on nequip's own dictionary."""
        types = torch.full((max(self._numbers_of_types) + 1,), -1, device=graph.species.device)
        types[list(self._numbers_of_types)] = torch.arange(len(self._numbers_of_types), device=types.device)
        data = {
            # Positions and cells of its own: the model differentiates by them.
            "pos": positions_of(graph),
            "atom_types": types[graph.species],
            # Row 0 is the centre, row 1 the neighbour.
            "edge_index": graph.edge_index.flip(0),
            "batch": graph.batch,
            "num_atoms": graph.sizes,
        }
        if graph.cells is not None or graph.given_vectors is not None:
            cells, shifts = lattice_shifts(graph)
            data |= {"cell": cells, "edge_cell_shift": shifts}
        return cast(_GraphModel, self.foreign)(data)


def adapt(model: nn.Module, elements: Mapping[str, int] | None = None) -> NequipModel:
    """Wrap a model of nequip.

    Args:
        model: as nequip's builders, checkpoints or packages give it; not compiled.
        elements: atomic numbers by type name, where the model's types are not called after elements.

    Raises:
        InteropError: a part of a model, a compiled one, or types that are no elements.
    """
    return NequipModel(model, elements)


def _element(name: str, elements: Mapping[str, int]) -> int:
    number = elements.get(name, atomic_number(name))
    if number is None:
        raise InteropError(
            f"The model's type {name!r} is no element; say what it is: "
            f"equiviz.interop.nequip.adapt(model, elements={{{name!r}: 1}})."
        )
    return number


def _taps(model: nn.Module) -> Iterator[Tap]:
    for path, module in model.named_modules():
        declared: object = getattr(module, "irreps_out", None)
        if path and isinstance(declared, Mapping) and not _is_sequence(module):
            fields = cast(_DeclaresFields, module).irreps_out
            yield from (tap for key, irreps in fields.items() for tap in _field_taps(path, key, irreps))


def _field_taps(path: str, key: str, irreps: object) -> Iterator[Tap]:
    support = _support(key)
    if support is not None and key not in _NO_STAGES and getattr(irreps, "dim", 0) > 0:
        yield _FieldTap(path, str(irreps), support, part=key)


def _is_sequence(module: nn.Module) -> bool:
    """Whether it runs the whole sequence: what it returns was written by its parts."""
    return any(type(part).__name__ == "SequentialGraphNetwork" for part in module.modules())


def _support(key: str) -> Support | None:
    """Where a field lives, asked of nequip's own registry, which extensions extend."""
    registry = importlib.import_module("nequip.data._key_registry")
    kind = registry.get_field_type(key, error_on_unregistered=False)
    return cast("Support", kind) if kind in ("node", "edge", "graph") else None


ADAPTER = Adapter("nequip", "nequip", adapt)

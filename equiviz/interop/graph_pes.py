"""Models of graph-pes (Gardner et al.): PaiNN, SchNet, TensorNet, and those that it builds from e3nn modules.

==============================================  ===================================================
stage                                           what passes
==============================================  ===================================================
interactions.t, updates.t (.vectors, .scalars)  PaiNN: what each block adds, C vectors and C scalars
interactions.t                                  SchNet: what layer t adds, C scalars
embedding, interactions.t                       TensorNet: C tensors [3, 3], `ScalarVectorTensor`
layers.t, and every e3nn module                 NequIP, MACE: what they declare as `irreps_out`
==============================================  ===================================================

Energies, forces, stress and virial are those of the model's own `predict`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from equiviz.interop.adapters import Adapter
from equiviz.interop.errors import InteropError
from equiviz.interop.foreign_model import (
    ENERGY,
    FORCES,
    NODE_ENERGY,
    STRESS,
    VIRIAL,
    ForeignModel,
    fully_periodic,
    lattice_shifts,
    shift_vectors,
)
from equiviz.interop.taps import Tap, e3nn_taps
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.symmetry.groups import O3, GroupElement
from equiviz.symmetry.representations import Block, Representation

_OUTPUTS = {
    "energy": ENERGY,
    "local_energies": NODE_ENERGY,
    "forces": FORCES,
    "stress": STRESS,
    "virial": VIRIAL,
}
_LAYERS = {"NequIPMessagePassingLayer", "MACELayer"}


class _Model(Protocol):
    """What every model of graph-pes has."""

    cutoff: Tensor

    def predict(self, graph: object, properties: list[str]) -> Mapping[str, object]: ...


@dataclass(frozen=True)
class ScalarVectorTensor(Representation):
    """TensorNet's matrices I + A + S: a multiple of the identity, the cross product with a polar vector, and a
    symmetric traceless tensor; ``0e+1o+2e`` in the basis of the nine components, in C order.

    Rotations act as on a Cartesian tensor, ``R X R^T``. The inversion changes the sign of A alone, since its vector is
    polar: it transposes.
    """

    @property
    def dim(self) -> int:
        """Nine."""
        return 9

    def _blocks(self) -> tuple[Block, ...]:
        return (Block("0e+1o+2e", 1, 9, torch.arange(9)[None]),)

    def matrix(self, g: GroupElement) -> Tensor:
        """``R`` times itself (Kronecker product) with the rotation part, and a transposition for improper elements."""
        element = g if isinstance(g, O3) else O3.identity()
        matrix = torch.kron(element.proper, element.proper)
        transposed = torch.arange(9).reshape(3, 3).T.flatten()
        return matrix if element.is_proper else matrix[transposed]

    def __str__(self) -> str:
        return "0e+1o+2e as a matrix"


class GraphPesModel(ForeignModel):
    """A `GraphPESModel` of graph-pes; see the module for its stages."""

    def __init__(self, model: nn.Module) -> None:
        if not (hasattr(model, "predict") and "local_energies" in getattr(model, "implemented_properties", ())):
            raise InteropError(f"Expected a GraphPESModel of graph-pes, got {type(model).__name__}.")
        super().__init__(model, float(cast(_Model, model).cutoff), _taps(model), _OUTPUTS, differentiators=[model])

    def call(self, graph: Graph) -> Mapping[str, object]:
        """Ask the model for all that it can predict: stress and virial only where all structures are periodic."""
        wanted = ["local_energies", "energy", "forces"] + ["stress", "virial"] * fully_periodic(graph)
        return cast(_Model, self.foreign).predict(self._atomic_graph(graph), wanted)

    def _atomic_graph(self, graph: Graph) -> object:
        """One structure without batch indices, several with them, as graph-pes' own conversions give it."""
        atomic_graph: Callable[..., object] = importlib.import_module("graph_pes.atomic_graph").AtomicGraph
        (cells, shifts), several = _cells_and_shifts(graph), graph.n_graphs != 1
        return atomic_graph(
            Z=graph.species,
            R=graph.positions,
            cell=cells if several else cells[0],
            neighbour_list=graph.edge_index.flip(0),  # centre, neighbour
            neighbour_cell_offsets=shifts,
            properties={},
            cutoff=graph.cutoff,
            other={},
            batch=graph.batch if several else None,
            ptr=graph.offsets if several else None,
        )


def _cells_and_shifts(graph: Graph) -> tuple[Tensor, Tensor]:
    """Cells [B, 3, 3] and shifts [E, 3] in lattice vectors, which also bring the slopes of positions.

    predict() detaches positions, and not shifts: what is zero, and moves as the positions do, is added to these.
    """
    if not graph.positions.requires_grad:
        return lattice_shifts(graph)
    vectors = graph.positions[graph.senders] - graph.positions[graph.receivers]
    slopes = vectors - vectors.detach()  # [E, 3]
    if fully_periodic(graph):
        cells, shifts = lattice_shifts(graph)
        inverse = torch.linalg.inv(cells)[graph.batch[graph.receivers]]  # [E, 3, 3]
        return cells, shifts + torch.einsum("ex,exa->ea", slopes, inverse)
    unit = torch.eye(3, dtype=vectors.dtype, device=vectors.device)
    return unit.repeat(graph.n_graphs, 1, 1), shift_vectors(graph) + slopes


def adapt(model: nn.Module) -> GraphPesModel:
    """Wrap a model of graph-pes.

    Raises:
        InteropError: no `GraphPESModel`: a part of one, or a model of other properties than energies.
    """
    return GraphPesModel(model)


def _taps(model: nn.Module) -> list[Tap]:
    taps = e3nn_taps(model, _support, also=_LAYERS)
    kinds: dict[str, Callable[[nn.Module, str], Iterator[Tap]]] = {
        "PaiNN": _painn_taps,
        "SchNet": _schnet_taps,
        "TensorNet": _tensornet_taps,
    }
    for path, module in model.named_modules():  # sums of models hold several
        kind = kinds.get(type(module).__name__)
        taps += kind(module, f"{path}." if path else "") if kind else ()
    return taps


def _painn_taps(body: nn.Module, prefix: str) -> Iterator[Tap]:
    channels: object = body.channels
    for block in ("interactions", "updates"):
        for layer in range(len(cast(nn.ModuleList, getattr(body, block)))):
            path = f"{prefix}{block}.{layer}"
            yield Tap(path, f"{channels}x1o", part=0, name=f"{path}.vectors")  # [N, C, 3]
            yield Tap(path, f"{channels}x0e", part=1, name=f"{path}.scalars")  # [N, C]


def _schnet_taps(body: nn.Module, prefix: str) -> Iterator[Tap]:
    for layer, interaction in enumerate(cast(nn.ModuleList, body.interactions)):
        channels = cast(nn.Linear, interaction.linear).out_features
        yield Tap(f"{prefix}interactions.{layer}", f"{channels}x0e")  # [N, C]


def _tensornet_taps(body: nn.Module, prefix: str) -> Iterator[Tap]:
    yield Tap(f"{prefix}embedding", ScalarVectorTensor())  # [N, C, 3, 3]
    for layer in range(len(cast(nn.ModuleList, body.interactions))):
        yield Tap(f"{prefix}interactions.{layer}", ScalarVectorTensor())


def _support(path: str) -> Support:
    on_edges = ("edge_embedding", "spherical_harmonics", ".message_tensor_product", ".tp")
    return "edge" if path.endswith(on_edges) else "node"


ADAPTER = Adapter("graph_pes", "graph-pes", adapt)

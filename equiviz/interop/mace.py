"""MACE (Batatia et al., arXiv 2206.07697), as in the package mace-torch: energies, forces, stress, dipoles.

=========================  ==============================================================================
stage                      what passes
=========================  ==============================================================================
spherical_harmonics        Y(r_ij) on edges, from receiver to sender as MACE has it
node_embedding.linear      the embedding of the species
interactions.t.linear_up   features before the convolution
interactions.t.conv_tp     messages on edges
interactions.t.linear      A-basis, summed over neighbours; then `skip_tp`, the residual connection
products.t                 features of layer t: symmetric contraction (B-basis), linear map, residual
readouts.t.*               energies per node and head
=========================  ==============================================================================

Importing mace sets ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` for the whole process: do it within `undisturbed()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from equiviz.interop.adapters import Adapter
from equiviz.interop.errors import InteropError
from equiviz.interop.foreign_model import (
    CHARGES,
    DIPOLE,
    ENERGY,
    FORCES,
    NODE_DIPOLE,
    NODE_ENERGY,
    POLARIZABILITY,
    STRESS,
    ForeignModel,
    cells_of,
    fully_periodic,
    positions_of,
    shift_vectors,
)
from equiviz.interop.taps import Tap, e3nn_taps
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph

_OUTPUTS = {
    "energy": ENERGY,
    "node_energy": NODE_ENERGY,
    "forces": FORCES,
    "stress": STRESS,
    "atomic_dipoles": NODE_DIPOLE,
    "dipole": DIPOLE,
    "charges": CHARGES,
    "polarizability": POLARIZABILITY,
}


class _Mace(Protocol):
    """What every model class of mace-torch has."""

    atomic_numbers: Tensor
    r_max: Tensor
    products: nn.ModuleList

    def __call__(self, data: dict[str, Tensor], **asked: bool) -> Mapping[str, object]: ...


class MaceModel(ForeignModel):
    """A model of mace-torch (MACE, ScaleShiftMACE, AtomicDipolesMACE ...); see the module for its stages."""

    def __init__(self, model: nn.Module, head: int = 0) -> None:
        if not (hasattr(model, "r_max") and hasattr(model, "products")):
            raise InteropError(f"Expected a whole model of mace-torch, got {type(model).__name__}, a part of one.")
        mace = cast(_Mace, model)
        super().__init__(model, float(mace.r_max), _taps(model), _OUTPUTS, mace.atomic_numbers.tolist())
        self.head = head

    def call(self, graph: Graph) -> Mapping[str, object]:
        """Run MACE, which keeps the autograd graph when it is told that it trains."""
        if not hasattr(self.foreign, "atomic_energies_fn"):  # dipoles and polarisabilities only
            return cast(_Mace, self.foreign)(self._data(graph))
        asked = {"training": True, "compute_force": True, "compute_stress": fully_periodic(graph)}
        return cast(_Mace, self.foreign)(self._data(graph), **asked)

    def _data(self, graph: Graph) -> dict[str, Tensor]:
        positions = positions_of(graph)
        kinds = graph.species[:, None] == cast(_Mace, self.foreign).atomic_numbers  # [N, Z]
        return {
            "positions": positions,
            "node_attrs": kinds.to(positions.dtype),
            "edge_index": graph.edge_index,
            # MACE's vectors point from sender to receiver, ours the other way.
            "shifts": -shift_vectors(graph),
            "unit_shifts": -graph.shifts.to(positions.dtype),
            "cell": cells_of(graph).reshape(-1, 3),  # [3B, 3]
            "batch": graph.batch,
            "ptr": graph.offsets,
            "head": torch.full((graph.n_graphs,), self.head, device=positions.device),
            "charges": positions.new_zeros(len(graph)),
            "total_charge": positions.new_zeros(graph.n_graphs),
        }


def adapt(model: nn.Module, head: int = 0) -> MaceModel:
    """Wrap a model of mace-torch.

    Args:
        model: built or loaded by mace.
        head: which head of a multi-head model is asked, as its place in ``model.heads``.

    Raises:
        InteropError: a part of a model instead of a whole one.
    """
    return MaceModel(model, head)


def _taps(model: nn.Module) -> list[Tap]:
    found = e3nn_taps(model, _support, also={"SymmetricContraction"})
    products = cast(_Mace, model).products
    blocks = [
        Tap(f"products.{layer}", str(cast(_DeclaresIrreps, product.linear).irreps_out))
        for layer, product in enumerate(products)
        if hasattr(product, "linear")
    ]
    return [*found, *blocks]


class _DeclaresIrreps(Protocol):
    irreps_out: object


def _support(path: str) -> Support:
    return "edge" if path == "spherical_harmonics" or path.endswith(".conv_tp") else "node"


ADAPTER = Adapter("mace", "mace-torch", adapt)

"""SchNet (Schuett et al., arXiv 1706.08566) and PaiNN (arXiv 2102.03150), as in the package schnetpack 2.

================================================  =======================================================
stage                                             what passes
================================================  =======================================================
representation.embedding                          the embedding of the species
representation.interactions.t (SchNet)            what layer t adds to the features, F scalars
representation.interactions.t.scalars, .vectors   PaiNN's features after message t: F scalars, F vectors
representation.mixing.t.scalars, .vectors         PaiNN's features after update t
output_modules.k.outnet.* , radial_basis          not typed: parts of scalar functions
================================================  =======================================================

PaiNN keeps its vectors as [N, 3, F]: irreps in the layout ``ir_mul``. Outputs are found by the keys of the model's own
output modules (`Atomwise`, `Forces`, `DipoleMoment`, `Polarizability`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    NODE_ENERGY,
    POLARIZABILITY,
    STRESS,
    ForeignModel,
    Typed,
    cells_of,
    positions_of,
    shift_vectors,
)
from equiviz.interop.taps import Tap
from equiviz.structures.graph import Graph
from equiviz.symmetry.representations import O3Irreps

_DIFFERENTIATORS = {"Forces", "Response"}


class _Representation(Protocol):
    n_atom_basis: int
    cutoff: float | Tensor


class SchnetpackModel(ForeignModel):
    """An `AtomisticModel` of schnetpack whose representation is SchNet or PaiNN; see the module for its stages."""

    def __init__(self, model: nn.Module) -> None:
        body = getattr(model, "representation", None)
        if body is None:
            raise InteropError(
                f"Expected a whole model of schnetpack, such as NeuralNetworkPotential, got {type(model).__name__}. "
                "Put the representation into one, with the output modules that you use."
            )
        cutoff = float(cast(_Representation, body).cutoff)
        derivatives = [module for module in model.modules() if type(module).__name__ in _DIFFERENTIATORS]
        super().__init__(model, cutoff, _taps(cast(nn.Module, body)), _outputs(model), differentiators=derivatives)

    def call(self, graph: Graph) -> Mapping[str, object]:
        """Run the model on schnetpack's own dictionary of inputs."""
        positions = positions_of(graph)
        # Models mark what they differentiate by, and Strain needs a cell: each call gets tensors of its own.
        inputs = {
            "_idx": torch.arange(graph.n_graphs, device=positions.device),
            "_positions": positions,
            "_atomic_numbers": graph.species,
            "_cell": cells_of(graph),  # [B, 3, 3]
            "_pbc": _periods(graph),
            "_idx_i": graph.receivers,
            "_idx_j": graph.senders,
            "_idx_m": graph.batch,
            "_offsets": shift_vectors(graph),  # [E, 3]
            "_n_atoms": graph.sizes,
        }
        return cast("Callable[[dict[str, Tensor]], Mapping[str, object]]", self.foreign)(inputs)


def adapt(model: nn.Module) -> SchnetpackModel:
    """Wrap a model of schnetpack.

    Raises:
        InteropError: a representation or an output module alone, or a representation that is not PaiNN or SchNet.
    """
    return SchnetpackModel(model)


def _taps(body: nn.Module) -> list[Tap]:
    kinds: dict[str, Callable[[nn.Module], Iterator[Tap]]] = {"PaiNN": _painn_taps, "SchNet": _schnet_taps}
    kind = next((kind for kind in type(body).__mro__ if kind.__name__ in kinds), None)
    if kind is None:
        raise InteropError(
            f"Of schnetpack's representations, the adapter knows {' and '.join(kinds)}, not {type(body).__name__}."
        )
    return list(kinds[kind.__name__](body))


def _painn_taps(body: nn.Module) -> Iterator[Tap]:
    features = cast(_Representation, body).n_atom_basis
    scalars, vectors = f"{features}x0e", O3Irreps(f"{features}x1o", "ir_mul")
    yield Tap("representation.embedding", scalars)
    for block in ("interactions", "mixing"):
        for layer in range(len(cast(nn.ModuleList, getattr(body, block)))):
            path = f"representation.{block}.{layer}"
            yield Tap(path, scalars, part=0, name=f"{path}.scalars")  # [N, 1, F]
            yield Tap(path, vectors, part=1, name=f"{path}.vectors")  # [N, 3, F]


def _schnet_taps(body: nn.Module) -> Iterator[Tap]:
    scalars = f"{cast(_Representation, body).n_atom_basis}x0e"
    yield Tap("representation.embedding", scalars)
    for layer in range(len(cast(nn.ModuleList, body.interactions))):
        yield Tap(f"representation.interactions.{layer}", scalars)


def _outputs(model: nn.Module) -> dict[str, Typed]:
    """What each output module writes, by the keys that it was given."""
    found: dict[str, Typed] = {}
    for module in cast(nn.ModuleList, getattr(model, "output_modules", nn.ModuleList())):
        found.update(_written_by(module))
    return found


def _written_by(module: nn.Module) -> Iterator[tuple[str, Typed]]:
    """Key and type of each output, by the names of the attributes that hold the keys."""
    types = {
        "force_key": FORCES,
        "stress_key": STRESS,
        "charges_key": CHARGES,
        "dipole_key": Typed("dipole", "1x0e", "graph") if getattr(module, "predict_magnitude", False) else DIPOLE,
        "polarizability_key": POLARIZABILITY,
    }
    for attribute, typed in types.items():
        if hasattr(module, attribute):
            yield str(getattr(module, attribute)), typed
    if hasattr(module, "per_atom_output_key"):  # Atomwise: sums of scalars, under any key
        yield from _sums(module)


def _sums(module: nn.Module) -> Iterator[tuple[str, Typed]]:
    key, atomic, count = (getattr(module, name) for name in ("output_key", "per_atom_output_key", "n_out"))
    energy = key == "energy" and count == 1
    yield key, ENERGY if energy else Typed(key, f"{count}x0e", "graph")
    if atomic is not None:
        yield atomic, NODE_ENERGY if energy else Typed(atomic, f"{count}x0e", "node")


def _periods(graph: Graph) -> Tensor:
    if graph.pbc is None:
        return torch.zeros(graph.n_graphs, 3, dtype=torch.bool, device=graph.positions.device)
    return graph.pbc


ADAPTER = Adapter("schnetpack", "schnetpack", adapt)

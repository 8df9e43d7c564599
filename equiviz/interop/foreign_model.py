"""What all adapters share: structures in, a foreign call between, typed fields out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from equiviz.interop.errors import InteropError
from equiviz.interop.global_state import default_dtype
from equiviz.interop.taps import Tap, listening, planted
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.elements import symbol
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.representation_text import representation as as_representation
from equiviz.symmetry.representations import CartesianTensor, Representation


@dataclass(frozen=True)
class Typed:
    """How one entry of a foreign result becomes a field.

    Attributes:
        name: of the field.
        representation: what it carries.
        support: what its rows are.
    """

    name: str
    representation: Representation | str
    support: Support

    def field(self, values: Tensor, rows: int) -> Field:
        """The values, whatever their shape, as a field of so many rows.

        Raises:
            InteropError: the number of values does not fit.
        """
        carried = as_representation(self.representation)
        if values.numel() != rows * carried.dim:
            raise InteropError(
                f"Output {self.name!r} is declared as {carried} on each {self.support}, {rows} x {carried.dim} "
                f"numbers, but a tensor of shape {list(values.shape)} came. Declare it as it is."
            )
        return Field(values.reshape(rows, carried.dim), carried, self.support)


ENERGY = Typed("energy", "1x0e", "graph")
NODE_ENERGY = Typed("node_energy", "1x0e", "node")
FORCES = Typed("forces", "1x1o", "node")
#: A symmetric tensor of rank 2; the kernel's Cartesian tensors have nine components in C order.
STRESS = Typed("stress", CartesianTensor(2), "graph")
VIRIAL = Typed("virial", CartesianTensor(2), "graph")
DIPOLE = Typed("dipole", "1x1o", "graph")
NODE_DIPOLE = Typed("node_dipole", "1x1o", "node")
CHARGES = Typed("charges", "1x0e", "node")
POLARIZABILITY = Typed("polarizability", CartesianTensor(2), "graph")


class ForeignModel(EquivariantModel):
    """A model of another package, seen as an `EquivariantModel`; base of all adapters.

    The foreign model is held, not copied: its parameters, its mode and its device are the wrapper's. While the wrapper
    runs, taps listen to the foreign modules; before and after, nothing is attached. An adapter writes `call`.

    Attributes:
        foreign: the model as its package made it.
        cutoff: of the neighbour lists, in Angstrom.
        knows: the atomic numbers that it was made for; None where it does not say.
        outputs: how the entries of what `call` returns become fields; entries that are not named are left out.
        takes_edge_vectors: whether `call` honours a graph's own edge vectors (`shift_vectors`, `lattice_shifts`).

    Args:
        foreign, cutoff, outputs, knows: as above.
        taps: where typed tensors pass inside.
        differentiators: foreign modules that differentiate the energy, and keep the autograd graph only in training
            mode. For the time of a call that flag is set for them, and for nothing else, so that the energy can be
            differentiated once more, by positions or by recorded stages.
    """

    takes_edge_vectors: bool = True

    def __init__(
        self,
        foreign: nn.Module,
        cutoff: float,
        taps: Iterable[Tap],
        outputs: Mapping[str, Typed],
        knows: Collection[int] | None = None,
        differentiators: Iterable[nn.Module] = (),
    ) -> None:
        super().__init__(None)
        self.foreign = foreign
        self.cutoff = cutoff
        self.knows = None if knows is None else frozenset(knows)
        self.outputs = dict(outputs)
        self._differentiators = tuple(differentiators)
        self._taps = planted(self, foreign, taps)
        for module in self.modules():
            if not _within(foreign, module):
                module.training = foreign.training

    @abstractmethod
    def call(self, graph: Graph) -> Mapping[str, object]:
        """What the foreign model returns for this graph, under its own names."""

    @property
    def title(self) -> str:
        """What reports call it: the name of the foreign class."""
        return type(self.foreign).__name__

    @property
    def input_dtype(self) -> torch.dtype:
        """The floating type of positions and cells that the model takes: by default that of its parameters."""
        floating = [value.dtype for value in self._numbers() if value.is_floating_point()]
        return floating[0] if floating else torch.get_default_dtype()

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbours within the model's cutoff, in its dtype and on its device.

        Raises:
            InteropError: lengths that are not in Angstrom, species that are not elements, or not known to the model.
        """
        listed = [structures] if isinstance(structures, Structure) else list(structures)
        for structure in listed:
            self._refuse(structure)
        graph = Graph.from_structures([_bare(item) for item in listed], self.cutoff, dtype=self.input_dtype)
        device = next((value.device for value in self._numbers()), graph.positions.device)
        return graph if device == graph.positions.device else graph.to(device)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """The foreign model's outputs, typed: energies per graph and node, forces, stress where all is periodic.

        Energies and forces stay connected to positions and recorded stages in the autograd graph.

        Raises:
            InteropError: a graph with edge vectors of its own, where the adapter cannot hand them on; an output or a
                stage that is not what was declared.
        """
        if graph.given_vectors is not None and not self.takes_edge_vectors:
            raise InteropError(
                f"{type(self.foreign).__name__} computes edge vectors from positions; it cannot take given ones "
                "(Graph.with_edge_vectors). Move the positions instead."
            )
        # Foreign code makes constants in the default dtype; under another one it fails, or loses precision.
        with (
            default_dtype(self.input_dtype),
            listening(self._taps),
            _keeping_the_graph(self._differentiators),
            torch.enable_grad(),
        ):
            found = self.call(graph)
        return self._typed(found, graph)

    def fresh(self) -> EquivariantModel:
        """A foreign model has no recipe that equiviz could follow.

        Raises:
            InteropError: always.
        """
        raise InteropError(
            f"How {type(self.foreign).__name__} was built is known to its own package only; build another one there."
        )

    def _typed(self, found: Mapping[str, object], graph: Graph) -> dict[str, Field]:
        rows = {"node": len(graph), "graph": graph.n_graphs, "edge": graph.edge_index.shape[1]}
        # Without a volume, packages divide by zero, or leave zeros.
        absent = None if fully_periodic(graph) else STRESS
        named = [(typed, found.get(key)) for key, typed in self.outputs.items() if typed is not absent]
        return {
            typed.name: typed.field(values, rows[typed.support])
            for typed, values in named
            if isinstance(values, Tensor)
        }

    def _numbers(self) -> list[Tensor]:
        return [*self.foreign.parameters(), *self.foreign.buffers()]

    def _refuse(self, structure: Structure) -> None:
        name = type(self.foreign).__name__
        if structure.length_unit != "Å" or structure.species_names is not None:
            raise InteropError(
                f"{name} takes lengths in Å and atomic numbers; this structure has lengths in "
                f"{structure.length_unit}{'' if structure.species_names is None else ' and type numbers'}. Give it "
                "with length_unit='Å' and species_names=None."
            )
        unknown = set() if self.knows is None else set(structure.species.tolist()) - self.knows
        if unknown:
            known = ", ".join(symbol(number) for number in sorted(self.knows or ()))
            came = ", ".join(symbol(number) for number in sorted(unknown))
            raise InteropError(f"{name} was made for {known}; this structure has {came} too.")


@contextmanager
def _keeping_the_graph(differentiators: Iterable[nn.Module]) -> Generator[None]:
    modes = {module: module.training for module in differentiators}
    try:
        for module in modes:
            module.training = True
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def positions_of(graph: Graph) -> Tensor:
    """The positions [N, 3], such that a model may ask for their gradients without touching the graph's own tensor."""
    return graph.positions if graph.positions.requires_grad else graph.positions.detach()


def cells_of(graph: Graph) -> Tensor:
    """The cells [B, 3, 3]; zero where there is none. Never the graph's own tensor."""
    if graph.cells is None:
        return graph.positions.new_zeros(graph.n_graphs, 3, 3)
    return graph.cells.clone()


def shift_vectors(graph: Graph) -> Tensor:
    """By how much the image of each edge's sender is moved, [E, 3] in Angstrom.

    Where the graph has edge vectors of its own, by as much as makes the difference of positions plus the shift equal
    to them: this is how a foreign model, which takes positions and shifts, is given edge vectors.
    """
    if graph.given_vectors is not None:
        return graph.given_vectors - (graph.positions[graph.senders] - graph.positions[graph.receivers])
    cells = cells_of(graph)[graph.batch[graph.receivers]]  # [E, 3, 3]
    return torch.einsum("ea,eax->ex", graph.shifts.to(cells), cells)


def lattice_shifts(graph: Graph) -> tuple[Tensor, Tensor]:
    """Cells [B, 3, 3] and shifts [E, 3] in lattice vectors, for packages that multiply them with each other.

    Where the graph has edge vectors of its own the cells are cubes of 1 Angstrom, and the shifts `shift_vectors`.
    """
    if graph.given_vectors is None:
        return cells_of(graph), graph.shifts.to(graph.positions.dtype)
    unit = torch.eye(3, dtype=graph.positions.dtype, device=graph.positions.device)
    return unit.repeat(graph.n_graphs, 1, 1), shift_vectors(graph)


def fully_periodic(graph: Graph) -> bool:
    """Whether each structure repeats along three lattice vectors, so that it has a volume and a stress.

    With edge vectors of its own it has none: these need not fit any lattice.
    """
    return graph.given_vectors is None and graph.pbc is not None and bool(graph.pbc.all())


def _bare(structure: Structure) -> Structure:
    # Foreign models read no typed attributes; batches of structures with different ones are fine for them.
    return replace(structure, node={}, graph={})


def _within(foreign: nn.Module, module: nn.Module) -> bool:
    return any(module is inner for inner in foreign.modules())

"""Graph: a batch of structures with their neighbour edges; what models eat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.structures.errors import StructureError
from equiviz.structures.neighbours import Neighbours, neighbours
from equiviz.structures.structure import SpeciesNames, Structure, reordered
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps, Position

if TYPE_CHECKING:
    from equiviz.symmetry.groups import GroupElement


@dataclass(frozen=True, eq=False)
class Graph:
    """A batch of structures as one graph without edges between them.

    Shapes: N points of all structures one after another, E directed edges, B structures, d dimension of a
    representation. Edges are sorted by receiver. Positions may require gradients: `edge_vectors` carries them.

    Attributes:
        positions: [N, 3] in `length_unit`.
        species: [N] atomic or type numbers.
        edge_index: [2, E] row 0 the sender j, row 1 the receiver i, as indices of points of the whole batch.
        shifts: [E, 3] integers: how many lattice vectors the image of the sender is away.
        batch: [N] which structure a point belongs to.
        cells: [B, 3, 3] rows are lattice vectors, zero for structures without a cell; None if no structure has one.
        node: typed attributes of the points: name -> Field with values [N, d].
        graph: typed attributes of the structures: name -> Field with values [B, d].
        cutoff: largest length of an edge (excluded), in `length_unit`.
        n_graphs: B.
        pbc: [B, 3] which lattice vectors are periods; None if no structure has any.
        names: what the B structures are called.
        length_unit: unit of positions, cells and cutoff.
        species_names: as in Structure.
        given_vectors: [E, 3] edge vectors that replace the computed ones (`with_edge_vectors`), or None.
    """

    positions: Tensor  # [N, 3]
    species: Tensor  # [N]
    edge_index: Tensor  # [2, E]
    shifts: Tensor  # [E, 3]
    batch: Tensor  # [N]
    cells: Tensor | None  # [B, 3, 3]
    node: Mapping[str, Field]
    graph: Mapping[str, Field]
    cutoff: float
    n_graphs: int
    pbc: Tensor | None = None  # [B, 3]
    names: tuple[str, ...] = ()
    length_unit: str = "Å"
    species_names: SpeciesNames = None
    given_vectors: Tensor | None = field(default=None, repr=False)  # [E, 3]

    @classmethod
    def from_structures(
        cls, structures: Structure | Sequence[Structure], cutoff: float, dtype: torch.dtype | None = None
    ) -> Graph:
        """Batch structures and find their edges (always in float64, whatever dtype the graph gets).

        Args:
            structures: one structure or several; they must agree in length unit, species names, and in the names and
                representations of their typed attributes.
            cutoff: largest length of an edge (excluded), in the structures' length unit.
            dtype: floating dtype of the graph; None means `torch.get_default_dtype()`.

        Raises:
            StructureError: structures that disagree, and all that `neighbours` raises; the message names the structure.
        """
        items = [structures] if isinstance(structures, Structure) else list(structures)
        _refuse_disagreement(items)
        dtype = dtype or torch.get_default_dtype()
        found = [_edges(item, cutoff, place) for place, item in enumerate(items)]
        sizes = torch.tensor([len(item) for item in items], dtype=torch.long)  # [B]
        starts = sizes.cumsum(0) - sizes  # [B]
        edges = [one.edge_index + start for one, start in zip(found, starts.tolist(), strict=True)]
        first = items[0] if items else Structure(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
        return cls(
            positions=_cat([item.positions.to(dtype) for item in items], torch.zeros(0, 3, dtype=dtype)),
            species=_cat([item.species for item in items], torch.zeros(0, dtype=torch.long)),
            edge_index=_cat(edges, torch.zeros(2, 0, dtype=torch.long), dim=1),
            shifts=_cat([one.shifts for one in found], torch.zeros(0, 3, dtype=torch.long)),
            batch=torch.arange(len(items)).repeat_interleave(sizes).to(first.positions.device),
            cells=_cells(items, dtype),
            node={name: _joined([item.node[name] for item in items], dtype) for name in first.node},
            graph={name: _joined([item.graph[name] for item in items], dtype) for name in first.graph},
            cutoff=float(cutoff),
            n_graphs=len(items),
            pbc=_periods(items),
            names=tuple(item.name for item in items),
            length_unit=first.length_unit,
            species_names=first.species_names,
        )

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.positions)

    def __repr__(self) -> str:
        counts = f"{self.n_graphs} structures, {len(self)} points, {self.edge_index.shape[1]} edges"
        typed = ", ".join(f"{name}: {item.representation}" for name, item in {**self.node, **self.graph}.items())
        return f"Graph: {counts} within {self.cutoff:g} {self.length_unit}, typed attributes {typed or 'none'}"

    @property
    def senders(self) -> Tensor:
        """Point j of each edge, [E]."""
        return self.edge_index[0]

    @property
    def receivers(self) -> Tensor:
        """Point i of each edge, [E], ascending."""
        return self.edge_index[1]

    @property
    def sizes(self) -> Tensor:
        """Number of points of each structure, [B]."""
        return torch.bincount(self.batch, minlength=self.n_graphs)

    @property
    def offsets(self) -> Tensor:
        """Index of the first point of each structure, and N at the end, [B + 1] (unless a permutation mixed them)."""
        return torch.nn.functional.pad(self.sizes.cumsum(0), (1, 0))

    @property
    def edge_vectors(self) -> Tensor:
        """r_j + shift @ cell - r_i, [E, 3] in `length_unit`; differentiable in positions and cells.

        Forces and stress: strain positions and cells with one symmetric [3, 3] parameter and differentiate.
        """
        if self.given_vectors is not None:
            return self.given_vectors
        vectors = self.positions[self.senders] - self.positions[self.receivers]  # [E, 3]
        if self.cells is None:
            return vectors
        cells = self.cells[self.batch[self.receivers]]  # [E, 3, 3]
        return vectors + torch.einsum("ea,eax->ex", self.shifts.to(cells.dtype), cells)

    def with_edge_vectors(self, vectors: Tensor) -> Graph:
        """Return the graph with edge vectors of its own, [E, 3], instead of those that follow from the positions.

        It is the door for derivatives and attributions with respect to edges. Raises StructureError for a wrong shape.
        """
        if vectors.shape != self.shifts.shape:
            why = f"edge vectors must have shape {list(self.shifts.shape)}, got {list(vectors.shape)}"
            raise StructureError(None, None, why)
        return replace(self, given_vectors=vectors)

    def transform(self, g: GroupElement) -> Graph:
        """Return the graph acted on by g.

        An O(3) element turns positions, cells, edge vectors and every typed attribute; shifts stay. A Translation moves
        positions only. A Permutation reorders points, their attributes and `batch`, and relabels the edges; these are
        then sorted by receiver again: new edge e is old edge `edge_order(g)[e]`.
        """
        order = self.edge_order(g)  # [E]
        vector = O3Irreps("1o")
        return replace(
            self,
            positions=reordered(g, Position().transform(g, self.positions)),
            species=reordered(g, self.species),
            edge_index=self._relabelled(g)[:, order],
            shifts=self.shifts[order],
            batch=reordered(g, self.batch),
            cells=None if self.cells is None else vector.transform(g, self.cells),
            node={name: item.transform(g) for name, item in self.node.items()},
            graph={name: item.transform(g) for name, item in self.graph.items()},
            given_vectors=None if self.given_vectors is None else vector.transform(g, self.given_vectors)[order],
        )

    def edge_order(self, g: GroupElement) -> Tensor:
        """Return the order [E] that `transform(g)` gives the edges: new edge e is old edge order[e]."""
        return self._relabelled(g)[1].argsort(stable=True)

    def _relabelled(self, g: GroupElement) -> Tensor:
        """Edges with the point numbers that they get under g, in the old order, [2, E]."""
        old = reordered(g, torch.arange(len(self), device=self.edge_index.device))  # [N] old number of each new point
        return old.argsort()[self.edge_index]

    def to(self, target: torch.dtype | torch.device | str) -> Graph:
        """Return the graph in another floating dtype or on another device (integers keep their dtype)."""

        def place(integers: Tensor) -> Tensor:
            return integers if isinstance(target, torch.dtype) else integers.to(target)

        return replace(
            self,
            positions=self.positions.to(target),
            species=place(self.species),
            edge_index=place(self.edge_index),
            shifts=place(self.shifts),
            batch=place(self.batch),
            cells=None if self.cells is None else self.cells.to(target),
            node={name: item.to(target) for name, item in self.node.items()},
            graph={name: item.to(target) for name, item in self.graph.items()},
            pbc=None if self.pbc is None else place(self.pbc),
            given_vectors=None if self.given_vectors is None else self.given_vectors.to(target),
        )

    def structures(self) -> list[Structure]:
        """Return the structures of the batch, without edges, in the graph's dtype."""
        return [self._structure(place) for place in range(self.n_graphs)]

    def _structure(self, place: int) -> Structure:
        inside = self.batch == place  # [N]
        pbc = (False, False, False) if self.pbc is None else tuple(self.pbc[place].tolist())
        cell = None if self.cells is None or not self.cells[place].any() else self.cells[place]
        return Structure(
            positions=self.positions[inside],
            species=self.species[inside],
            cell=cell,
            pbc=pbc,
            node={name: Field(item.values[inside], item.representation, "node") for name, item in self.node.items()},
            graph={
                name: Field(item.values[[place]], item.representation, "graph") for name, item in self.graph.items()
            },
            length_unit=self.length_unit,
            species_names=self.species_names,
            name=self.names[place] if self.names else "",
        )


def _edges(structure: Structure, cutoff: float, place: int) -> Neighbours:
    try:
        return neighbours(structure.positions, cutoff, structure.cell, structure.pbc)
    except StructureError as error:
        raise StructureError(error.path, error.line, f"{_called(structure, place)}: {error.why}") from error


def _refuse_disagreement(structures: Sequence[Structure]) -> None:
    for place, other in enumerate(structures):
        first = structures[0]
        for what in ("length_unit", "species_names"):
            if getattr(first, what) != getattr(other, what):
                came = f"{what} {getattr(first, what)!r} in {_called(first, 0)} but {getattr(other, what)!r}"
                raise StructureError(None, None, f"one batch needs one {what}: {came} in {_called(other, place)}")
        _refuse_other_attributes("node", first, other, place)
        _refuse_other_attributes("graph", first, other, place)


def _refuse_other_attributes(kind: str, first: Structure, other: Structure, place: int) -> None:
    expected, came = getattr(first, kind), getattr(other, kind)
    for name in [*expected, *came]:
        one, two = (repr(typed[name].representation) if name in typed else "absent" for typed in (expected, came))
        if one != two:
            why = f"{kind} attribute {name!r} is {one} in {_called(first, 0)} but {two} in {_called(other, place)}"
            raise StructureError(None, None, f"{why}; give all structures of a batch the same typed attributes")


def _called(structure: Structure, place: int) -> str:
    return f"structure {place} ({structure.name!r})" if structure.name else f"structure {place}"


def _cat(parts: Sequence[Tensor], empty: Tensor, dim: int = 0) -> Tensor:
    return torch.cat(list(parts), dim) if parts else empty


def _joined(items: Sequence[Field], dtype: torch.dtype) -> Field:
    values = torch.cat([item.values for item in items])
    return items[0].with_values(values if values.is_complex() else values.to(dtype))


def _cells(structures: Sequence[Structure], dtype: torch.dtype) -> Tensor | None:
    if all(item.cell is None for item in structures):
        return None
    cells = [item.positions.new_zeros(3, 3) if item.cell is None else item.cell for item in structures]
    return torch.stack([cell.to(dtype) for cell in cells])  # [B, 3, 3]


def _periods(structures: Sequence[Structure]) -> Tensor | None:
    flags = [item.pbc for item in structures]
    return torch.tensor(flags, device=structures[0].positions.device) if any(map(any, flags)) else None

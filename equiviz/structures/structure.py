"""Structure: points in space with species, maybe a periodic cell, and typed attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from equiviz.structures.elements import symbol
from equiviz.structures.errors import StructureError
from equiviz.structures.neighbours import spans_volume
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import GroupElement, MovesSupport
from equiviz.symmetry.representations import O3Irreps, Position

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from torch_geometric.data import Data

SpeciesNames: TypeAlias = "tuple[str, ...] | Mapping[int, str] | None"


@dataclass(frozen=True, eq=False)
class Structure:
    """Points in space, what they are, how they repeat, and what they carry.

    Shapes: N points; d is the dimension of a representation.

    Attributes:
        positions: [N, 3] in `length_unit`, any floating dtype; float64 from all readers. Never wrapped into the cell.
        species: [N] atomic numbers, or type numbers for model liquids (then `species_names` says what they mean).
        cell: [3, 3], one lattice vector per row, in `length_unit`; or None. Non-periodic rows may be zero.
        pbc: which of the three lattice vectors are periods.
        node: typed attributes of the points: name -> Field with values [N, d] and support "node".
        graph: typed attributes of the whole: name -> Field with values [1, d] and support "graph".
        length_unit: unit of positions and cell: "Å", or "sigma" for Lennard-Jones liquids.
        species_names: names of the type numbers; None means that species are atomic numbers.
        name: what to call the structure in reports.

    Raises:
        StructureError: shapes that disagree, non-finite numbers, a periodic direction without a lattice vector,
            lattice vectors without volume, an attribute with another support or number of rows.
    """

    positions: Tensor  # [N, 3]
    species: Tensor  # [N]
    cell: Tensor | None = None  # [3, 3]
    pbc: tuple[bool, bool, bool] = (False, False, False)
    node: Mapping[str, Field] = field(default_factory=dict)
    graph: Mapping[str, Field] = field(default_factory=dict)
    length_unit: str = "Å"
    species_names: SpeciesNames = None
    name: str = ""

    def __post_init__(self) -> None:
        positions = _positions(self.positions)
        cell = None if self.cell is None else _cell(self.cell, positions)
        tidy = {
            "positions": positions,
            "species": _species(self.species, positions),
            "cell": cell,
            "pbc": _pbc(self.pbc, cell),
            "node": {name: _node_field(name, item, len(positions)) for name, item in self.node.items()},
            "graph": {name: _graph_field(name, item) for name, item in self.graph.items()},
        }
        for name, value in tidy.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.positions)

    def __repr__(self) -> str:
        counts = ", ".join(f"{label} {count}" for label, count in self.composition.items())
        periods = "".join(axis for axis, periodic in zip("abc", self.pbc, strict=True) if periodic) or "none"
        typed = {**self.node, **self.graph}
        carried = ", ".join(f"{name}: {item.representation}" for name, item in typed.items()) or "none"
        title = f"Structure {self.name!r}" if self.name else "Structure"
        return f"{title}: {len(self)} points ({counts}), periodic along {periods}, typed attributes {carried}"

    @property
    def labels(self) -> list[str]:
        """The species of each point in words: "Si", or the name of a type."""
        return [self.species_label(number) for number in self.species.tolist()]

    @property
    def composition(self) -> dict[str, int]:
        """How many points there are of each species, in the order of the species numbers."""
        numbers, counts = self.species.unique(return_counts=True)
        pairs = zip(numbers.tolist(), counts.tolist(), strict=True)
        return {self.species_label(number): count for number, count in pairs}

    def species_label(self, number: int) -> str:
        """Return the name of one species number; numbers without a name are shown as they are."""
        if self.species_names is None:
            return symbol(number)
        if isinstance(self.species_names, Mapping):
            return self.species_names.get(number, str(number))
        return self.species_names[number] if 0 <= number < len(self.species_names) else str(number)

    def transform(self, g: GroupElement) -> Structure:
        """Return the structure acted on by g: positions, cell and every typed attribute.

        An O(3) element turns positions, cell and attributes; a Translation moves positions only; a Permutation reorders
        points and node attributes.
        """
        positions = Position().transform(g, self.positions)  # [N, 3]
        return replace(
            self,
            positions=reordered(g, positions),
            species=reordered(g, self.species),
            cell=None if self.cell is None else O3Irreps("1o").transform(g, self.cell),
            node={name: item.transform(g) for name, item in self.node.items()},
            graph={name: item.transform(g) for name, item in self.graph.items()},
        )

    def select(self, rows: Tensor | Sequence[int]) -> Structure:
        """Return some of the points with their node attributes, in the order of `rows`; cell and the rest stay.

        Args:
            rows: numbers of points ``[n]``, or for each point whether it is taken ``[N]`` (bool).

        Raises:
            StructureError: numbers of points that are not there, or a mask of another length.
        """
        chosen = torch.as_tensor(rows, device=self.positions.device)
        if chosen.ndim != 1 or (chosen.dtype == torch.bool and len(chosen) != len(self)):
            shape = list(chosen.shape)
            raise StructureError(None, None, f"expected numbers of points, or a mask [{len(self)}], got shape {shape}")
        chosen = chosen.nonzero()[:, 0] if chosen.dtype == torch.bool else chosen.long()
        if len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < len(self):
            told = f"expected numbers of points from 0 to {len(self) - 1}, got some from {int(chosen.min())} to "
            raise StructureError(None, None, f"{told}{int(chosen.max())}")
        node = {name: item.with_values(item.values[chosen]) for name, item in self.node.items()}
        return replace(self, positions=self.positions[chosen], species=self.species[chosen], node=node)

    def with_node(self, name: str, item: Field) -> Structure:
        """Return the structure with one more (or another) node attribute; raises StructureError as the class does."""
        return replace(self, node={**self.node, name: item})

    def with_graph(self, name: str, item: Field) -> Structure:
        """Return the structure with one more (or another) graph attribute; raises StructureError as the class does."""
        return replace(self, graph={**self.graph, name: item})

    def to(self, target: torch.dtype | torch.device | str) -> Structure:
        """Return the structure in another floating dtype or on another device (species stay integers)."""
        return replace(
            self,
            positions=self.positions.to(target),
            species=self.species if isinstance(target, torch.dtype) else self.species.to(target),
            cell=None if self.cell is None else self.cell.to(target),
            node={name: item.to(target) for name, item in self.node.items()},
            graph={name: item.to(target) for name, item in self.graph.items()},
        )

    def to_ase(self) -> Atoms:
        """Return `ase.Atoms`: see `equiviz.structures.interchange.ase_atoms.to_ase`."""
        from equiviz.structures.interchange.ase_atoms import to_ase

        return to_ase(self)

    @classmethod
    def from_ase(cls, atoms: Atoms, attributes: Mapping[str, str] | None = None) -> Structure:
        """Make a structure of `ase.Atoms`: see `equiviz.structures.interchange.ase_atoms.from_ase`."""
        from equiviz.structures.interchange.ase_atoms import from_ase

        return from_ase(atoms, attributes)

    def to_pyg(self) -> Data:
        """Return a PyG `Data`: see `equiviz.structures.interchange.pyg_data.to_pyg`."""
        from equiviz.structures.interchange.pyg_data import to_pyg

        return to_pyg(self)

    @classmethod
    def from_pyg(cls, data: Data, attributes: Mapping[str, str] | None = None) -> Structure:
        """Make a structure of a PyG `Data`: see `equiviz.structures.interchange.pyg_data.from_pyg`."""
        from equiviz.structures.interchange.pyg_data import from_pyg

        return from_pyg(data, attributes)

    def to_dict(self) -> dict[str, object]:
        """Return a dict of numpy arrays: see `equiviz.structures.interchange.arrays.to_dict`."""
        from equiviz.structures.interchange.arrays import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, arrays: Mapping[str, object], attributes: Mapping[str, str] | None = None) -> Structure:
        """Make a structure of a dict of arrays: see `equiviz.structures.interchange.arrays.from_dict`."""
        from equiviz.structures.interchange.arrays import from_dict

        return from_dict(arrays, attributes)


def reordered(g: GroupElement, values: Tensor) -> Tensor:
    """Return node values [N, ...] in the order that g gives the nodes (the old one, unless g is a permutation)."""
    return g.reorder("node", values) if isinstance(g, MovesSupport) else values


def _positions(values: Tensor | np.ndarray) -> Tensor:
    positions = torch.as_tensor(values)
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise StructureError(None, None, f"positions must have shape [points, 3], got {list(positions.shape)}")
    if not positions.is_floating_point():
        positions = positions.to(torch.float64)
    bad = ~positions.detach().isfinite().all(dim=1)  # [N]
    if bad.any():
        first = int(bad.nonzero()[0])
        row = positions[first].tolist()
        raise StructureError(
            None, None, f"point {first} has a coordinate that is not finite: {row}; remove or repair it"
        )
    return positions


def _species(values: Tensor | np.ndarray, positions: Tensor) -> Tensor:
    species = torch.as_tensor(values, device=positions.device)
    if species.shape != positions.shape[:1]:
        why = f"species must have shape [{len(positions)}], one number per point, got {list(species.shape)}"
        raise StructureError(None, None, why)
    if species.is_floating_point() or species.is_complex():
        raise StructureError(None, None, f"species must be integers (atomic or type numbers), got {species.dtype}")
    return species.to(torch.long)


def _cell(values: Tensor | np.ndarray, positions: Tensor) -> Tensor:
    cell = torch.as_tensor(values).to(positions)
    if cell.shape != (3, 3):
        raise StructureError(
            None, None, f"cell must have shape [3, 3], one lattice vector per row, got {list(cell.shape)}"
        )
    if not cell.detach().isfinite().all():
        raise StructureError(None, None, f"cell has an entry that is not finite: {cell.tolist()}")
    return cell


def _pbc(values: tuple[bool, bool, bool], cell: Tensor | None) -> tuple[bool, bool, bool]:
    flags = tuple(bool(value) for value in values)
    if len(flags) != 3:
        raise StructureError(None, None, f"pbc must be three booleans, one per lattice vector, got {values!r}")
    if any(flags) and cell is None:
        raise StructureError(
            None, None, f"pbc is {flags} but there is no cell; give a cell, or pbc=(False, False, False)"
        )
    if any(flags) and cell is not None:
        _check_volume(cell, flags)
    return flags[0], flags[1], flags[2]


def _check_volume(cell: Tensor, flags: tuple[bool, ...]) -> None:
    rows = cell.detach().cpu().to(torch.float64)[list(flags)]  # [periods, 3]
    if spans_volume(rows.numpy()):
        return
    why = f"the lattice vectors of the periodic directions span no volume: {rows.tolist()} with pbc {flags}"
    raise StructureError(None, None, f"{why}; give a cell with volume, or switch periodicity off")


def _node_field(name: str, item: Field, points: int) -> Field:
    if item.support != "node" or item.values.shape[0] != points:
        why = f"node attribute {name!r} must have support 'node' and {points} rows, "
        raise StructureError(None, None, f"{why}got support {item.support!r} and shape {list(item.values.shape)}")
    return item


def _graph_field(name: str, item: Field) -> Field:
    if item.support != "graph" or item.values.shape[0] != 1:
        why = f"graph attribute {name!r} must have support 'graph' and shape [1, d], "
        raise StructureError(None, None, f"{why}got support {item.support!r} and shape {list(item.values.shape)}")
    return item

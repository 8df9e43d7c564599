"""Structure <-> `torch_geometric.data.Data` (Fey and Lenssen, arXiv:1903.02428)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from equiviz.structures.attributes import Types
from equiviz.structures.errors import MissingLibrary, StructureError
from equiviz.structures.interchange.arrays import RESERVED, from_dict, to_dict

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from equiviz.structures.structure import Structure

#: Names that PyG's world uses for positions and species, in the order in which they are looked for.
POSITION_NAMES = ("pos", "positions")
SPECIES_NAMES = ("z", "atomic_numbers", "species", "atom_types")

#: Connectivity is not an attribute of a structure; a `Graph` finds its own edges.
_NOT_ATTRIBUTES = ("edge_index", "edge_attr", "batch", "ptr", "equiviz")


def to_pyg(structure: Structure) -> Data:
    """Return a PyG `Data` with pos [N, 3], z [N], cell [1, 3, 3], pbc [1, 3], each attribute under its name.

    `data.equiviz` is a dict of plain text: the types of the attributes, the unit, names. Tensors are shared, not
    copied, and keep their autograd history.

    Raises:
        MissingLibrary: torch_geometric is not installed.
        StructureError: attributes whose names clash.
    """
    try:
        from torch_geometric.data import Data
    except ImportError as error:
        raise MissingLibrary("torch_geometric", "graph") from error
    plain = to_dict(structure)
    data = Data(pos=structure.positions, z=structure.species, pbc=torch.tensor([structure.pbc]))
    if structure.cell is not None:
        data.cell = structure.cell[None]
    for name, item in {**structure.node, **structure.graph}.items():
        data[name] = item.values
    data.equiviz = {key: plain[key] for key in ("types", "length_unit", "species_names", "name")}
    return data


def from_pyg(data: Data, attributes: Types | None = None) -> Structure:
    """Make a structure of one PyG `Data` (not of a batch): pos, z, and cell and pbc where given.

    Args:
        data: species may be called z, atomic_numbers, species or atom_types; edges are not taken over.
        attributes: name -> representation for attributes whose names are not usual; without a type they are left out.

    Raises:
        StructureError: no positions or species, or what `Structure` refuses.
    """
    entries = data.to_dict()
    arrays: dict[str, object] = {
        "positions": _first(entries, POSITION_NAMES, "positions"),
        "species": _first(entries, SPECIES_NAMES, "species"),
    }
    if entries.get("cell") is not None:
        arrays["cell"] = entries["cell"].reshape(3, 3)
        arrays["pbc"] = entries["pbc"].reshape(-1) if entries.get("pbc") is not None else True
    arrays.update(entries.get("equiviz", {}))
    used = {*POSITION_NAMES, *SPECIES_NAMES, *RESERVED, *_NOT_ATTRIBUTES}
    arrays.update({name: value for name, value in entries.items() if name not in used})
    return from_dict(arrays, attributes)


def _first(entries: Mapping[str, object], names: tuple[str, ...], what: str) -> object:
    for name in names:
        if entries.get(name) is not None:
            return entries[name]
    raise StructureError(None, None, f"no {what} in this Data: looked for {names}, found {sorted(entries)}")
